"""What becomes of a text or frame sent through a Tiantong module, told honestly."""

from __future__ import annotations

import asyncio

import pytest

from drivers.base import Handle, LinkBusyError, LinkDownError, LinkRefusedError, LinkState, Progress, Stage
from sim.kit import Sim
from sim.people import Habit, Person
from sim.pytest_plugin import sim_test
from sim.rng import Streams
from tests.at_modem_scene import HQ, PHONE, PORT_VEHICLE, VEHICLE, Scene


async def test_a_text_reaches_the_phone_and_the_report_comes_back() -> None:
    """at_modem, at_network with the network's reference, delivered by the status report."""
    scene = Scene()
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        text = seen.text("点名：请回答 🚑")
        await seen.link.send(text)
        told = await seen.stage(Stage.DELIVERED, text.handle)
    assert [shown.text for shown in scene.phone.screen] == ["点名：请回答 🚑"]
    assert seen.stages(text.handle) == [Stage.AT_MODEM, Stage.AT_NETWORK, Stage.DELIVERED]
    assert told.device_ref.startswith(f"{PHONE}:")


async def test_a_long_text_arrives_whole_and_is_delivered_once() -> None:
    """Parts carry a 16-bit reference; delivered means every part."""
    scene = Scene()
    long = "三断演练：道路、网络、电力全部中断。" * 12
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        text = seen.text(long)
        await seen.link.send(text)
        await seen.stage(Stage.DELIVERED, text.handle)
        await asyncio.sleep(300)
    assert [shown.text for shown in scene.phone.screen] == [long]
    assert seen.stages(text.handle).count(Stage.DELIVERED) == 1
    assert scene.hq.submitted > 2


async def test_long_texts_are_numbered_on_after_a_restart() -> None:
    """The reference of long texts is kept, so that two of them are never mixed up."""
    scene = Scene()
    for _ in range(2):
        async with scene.link() as seen:
            await seen.state(LinkState.UP)
            await seen.link.send(seen.text("长" * 100))
    commands = [record.data for record in scene.parts.trace.records if record.direction == "tx"]
    headers = {data[data.index(b"060804") :][6:10] for data in commands if b"060804" in data}
    assert len(headers) == 2
    first, second = sorted(int(header, 16) for header in headers)
    assert second - first in (1, 0xFFFF)


async def test_a_frame_of_140_octets_goes_between_two_gateways() -> None:
    """One sealed frame is one 8-bit message, unchanged."""
    scene = Scene()
    async with scene.link() as hq, scene.link(name="vehicle", port=PORT_VEHICLE) as vehicle:
        await hq.state(LinkState.UP)
        await vehicle.state(LinkState.UP)
        await hq.link.send(hq.frame(bytes(range(140))))
        received = await vehicle.heard()
    assert (received.payload, received.source) == (bytes(range(140)), HQ)


async def test_no_answer_after_the_pdu_is_unknown_and_not_failed() -> None:
    """The network may have it: 60 s of silence end in unknown, never in failed."""
    scene = Scene()
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        scene.hq.faults.mute_after_pdu = True
        text = seen.text("听到请回")
        started_s = asyncio.get_running_loop().time()
        await seen.link.send(text)
        assert asyncio.get_running_loop().time() - started_s >= 60
        assert seen.stages(text.handle) == [Stage.AT_MODEM, Stage.UNKNOWN]
    assert len(scene.phone.screen) == 1


async def test_a_network_timeout_is_unknown() -> None:
    """+CMS ERROR 332 says that the network did not answer, not that it did not take it."""
    scene = Scene()
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        scene.sky.loss = 1.0
        text = seen.text("听到请回")
        await seen.link.send(text)
        told = await seen.stage(Stage.UNKNOWN, text.handle)
    assert "332" in told.reason
    assert "网络超时" in told.reason


async def test_a_restart_in_mid_command_is_unknown_and_recovers() -> None:
    """The module starts anew after the PDU: the outcome is unknown at once, and the link comes back."""
    scene = Scene()
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        scene.hq.faults.mute_after_pdu = True
        scene.hq.faults.boot_garbage = b"\x00\xff\x00BOOT 1.2\r\n\xfe"
        asyncio.get_running_loop().call_later(3, scene.hq.reboot)
        text = seen.text("听到请回")
        mark = len(seen.events)
        await seen.link.send(text)
        assert seen.stages(text.handle) == [Stage.AT_MODEM, Stage.UNKNOWN]
        scene.hq.faults.mute_after_pdu = False
        await seen.state(LinkState.UP, since=mark)
        again = seen.text("第二条")
        await seen.link.send(again)
        assert Stage.AT_NETWORK in seen.stages(again.handle)


