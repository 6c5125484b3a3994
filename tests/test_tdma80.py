"""The 80-bit modem sends single bursts in its slots, and no host can confuse it for long."""

from __future__ import annotations

import asyncio
import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import ByteStream
from drivers.io.serial import open_serial
from sim.devices.tdma80 import (
    HORIZON_SLOTS,
    MAX_WAITING,
    NEXT_OWN,
    Code,
    Command,
    Notice,
    Tdma80,
    crc16,
    frame,
)
from sim.loop import run
from sim.ports import MemoryPort
from sim.pty import PtyPort
from sim.radio.medium import Medium
from sim.radio.reception import Spot
from tests.radio_world import Star, plain
from tests.tidy import ROOT

DATA = bytes(range(10))


class Host:
    """A modem on a list instead of a line."""

    def __init__(self, medium: Medium, name: str, *, clock_error_ns: int = 0) -> None:
        self.modem = Tdma80(medium, Spot(name), clock_error_ns=clock_error_ns)
        self.said: list[tuple[int, bytes]] = []
        self.modem.attach(self._take)

    def _take(self, data: bytes) -> None:
        assert data[:2] == b"\xa5\x5a"
        assert crc16(data[2:-2]) == int.from_bytes(data[-2:], "big")
        assert data[3] == len(data) - 6
        self.said.append((data[2], data[4:-2]))

    def plan(self, slots: int, *places: int) -> None:
        """Set the slot plan."""
        self.modem.receive(
            frame(Command.PLAN, struct.pack(f">HB{len(places)}H", slots, len(places), *places))
        )

    def send(self, slot: int, data: bytes = DATA, tag: int = 7) -> int:
        """Hand a burst over; return the code of its RESULT."""
        self.modem.receive(frame(Command.SEND, struct.pack(">BI", tag, slot) + data))
        return self.said[-1][1][2]

    def of(self, kind: Notice) -> list[bytes]:
        """Return what the modem said of one kind."""
        return [payload for found, payload in self.said if found == kind]


async def test_a_burst_goes_out_in_its_slot() -> None:
    """A burst for slot 13 is on the air from 390 to 417.5 ms; SENT and the far end's BURST name the slot."""
    medium = plain(Star(near=True))
    one, two = Host(medium, "one"), Host(medium, "two")
    one.plan(2, 1)

    assert one.send(13) == Code.TAKEN
    await asyncio.sleep(0.417)
    assert two.of(Notice.BURST) == []
    await asyncio.sleep(0.001)

    assert one.of(Notice.SENT) == [struct.pack(">BI", 7, 13)]
    assert two.of(Notice.BURST) == [struct.pack(">Ib", 13, -80) + DATA]


async def test_a_net_answers_slot_by_slot() -> None:
    """Sixty stations with a place each in a frame of 64 are all heard in one frame of 1.92 s."""
    medium = plain(Star(near=True))
    centre = Host(medium, "base")
    for place in range(60):
        host = Host(medium, f"n{place}")
        host.plan(64, place)
        assert host.send(NEXT_OWN, bytes([place]) * 10) == Code.TAKEN
    await asyncio.sleep(2.0)

    assert [payload[5] for payload in centre.of(Notice.BURST)] == list(range(60))


async def test_next_own_slots_follow_each_other() -> None:
    """Three bursts for the next slot of one's own take three slots."""
    medium = plain(Star(near=True))
    one = Host(medium, "one")
    one.plan(4, 1, 2)
    for tag in range(3):
        one.send(NEXT_OWN, tag=tag)
    await asyncio.sleep(1.0)

    assert one.of(Notice.SENT) == [struct.pack(">BI", tag, slot) for tag, slot in enumerate((1, 2, 5))]


async def test_what_cannot_be_sent_is_refused() -> None:
    """Each reason has its code, and a refused burst costs no airtime."""
    medium = plain(Star(near=True))
    one = Host(medium, "one")

    assert one.send(1) == Code.NOT_OURS
    one.plan(2, 1)
    await asyncio.sleep(1.0)
    assert one.send(1) == Code.TOO_LATE
    assert one.send(100) == Code.NOT_OURS
    assert one.send(101 + HORIZON_SLOTS) == Code.TOO_FAR
    assert one.send(101, DATA[:9]) == Code.MALFORMED
    assert [one.send(NEXT_OWN) for _ in range(MAX_WAITING + 1)][-2:] == [Code.TAKEN, Code.FULL]
    one.modem.receive(frame(Command.CLEAR, b"") + frame(0x33, b""))
    assert [payload[2] for payload in one.of(Notice.RESULT)][-2:] == [Code.TAKEN, Code.UNKNOWN]
    await asyncio.sleep(10.0)
    assert one.modem.radio.bursts == 0


