"""The Hytera driver against a simulated mobile and its net: what reaches people, what the gateway is told."""

from __future__ import annotations

import asyncio

import pytest

from drivers.base import (
    LinkRefusedError,
    Progress,
    Received,
    Service,
    Stage,
)
from sim.kit import Sim
from sim.pytest_plugin import sim_test
from tests.hytera_scene import GROUP, HQ, ONE, PORT, VEHICLE, Scene


async def test_private_text_is_shown_once_and_delivered() -> None:
    """A text appears on the handheld's screen, and result 0 means delivered."""
    scene = Scene()
    async with scene.link() as watch:
        handle = await watch.text("速到石棉县 ~~", ONE)

        progress = await watch.stage(handle, Stage.DELIVERED)

    assert scene.one.texts() == ["速到石棉县 ~~"]
    stages = [p.stage for p in watch.of(Progress)]
    assert stages == [Stage.AT_MODEM, Stage.DELIVERED]
    assert progress.device_ref == watch.of(Progress)[0].device_ref


async def test_group_text_is_shown_by_everyone() -> None:
    """A group text reaches all in the group; its success is "on air", for nobody acknowledges."""
    scene = Scene()
    async with scene.link() as watch:
        handle = await watch.text("全体注意", GROUP, group=True)

        progress = await watch.stage(handle, Stage.ON_AIR, Stage.DELIVERED)

    assert progress.stage is Stage.ON_AIR
    assert (scene.one.texts(), scene.two.texts()) == (["全体注意"], ["全体注意"])
    assert scene.one.screen[0].group == GROUP


async def test_unanswered_text_is_unknown_not_failed() -> None:
    """Result 8 says that no acknowledgement came; whether the text was read nobody knows."""
    scene = Scene()
    scene.one.in_coverage = False
    async with scene.link() as watch:
        handle = await watch.text("听到请回", ONE)

        progress = await watch.stage(handle, Stage.FAILED, Stage.UNKNOWN)

    assert progress.stage is Stage.UNKNOWN
    assert "对方未应答 (8)" in progress.reason


async def test_error_for_ever_is_failed_in_words() -> None:
    """A radio that may not transmit fails each text with its reason."""
    scene = Scene()
    scene.hq.faults.result = 0x0B
    async with scene.link() as watch:
        for _ in range(3):
            handle = await watch.text("测试", ONE)
            progress = await watch.stage(handle, Stage.FAILED)
            assert "禁止发射" in progress.reason

    assert scene.one.texts() == []


async def test_incoming_text_is_acknowledged_only_after_confirm() -> None:
    """The handheld is told "delivered" when the gateway has committed the text, not before."""
    scene = Scene()
    async with scene.link(confirm=False) as watch:
        typed = scene.one.type_text("到 12人")
        received = await watch.wait_for(Received)
        await asyncio.sleep(3)
        before = typed.outcome

        await watch.link.confirm(received.receipt)
        await asyncio.sleep(2)

    assert before == "sending"
    assert typed.outcome == "delivered"
    assert (received.source, received.text, received.group) == (str(ONE), "到 12人", "")


async def test_repeats_of_a_handheld_are_absorbed_and_acknowledged_again() -> None:
    """A text sent again and again is seen once; each repeat after the commit is answered."""
    scene = Scene()
    async with scene.link(confirm=False) as watch:
        typed = scene.one.type_text("道路中断")
        received = await watch.wait_for(Received)
        await asyncio.sleep(20)  # two repeats meanwhile
        scene.channel.cut = True
        await watch.link.confirm(received.receipt)  # this acknowledgement is lost on the air
        await asyncio.sleep(2)
        scene.channel.cut = False
        await asyncio.sleep(60)

    assert len(watch.of(Received)) == 1
    assert typed.outcome == "delivered"


async def test_text_refs_survive_a_restart_of_the_driver() -> None:
    """A text repeated to a restarted gateway has the reference it had, so that it is not delivered twice."""
    scene = Scene()
    async with scene.link(confirm=False) as watch:
        scene.one.switch_on()
        await asyncio.sleep(5)
        scene.one.type_text("收到")
        first = await watch.wait_for(Received)
    async with scene.link() as watch:
        again = await watch.wait_for(Received)

    assert again.native_ref == first.native_ref


async def test_same_answer_after_power_up_is_a_new_text() -> None:
    """A handset whose counter starts anew sends "到" with the same number: it is another answer."""
    scene = Scene()
    async with scene.link() as watch:
        scene.one.switch_on()
        await asyncio.sleep(5)
        scene.one.type_text("到")
        await asyncio.sleep(300)
        scene.one.switch_on()
        await asyncio.sleep(5)
        scene.one.type_text("到")
        await asyncio.sleep(30)

    refs = [received.native_ref for received in watch.of(Received)]
    assert len(refs) == len(set(refs)) == 2


async def test_repeat_across_a_renewal_is_no_new_text() -> None:
    """A registration between a text and its repeat does not make two of it."""
    scene = Scene()
    async with scene.link(confirm=False) as watch:
        scene.one.type_text("需要担架")
        await watch.wait_for(Received)
        scene.one.register()
        await asyncio.sleep(40)

    assert len(watch.of(Received)) == 1


async def test_line_feed_of_foreign_sets_is_stripped() -> None:
    """The CR LF that Motorola sets send first is not shown."""
    scene = Scene()
    async with scene.link() as watch:
        scene.one.type_text("\r\nReady")

        received = await watch.wait_for(Received)

    assert received.text == "Ready"


