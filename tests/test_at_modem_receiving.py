"""What comes in over a Tiantong module is handed on once, and stays in the module until it is on disk."""

from __future__ import annotations

import asyncio

import pytest

from drivers.base import LinkState, Notice, Received, Service
from sim.devices.sms_wire import Body, write_bodies
from sim.devices.tiantong_stores import READ
from sim.env import SimParts
from tests.at_modem_scene import HQ, PHONE, Scene


def inject(scene: Scene, text: str, reference: int = 1, order: tuple[int, ...] = ()) -> None:
    """Let the centre deliver a text to headquarters' module, its parts in the given order."""
    bodies = write_bodies(text, reference)
    for number in order or range(len(bodies)):
        scene.centre.inject(PHONE, HQ, bodies[number])


def places(scene: Scene) -> int:
    """How many places of the module's store are taken."""
    return len(scene.hq.stores.receiving.slots)


async def test_a_text_is_deleted_from_the_module_only_after_confirmation() -> None:
    """Unconfirmed it stays stored, confirmed it goes."""
    scene = Scene()
    async with scene.link(confirm=False) as seen:
        await seen.state(LinkState.UP)
        inject(scene, "堰塞湖水位上涨")
        received = await seen.heard()
        await asyncio.sleep(300)
        assert places(scene) == 1
        await seen.link.confirm(received.receipt)
        await asyncio.sleep(5)
        assert places(scene) == 0
    assert (received.source, received.text) == (PHONE, "堰塞湖水位上涨")
    assert len(seen.received()) == 1


async def test_what_was_not_confirmed_comes_again_after_a_restart() -> None:
    """With the same source and reference, so that the gateway knows it again."""
    scene = Scene()
    inject(scene, "断电前收到的" * 30)
    async with scene.link(confirm=False) as seen:
        first = await seen.heard()
    async with scene.link(parts=SimParts()) as seen:
        again = await seen.heard()
        await asyncio.sleep(10)
    assert (first.source, first.native_ref, first.text) == (again.source, again.native_ref, again.text)
    assert places(scene) == 0


async def test_parts_in_any_order_are_joined_and_kept_until_the_whole_is_confirmed() -> None:
    """No part is deleted before the whole message is on disk."""
    scene = Scene()
    long = "各单位注意🚑" * 36
    async with scene.link(confirm=False) as seen:
        await seen.state(LinkState.UP)
        inject(scene, long, order=(2, 0, 3, 1))
        received = await seen.heard()
        assert received.text == long
        assert places(scene) == 4
        await seen.link.confirm(received.receipt)
        await asyncio.sleep(5)
        assert places(scene) == 0


async def test_a_missing_part_survives_a_restart_of_the_driver() -> None:
    """Half of a long message waits in the module; the other half completes it after the restart."""
    scene = Scene()
    long = "半条消息" * 30
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        inject(scene, long, order=(0,))
        await asyncio.sleep(120)
        assert seen.received() == []
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        inject(scene, long, order=(1,))
        assert (await seen.heard()).text == long


async def test_an_unfinished_message_is_shown_with_its_gap_after_hours() -> None:
    """Nothing that arrived is swallowed because a part of it never came."""
    scene = Scene()
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        inject(scene, "前半后半" * 30, order=(0,))
        await asyncio.sleep(6 * 3600)
        received = await seen.heard()
        await asyncio.sleep(5)
    assert received.text.startswith("前半后半")
    assert "缺第2段" in received.text
    assert places(scene) == 0


async def test_a_message_the_centre_repeats_is_one_message() -> None:
    """The confirmation to the centre was lost: the same time stamp and content is the same message."""
    scene = Scene()
    async with scene.link(confirm=False) as seen:
        await seen.state(LinkState.UP)
        inject(scene, "同一条")
        await seen.heard()
        scene.hq.take(scene.hq.stores.receiving.slots[1].pdu)
        await asyncio.sleep(30)
        assert places(scene) == 2
        (received,) = seen.received()
        await seen.link.confirm(received.receipt)
        await asyncio.sleep(5)
    assert places(scene) == 0


