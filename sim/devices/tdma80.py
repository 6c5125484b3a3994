"""A TDMA modem that sends single bursts of 80 bits in given slots; bytes as in docs/simulator-devices.md.

A host sets the slot plan, hands over ten octets for a slot of its own, and is told when they were sent, what
came in with slot and level, and where the slot clock stands. The modem listens whenever it does not send.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import IntEnum
from typing import Final

from typing_extensions import override

from sim.device import SerialDevice
from sim.radio.medium import Medium
from sim.radio.reception import Antenna
from sim.radio.station import Burst, Link, Radio
from sim.radio.tdma import BURST_NS, FRAME_SLOTS, SlotPlan

MARK: Final = b"\xa5\x5a"
HEAD_OCTETS, CHECK_OCTETS = 4, 2
MAX_PAYLOAD_OCTETS: Final = 32
"""Longest payload either way; bounds what a broken host can make the modem hold."""
BURST_OCTETS: Final = 10
"""80 bits: what one burst carries beside its own checks."""
MAX_SLOTS: Final = 1_024
"""Longest frame: half a minute, one slot for each station of a large net."""
MAX_PLACES: Final = 8
MAX_WAITING: Final = 64
"""Bursts handed over for later slots; more is refused."""
HORIZON_SLOTS: Final = 4 * MAX_SLOTS
"""A slot further ahead than two minutes is taken for a host that lost its slot clock."""
NEXT_OWN: Final = 0xFFFF_FFFF
"""Slot number that asks for the next free slot of one's own."""
SYNC_SLOTS: Final = 100
"""SYNC comes at the beginning of every hundredth slot: every 3 s."""
LEAST_DBM, MOST_DBM = -128, 127


class Command(IntEnum):
    """What the host says."""

    PLAN = 0x01
    SEND = 0x02
    CLOCK = 0x03
    CLEAR = 0x04


class Notice(IntEnum):
    """What the modem says."""

    RESULT = 0x81
    SENT = 0x82
    CLOCK_IS = 0x83
    BURST = 0x84
    SYNC = 0x85


class Code(IntEnum):
    """The last octet of RESULT."""

    TAKEN = 0
    UNKNOWN = 1
    MALFORMED = 2
    NOT_OURS = 3
    TOO_LATE = 4
    TOO_FAR = 5
    FULL = 6
    NOT_SENT = 7