async def test_group_text_from_the_field_names_its_group() -> None:
    """A text that another mobile sends to the group arrives with the group's address."""
    scene = Scene()
    async with (
        scene.link() as watch,
        scene.link(port=PORT + "2", parts=type(scene.parts)()) as vehicle,
    ):
        await vehicle.text("集合", GROUP, group=True)

        received = await watch.wait_for(Received)

    assert (received.source, received.group, received.text) == (str(VEHICLE), str(GROUP), "集合")


async def test_sealed_frames_travel_between_two_gateways() -> None:
    """Any octets of full size arrive at the other mobile's gateway; its acknowledgement ends the attempt."""
    scene = Scene()
    frame = bytes(range(140))
    async with (
        scene.link() as watch,
        scene.link(port=PORT + "2", parts=type(scene.parts)()) as vehicle,
    ):
        handle = await watch.data(frame, VEHICLE)

        received = await vehicle.wait_for(Received)
        progress = await watch.stage(handle, Stage.AT_NETWORK)

    assert (received.service, received.source, received.payload) == (Service.DATA, str(HQ), frame)
    assert progress.reason == ""


async def test_frames_follow_each_other_without_waiting_for_results() -> None:
    """Ten full frames between gateways go at the pace of the air, not of results four seconds late."""
    scene = Scene()
    async with (
        scene.link() as watch,
        scene.link(port=PORT + "2", parts=type(scene.parts)()) as vehicle,
    ):
        began_s = asyncio.get_running_loop().time()
        for number in range(10):
            await watch.patiently(bytes([number]) * 140, VEHICLE)
        await vehicle.wait_for(Received, lambda event: event.payload[0] == 9)
        took_s = asyncio.get_running_loop().time() - began_s

    assert [event.payload[0] for event in vehicle.of(Received)] == list(range(10))
    assert took_s < 25


async def test_broadcast_goes_to_the_data_group() -> None:
    """A frame for everyone travels as group short data, if a group is configured for it."""
    scene = Scene()
    async with (
        scene.link(data_group=GROUP) as watch,
        scene.link(port=PORT + "2", parts=type(scene.parts)()) as vehicle,
    ):
        await watch.data(b"to all", "")

        received = await vehicle.wait_for(Received)
        assert watch.link.capabilities.broadcast
        with pytest.raises(LinkRefusedError, match="no destination"):
            await vehicle.data(b"to all", "")

    assert (received.payload, received.group) == (b"to all", str(GROUP))


@sim_test(seeds=8)
async def test_no_text_of_the_field_is_lost_or_doubled(sim: Sim) -> None:
    """Through a lossy net and restarts at any moment, every text arrives under one reference."""
    scene = Scene(seed=sim.seed, loss=0.15)
    when = scene.streams.stream("test/when")
    seen: dict[str, str] = {}
    typed = []
    scene.one.switch_on()
    for number in range(6):
        async with scene.link() as watch:
            await asyncio.sleep(when.uniform(0, 20))
            typed.append(scene.one.type_text(f"第{number}条"))
            await asyncio.sleep(when.uniform(0, 4))
        await asyncio.sleep(when.uniform(0, 10))
        seen |= {event.native_ref: event.text for event in watch.of(Received)}
    async with scene.link() as watch:
        await asyncio.sleep(200)
    seen |= {event.native_ref: event.text for event in watch.of(Received)}

    delivered = sorted(each.text for each in typed if each.outcome == "delivered")
    assert delivered
    assert set(delivered) <= set(seen.values())
    assert sorted(seen.values()) == sorted(set(seen.values()))


async def test_pdt_dial_numbers_are_addresses() -> None:
    """With PDT numbering people see and use dial numbers; the type says whether it is a group."""
    scene = Scene()
    unit = scene.one
    scene.net.stations.pop(unit.id)
    unit.id = 0xFC0001
    scene.net.join(unit)
    async with scene.link(numbering="pdt") as watch:
        await watch.text("请回话", "80020200")
        unit.type_text("在")
        received = await watch.wait_for(Received)
        with pytest.raises(LinkRefusedError, match="area number"):
            await watch.text("x", "12345")

    assert received.source == "80020200"
    assert unit.texts() == ["请回话"]


@pytest.mark.parametrize(
    ("to", "text", "words"),
    [
        ("99999999", "x", "1..16777215"),
        ("abc", "x", "decimal radio id"),
        (ONE, "长" * 129, r"258 octets .129 characters., limit 1..256 octets"),
        (ONE, "", "limit 1..256 octets"),
        (ONE, "\ud800", "surrogate"),
        ("", "x", "no destination"),
    ],
)
async def test_what_can_never_be_sent_is_refused(to: int | str, text: str, words: str) -> None:
    """Bad addresses and texts are refused at once, with the limit in words."""
    scene = Scene()
    async with scene.link() as watch:
        with pytest.raises(LinkRefusedError, match=words):
            await watch.text(text, to)


async def test_oversized_frame_is_refused() -> None:
    """A frame beyond the configured size never reaches the radio."""
    scene = Scene()
    async with scene.link() as watch:
        with pytest.raises(LinkRefusedError, match=r"141 octets, limit 1\.\.140"):
            await watch.data(bytes(141), VEHICLE)