async def test_a_number_nobody_has_fails_by_report() -> None:
    """The report's reason is told in words, in both languages."""
    scene = Scene()
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        text = seen.text("有人吗", to="17499999999")
        await seen.link.send(text)
        told = await seen.stage(Stage.FAILED, text.handle)
    assert "not obtainable" in told.reason
    assert "无法接通" in told.reason


async def test_a_phone_that_is_off_gets_it_later() -> None:
    """The centre keeps it; delivered comes when the phone is on again."""
    scene = Scene()
    scene.phone.switch_off()
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        text = seen.text("开机后请回")
        await seen.link.send(text)
        await asyncio.sleep(600)
        assert seen.stages(text.handle)[-1] is Stage.AT_NETWORK
        scene.phone.switch_on()
        await seen.stage(Stage.DELIVERED, text.handle)


async def test_a_report_after_a_restart_finds_its_message() -> None:
    """Without the handle, by the device reference that was told before."""
    scene = Scene()
    scene.phone.switch_off()
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        text = seen.text("关机时发出" * 40)
        await seen.link.send(text)
        (network,) = (e for e in seen.events if isinstance(e, Progress) and e.stage is Stage.AT_NETWORK)
    scene.phone.switch_on()
    async with scene.link() as seen:
        told = await seen.stage(Stage.DELIVERED, None)
    assert told.device_ref == network.device_ref


async def test_no_prompt_is_busy_and_nothing_is_submitted() -> None:
    """Without the prompt nothing went on the air: try again later."""
    scene = Scene()
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        scene.hq.faults.no_prompt = True
        with pytest.raises(LinkBusyError):
            await seen.link.send(seen.text("x"))
        scene.hq.faults.no_prompt = False
        await seen.link.send(seen.text("y"))
    assert [shown.text for shown in scene.phone.screen] == ["y"]


@pytest.mark.parametrize("destination", ["", "12", "not a number", "+86174912345678901234567"])
async def test_what_is_no_number_is_refused(destination: str) -> None:
    """The address is named, in both languages."""
    scene = Scene()
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        with pytest.raises(LinkRefusedError) as caught:
            await seen.link.send(seen.text("x", to=destination))
    assert repr(destination[:40]) in caught.value.en
    assert "电话号码" in caught.value.zh


async def test_sending_before_registration_says_why_not() -> None:
    """LinkDownError carries the words of the state."""
    scene = Scene()
    scene.hq.denied = True
    async with scene.link() as seen:
        await seen.state(LinkState.DOWN)
        with pytest.raises(LinkDownError) as caught:
            await seen.link.send(seen.text("x"))
    assert "注册被拒绝" in caught.value.reason


async def test_people_answer_and_are_heard() -> None:
    """A person's answer comes back as a native text from the phone's number."""
    person = Person(Habit(delay_s=(20.0, 30.0)), rng=Streams(3).stream("person"))
    scene = Scene(person=person)
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        await seen.link.send(seen.text("点名"))
        answer = await seen.heard()
    assert (answer.source, answer.text) == (PHONE, "到")
    assert [typed.text for typed in scene.phone.typed] == ["到"]


@pytest.mark.parametrize("rude", [False, True])
async def test_lines_unasked_do_not_disturb_a_dialogue(*, rude: bool) -> None:
    """Signal lines pour in between prompt, PDU and result, and nothing is lost or doubled."""
    scene = Scene()
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        scene.hq.faults.rude = rude
        scene.hq.flood(2_000, 0.004)
        handles: list[Handle] = [await seen.link.send(seen.text(f"第{n}条")) for n in range(3)]
    assert all(Stage.AT_NETWORK in seen.stages(handle) for handle in handles)
    assert sorted(shown.text for shown in scene.phone.screen) == ["第0条", "第1条", "第2条"]


@sim_test(seeds=4)
async def test_a_lossy_sky_never_shows_a_message_that_was_told_failed(sim: Sim) -> None:
    """With a fifth of all legs lost every outcome is at_network or unknown, and no text is invented."""
    scene = Scene(loss=0.2, seed=sim.seed)
    sent = [f"{VEHICLE}-{number}" for number in range(30)]
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        for body in sent:
            await seen.link.send(seen.text(body))
    told = {e.stage for e in seen.events if isinstance(e, Progress)}
    assert Stage.FAILED not in told
    assert {shown.text for shown in scene.phone.screen} <= set(sent)
    unknown = sum(1 for e in seen.events if isinstance(e, Progress) and e.stage is Stage.UNKNOWN)
    assert len({shown.text for shown in scene.phone.screen}) >= len(sent) - unknown