class Tdma80(SerialDevice):
    """One modem on a medium. `clock_error_ns` is how late its slot clock is."""

    def __init__(self, medium: Medium, antenna: Antenna, *, clock_error_ns: int = 0) -> None:
        super().__init__()
        self.radio = Radio(antenna, self._hear, send_w=10.0, listen_w=1.0)
        medium.join(self.radio)
        self.plan = SlotPlan(FRAME_SLOTS)
        self.places: frozenset[int] = frozenset()
        self.garbage_octets = 0
        self._medium = medium
        self._error_ns = clock_error_ns
        self._buffer = bytearray()
        self._waiting: dict[int, tuple[int, bytes]] = {}
        self._syncing = False

    @property
    def powered(self) -> bool:
        """Whether it runs. Without power it forgets its plan and what waits."""
        return self.radio.on

    @powered.setter
    def powered(self, value: bool) -> None:
        self.radio.switch(on=value, now_ns=self._medium.timeline.now_ns)
        self._buffer.clear()
        self._waiting.clear()
        self.plan, self.places = SlotPlan(FRAME_SLOTS), frozenset()

    @override
    def attach(self, write: Callable[[bytes], None] | None) -> None:
        """Begin to tell the slot clock to a host that opens the port."""
        super().attach(write)
        self._buffer.clear()
        if write is not None and not self._syncing:
            self._syncing = True
            self._plan_sync()

    @override
    def receive(self, data: bytes) -> None:
        if not self.powered:
            return
        self._buffer += data
        while (frame := self._cut()) is not None:
            self._obey(frame[0], frame[1])

    def _cut(self) -> tuple[int, bytes] | None:
        """Take the next whole frame off the buffer; what is none is counted and dropped."""
        buffer = self._buffer
        while buffer:
            start = buffer.find(MARK)
            if start < 0:
                start = len(buffer) - buffer.endswith(MARK[:1])
            self.garbage_octets += start
            del buffer[:start]
            if len(buffer) < HEAD_OCTETS:
                return None
            size = HEAD_OCTETS + buffer[3] + CHECK_OCTETS
            if buffer[3] <= MAX_PAYLOAD_OCTETS:
                if len(buffer) < size:
                    return None
                if crc16(bytes(buffer[2 : size - 2])) == int.from_bytes(buffer[size - 2 : size], "big"):
                    frame = buffer[2], bytes(buffer[4 : size - 2])
                    del buffer[:size]
                    return frame
            self.garbage_octets += len(MARK)
            del buffer[: len(MARK)]
        return None

    def _obey(self, command: int, payload: bytes) -> None:
        tag = 0
        if command == Command.PLAN:
            code = self._set_plan(payload)
        elif command == Command.SEND:
            tag = payload[0] if payload else 0
            code = self._take(payload)
        elif command == Command.CLOCK:
            self._tell_clock()
            return
        elif command == Command.CLEAR:
            self._waiting.clear()
            code = Code.TAKEN
        else:
            code = Code.UNKNOWN
        self._say(Notice.RESULT, bytes([command, tag, code]))

    def _set_plan(self, payload: bytes) -> Code:
        if len(payload) < 3 or len(payload) != 3 + 2 * payload[2] or payload[2] > MAX_PLACES:  # noqa: PLR2004
            return Code.MALFORMED
        slots, count = struct.unpack_from(">HB", payload)
        places = struct.unpack_from(f">{count}H", payload, 3)
        if not FRAME_SLOTS <= slots <= MAX_SLOTS or any(place >= slots for place in places):
            return Code.MALFORMED
        self.plan, self.places = SlotPlan(slots), frozenset(places)
        self._waiting.clear()
        return Code.TAKEN

    def _take(self, payload: bytes) -> Code:
        if len(payload) != 5 + BURST_OCTETS:
            return Code.MALFORMED
        tag, slot = struct.unpack_from(">BI", payload)
        now_ns = self._now_ns()
        first = self.plan.next_slot(now_ns, self.places) if self.places else 0
        if len(self._waiting) >= MAX_WAITING:
            return Code.FULL
        if not self.places or (slot != NEXT_OWN and slot % self.plan.slots not in self.places):
            return Code.NOT_OURS
        if slot == NEXT_OWN:
            slot = first
            while slot in self._waiting:
                slot = self.plan.next_slot(self.plan.start_ns(slot) + 1, self.places)
        if slot < first or slot in self._waiting:
            return Code.TOO_LATE
        if slot > first + HORIZON_SLOTS:
            return Code.TOO_FAR
        self._waiting[slot] = (tag, payload[5:])
        self._medium.timeline.post(self.plan.start_ns(slot) + self._error_ns, self._begin, slot)
        return Code.TAKEN

    def _begin(self, slot: int) -> None:
        tag, data = self._waiting.pop(slot, (0, b""))
        if not data:
            return  # cleared meanwhile
        if self._medium.transmit(self.radio, data, octets=BURST_OCTETS, airtime_ns=BURST_NS):
            self._medium.timeline.post(self.radio.until_ns, self._sent, (tag, slot))
        else:
            self._say(Notice.RESULT, bytes([Command.SEND, tag, Code.NOT_SENT]))

    def _sent(self, what: tuple[int, int]) -> None:
        self._say(Notice.SENT, struct.pack(">BI", *what))

    def _hear(self, burst: Burst, link: Link) -> None:
        data = burst.frame
        if isinstance(data, bytes) and len(data) == BURST_OCTETS:
            started_ns = self._now_ns() - burst.airtime_ns
            level_dbm = min(max(round(self._medium.rssi_dbm(link)), LEAST_DBM), MOST_DBM)
            # a burst belongs to the slot in which most of it lies
            slot = self.plan.slot_at(max(0, started_ns + self.plan.slot_ns // 2))
            self._say(Notice.BURST, struct.pack(">Ib", slot, level_dbm) + data)

    def _now_ns(self) -> int:
        return self._medium.timeline.now_ns - self._error_ns

    def _tell_clock(self) -> None:
        now_ns = max(0, self._now_ns())
        slot = self.plan.slot_at(now_ns)
        into_us = (now_ns - self.plan.start_ns(slot)) // 1000
        self._say(Notice.CLOCK_IS, struct.pack(">IHH", slot, into_us, self.plan.slots))

    def _plan_sync(self) -> None:
        slot = self.plan.slot_at(self._now_ns()) + 1
        slot += -slot % SYNC_SLOTS
        self._medium.timeline.post(self.plan.start_ns(slot) + self._error_ns, self._sync, slot)

    def _sync(self, slot: int) -> None:
        if not self.attached:
            self._syncing = False
            return
        self._say(Notice.SYNC, struct.pack(">I", slot))
        self._plan_sync()

    def _say(self, notice: Notice, payload: bytes) -> None:
        if self.powered:
            self.write(frame(notice, payload))


def frame(kind: int, payload: bytes) -> bytes:
    """Put mark, length and check around a payload of at most 32 octets."""
    body = bytes([kind, len(payload)]) + payload
    return MARK + body + crc16(body).to_bytes(2, "big")


def crc16(data: bytes) -> int:
    """CRC-16/CCITT-FALSE: polynomial 0x1021, start 0xFFFF; of "123456789" 0x29B1."""
    value = 0xFFFF
    for octet in data:
        value ^= octet << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021) & 0xFFFF if value & 0x8000 else value << 1
    return value
