"""What the Beidou driver makes of messages, receipts and copies."""

from __future__ import annotations

import asyncio

import pytest

from drivers.base import (
    Handle,
    Heard,
    Notice,
    Precedence,
    Progress,
    Received,
    Service,
    Stage,
    Transmission,
)
from sim.people import HEAD_COUNT, Person
from tests.beidou_scene import HANDSET, OURS, PEER, Bench, text


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_text_reaches_a_handset_and_its_person_answers(bench: Bench) -> None:
    """Native text is shown on a handset, its receipt means DELIVERED, the answer comes back as text."""
    bench.handset.person = Person(HEAD_COUNT, rng=bench.streams.stream("person"))
    async with bench.link() as link:
        await bench.up()
        await link.send(text(1, "点名：镕基桥"))
        await bench.until(lambda: bool(bench.of(Received)))
        stages = [progress.stage for progress in bench.of(Progress)]
        (answer,) = bench.of(Received)
    assert bench.handset.texts() == ["点名：镕基桥"]
    assert stages == [Stage.ON_AIR, Stage.DELIVERED]
    assert (answer.service, answer.source, answer.text) == (Service.TEXT, "0244883", "到 12人")


async def test_bytes_that_look_like_a_frame_from_elsewhere_are_text(bench: Bench) -> None:
    """Mode-2 hex is data from a data peer only."""
    async with bench.link():
        await bench.up()
        for sender in (PEER, HANDSET):
            bench.space.transmit(sender, OURS, express=False, mode=2, content=b"A4410042")
        await bench.until(lambda: len(bench.of(Received)) == 2)
        services = {event.source: event.service for event in bench.of(Received)}
    assert services == {"0166002": Service.DATA, "0244883": Service.TEXT}


async def test_duplicates_carry_one_reference(bench: Bench) -> None:
    """A message two beams carried has one native_ref; the same words an hour later have another."""
    bench.space.duplicates = 1.0
    async with bench.link():
        await bench.up()
        bench.handset.type_text("到")
        await asyncio.sleep(3600)
        bench.handset.type_text("到")
        await asyncio.sleep(30)
        refs = [received.native_ref for received in bench.of(Received)]
    assert refs[0] == refs[1] != refs[2] == refs[3]


async def test_the_same_words_at_the_same_hour_of_another_day_are_news(bench: Bench) -> None:
    """Where the terminal tells hh:mm, equal words one day later are another message."""
    bench.terminal.tell_time = True
    async with bench.link(bsi_period_s=60):
        await bench.up()
        bench.handset.type_text("到")
        await asyncio.sleep(86_400)
        bench.handset.type_text("到")
        await asyncio.sleep(30)
        refs = {received.native_ref for received in bench.of(Received)}
    assert len(refs) == 2


async def test_receipt_after_a_restart_finds_its_message(bench: Bench) -> None:
    """A receipt for a message of an earlier run comes with its device_ref and no handle."""
    bench.space.receipts = False
    async with bench.link() as link:
        await bench.up()
        await link.send(text(1, "收到请回复"))
        await asyncio.sleep(0)
        ref = bench.of(Progress)[-1].device_ref
        await asyncio.sleep(10)
    async with bench.link():
        await bench.up()
        bench.space.ask_receipts(OURS, HANDSET)
        await bench.until(lambda: bool(bench.of(Progress)))
        (progress,) = bench.of(Progress)
    assert (progress.handle, progress.stage, progress.device_ref) == (None, Stage.DELIVERED, ref)


async def test_a_foreign_receipt_proves_nothing(bench: Bench) -> None:
    """A receipt that fits no message of ours is a notice, never DELIVERED."""
    async with bench.link() as link:
        await bench.up()
        await link.send(text(1, "收到请回复", to=PEER))
        await asyncio.sleep(10)
        bench.events.clear()
        bench.terminal.say(b"BDHZR,0166009,1,0101,0102")
        await bench.until(lambda: bool(bench.of(Notice)))
    assert not bench.of(Progress)


async def test_receipts_hold_with_a_wrong_clock(bench: Bench) -> None:
    """With our clock hours off, satellite time from the same port still pairs receipts with messages."""
    bench.clock.step(seconds=-5 * 3600)
    async with bench.link() as link:
        await bench.up()
        bench.terminal.say(
            f"GNRMC,{bench.space.hhmm()}20.00,A,3954.2520,N,11624.4440,E,,,210926,,,A".encode()
        )
        await asyncio.sleep(1)
        await link.send(text(1, "收到请回复"))
        await bench.until(lambda: len(bench.of(Progress)) == 2)
    assert bench.of(Progress)[-1].stage is Stage.DELIVERED


async def test_commander_broadcasts_and_sees_copies(bench: Bench) -> None:
    """A commander's broadcast reaches its whole group; subordinates' traffic is heard, not received."""
    bench.terminal.user_type, bench.terminal.broadcast = 0, 11
    bench.peer.broadcast = bench.handset.broadcast = 11
    bench.terminal.subordinates = frozenset({HANDSET})
    async with bench.link() as link:
        await bench.up()
        assert link.capabilities.broadcast
        await link.send(
            Transmission(
                handle=Handle(1),
                service=Service.TEXT,
                destination="",
                precedence=Precedence.ROUTINE,
                text="点名",
            )
        )
        bench.handset.type_text("到", to=PEER)
        await bench.until(lambda: bool(bench.of(Heard)))
        await asyncio.sleep(5)
        assert not bench.of(Received)
        assert bench.of(Heard)[0].address == "0244883"
    assert bench.handset.texts() == ["点名"]
    assert b"$BDTXR,3,0166001,2,," in bench.heard_by_peer


async def test_broadcast_comes_with_its_group(bench: Bench) -> None:
    """A broadcast names the group it was sent to."""
    bench.terminal.broadcast = 11
    async with bench.link():
        await bench.up()
        bench.space.transmit(HANDSET, 11, express=False, mode=0, content="集合".encode("gbk"))
        await bench.until(lambda: bool(bench.of(Received)))
    assert bench.of(Received)[0].group == "11"