@pytest.mark.parametrize(
    "payload", [b"", b"\x00\x02\x01", b"\x00\x01\x00", b"\x00\x02\x01\x00\x02", b"\x08\x00\x00"]
)
async def test_a_bad_plan_changes_nothing(payload: bytes) -> None:
    """A plan that contradicts itself is malformed; the old one stays."""
    one = Host(plain(Star(near=True)), "one")
    one.plan(2, 1)
    one.modem.receive(frame(Command.PLAN, payload))

    assert one.of(Notice.RESULT)[-1][2] == Code.MALFORMED
    assert one.send(NEXT_OWN) == Code.TAKEN


async def test_the_host_learns_the_slot_clock() -> None:
    """CLOCK_IS gives slot and microseconds; SYNC comes at the beginning of every hundredth slot."""
    medium = plain(Star(near=True))
    one, late = Host(medium, "one"), Host(medium, "late", clock_error_ns=1_000_000)
    await asyncio.sleep(7.0345)
    for host in (one, late):
        host.modem.receive(frame(Command.CLOCK, b""))

    assert one.of(Notice.CLOCK_IS) == [struct.pack(">IHH", 234, 14_500, 2)]
    assert late.of(Notice.CLOCK_IS) == [struct.pack(">IHH", 234, 13_500, 2)]
    assert one.of(Notice.SYNC) == [struct.pack(">I", slot) for slot in (100, 200)]


async def test_power_loss_forgets_the_plan() -> None:
    """What waits dies with the power; afterwards the modem has no places."""
    medium = plain(Star(near=True))
    one = Host(medium, "one")
    one.plan(2, 1)
    one.send(101)
    one.modem.powered = False
    await asyncio.sleep(1.0)
    one.modem.powered = True
    await asyncio.sleep(10.0)

    assert one.modem.radio.bursts == 0
    assert one.send(NEXT_OWN) == Code.NOT_OURS


@given(st.lists(st.binary(max_size=60), max_size=8), st.binary(max_size=32), st.integers(0, 255))
def test_hostile_input_is_bounded_and_forgotten(chunks: list[bytes], payload: bytes, kind: int) -> None:
    """Whatever came before, at most one frame's octets are kept, and the modem answers again soon."""

    async def world() -> list[bytes]:
        one = Host(plain(Star(near=True)), "one")
        for chunk in [*chunks, frame(kind, payload), *chunks]:
            one.modem.receive(chunk)
        assert len(one.modem._buffer) <= 38
        one.modem.receive(bytes(40) + frame(Command.CLOCK, b""))
        return one.of(Notice.CLOCK_IS)

    assert run(world())


def test_the_page_shows_what_the_modem_says() -> None:
    """The example of the documentation is the modem's own octets."""
    page = (ROOT / "docs" / "simulator-devices.md").read_text("utf-8")
    found = [
        bytes.fromhex(text) for text in re.findall(r"`((?:[0-9A-F]{2} ?)+)`", page.partition("Example:")[2])
    ]
    asked, answered = found[0] + found[1], found[2] + found[3]

    async def world() -> None:
        one = Host(plain(Star(near=True)), "one")
        said: list[bytes] = []
        one.modem.attach(said.append)
        one.modem.receive(asked)
        assert said == [answered]

    run(world())


async def _ask_clock(stream: ByteStream) -> bytes:
    await stream.write(frame(Command.CLOCK, b""))
    heard = b""
    while len(heard) < 14:
        heard += await stream.read(64)
    return heard


async def test_it_runs_on_a_memory_port() -> None:
    """Behind a serial port in memory it answers at its own rate."""
    stream = MemoryPort(Tdma80(plain(Star()), Spot("one"))).open(115_200)
    assert (await _ask_clock(stream))[:3] == b"\xa5\x5a\x83"


@pytest.mark.real
async def test_it_runs_on_a_pty(tmp_path: Path) -> None:
    """The same object answers a real program on a PTY."""
    with PtyPort(Tdma80(plain(Star()), Spot("one")), tmp_path / "tty80") as port:
        stream = await open_serial(str(port.path), baud_bps=115_200)
        try:
            assert (await _ask_clock(stream))[:3] == b"\xa5\x5a\x83"
        finally:
            await stream.aclose()