async def test_a_place_filled_anew_is_not_deleted_for_an_older_message() -> None:
    """Somebody else emptied the place, and a new message lies there when the old one is confirmed."""
    scene = Scene()
    async with scene.link(confirm=False) as seen:
        await seen.state(LinkState.UP)
        inject(scene, "旧")
        old = await seen.heard()
        scene.hq.stores.receiving.slots.clear()
        inject(scene, "新")
        new = await seen.until(Received, lambda received: received.text == "新")
        await seen.link.confirm(old.receipt)
        await asyncio.sleep(120)
        assert places(scene) == 1
        await seen.link.confirm(new.receipt)
        await asyncio.sleep(5)
        assert places(scene) == 0


async def test_a_full_store_is_emptied_of_what_nobody_waits_for() -> None:
    """Messages prepared in the module make room, an operator is told, and what waits outside comes in."""
    scene = Scene(storage=4)
    submit = bytes.fromhex("0011000D91687194214365F70008FF0454174E86")
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        for _ in range(4):
            scene.hq.stores.receiving.put(submit, READ)
        inject(scene, "装得下吗")
        told = await seen.until(Notice, lambda notice: notice.event == "sms_storage_full")
        received = await seen.heard()
    assert "存储已满" in told.detail
    assert received.text == "装得下吗"


async def test_a_store_full_of_unconfirmed_messages_loses_nothing() -> None:
    """While the gateway does not confirm, the centre keeps the rest; then everything comes, once."""
    scene = Scene(storage=3)
    sent = [f"第{number}条" for number in range(8)]
    async with scene.link(confirm=False) as seen:
        await seen.state(LinkState.UP)
        for text in sent:
            inject(scene, text)
        await asyncio.sleep(600)
        assert len(seen.received()) == 3
        confirmed = 0
        while confirmed < len(sent):
            for received in seen.received()[confirmed:]:
                await seen.link.confirm(received.receipt)
                confirmed += 1
            await asyncio.sleep(10)
    assert sorted(received.text for received in seen.received()) == sent


async def test_an_undecodable_message_is_told_and_does_not_fill_the_store() -> None:
    """Its octets stand in the notice."""
    scene = Scene()
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        scene.hq.stores.receiving.put(bytes.fromhex("00FFFF"), READ)
        scene.hq.urc('+CMTI: "ME",1')
        told = await seen.until(Notice, lambda notice: notice.event == "sms_undecodable")
        await asyncio.sleep(5)
    assert "00FFFF" in told.detail
    assert places(scene) == 0


async def test_a_message_pushed_without_storing_is_received() -> None:
    """+CMT brings the PDU itself; there is nothing to confirm."""
    scene = Scene()
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        scene.hq.urc("+CMT: ,25\r\n0891683108100005F0040AD0C82293F90400006201302143652308E834888E2ECBCB")
        received = await seen.heard()
    assert (received.source, received.text, received.receipt) == ("HELLO", "hi there", 0)


async def test_binary_messages_are_frames() -> None:
    """8-bit data goes to the data service, whatever it looks like."""
    scene = Scene()
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        scene.centre.inject(PHONE, HQ, Body(0x04, has_header=False, udl=3, user_data=b"\x00A\xff"))
        received = await seen.heard()
    assert (received.service, received.payload, received.text) == (Service.DATA, b"\x00A\xff", "")


@pytest.mark.parametrize("count", [300])
async def test_announcements_lost_in_a_flood_cost_no_message(count: int) -> None:
    """The store is listed regularly, so that a message whose announcement was lost is found."""
    scene = Scene()
    async with scene.link() as seen:
        await seen.state(LinkState.UP)
        scene.hq.flood(count)
        (body,) = write_bodies("无提示到达", 0)
        scene.hq._cnmi = [0, 0, 0, 0, 0]
        scene.centre.inject(PHONE, HQ, body)
        received = await seen.heard()
    assert received.text == "无提示到达"
    assert [e for e in seen.events if isinstance(e, Notice) and e.event == "modem_flooded"]
