"""A PDT/DMR mobile on a serial port (Hytera dialect): what a gateway's driver sees of the net.

Built from the byte layouts of the reference page, sections 1.2-1.9, not from the codec it is meant to test.
"""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from typing_extensions import override

from sim.device import SerialDevice
from sim.devices.pdt_hrnp import HrnpEnd, LineFaults, hdap
from sim.devices.pdt_net import Air, Kind, PdtNet, Station, Voice

RCP, LP, TMP, RRS, DDS = 0x02, 0x08, 0x09, 0x11, 0x14
RESULT_S = (4.0, 4.5)
"""From handing over a text to its result, as measured on a real radio."""
AIR_TRIES = 3
"""How often the radio sends before it reports "no acknowledgement"."""
NO_ACK = 8
DDS_NO_ACK = 5
TMP_TEXT, TMP_ACK, TMP_GROUP, TMP_GROUP_ACK = 0xA1, 0xA2, 0xB1, 0xB2
SDMP_DATA, SDMP_ACK, SDMP_GROUP, SDMP_GROUP_ACK = 0xAE, 0xAF, 0xBE, 0xBF
ACK_OF = {TMP_TEXT: TMP_ACK, TMP_GROUP: TMP_GROUP_ACK, SDMP_DATA: SDMP_ACK, SDMP_GROUP: SDMP_GROUP_ACK}
GROUPS = frozenset({TMP_GROUP, SDMP_GROUP})


@dataclass(slots=True)
class RadioFaults(LineFaults):
    """Line faults, and what is wrong with the radio behind it."""

    result: int | None = None
    """Every text and short data ends with this result code, for ever."""
    no_control: bool = False
    """RCP requests are taken and never answered, as by a set with another control set."""
    silent_results: bool = False
    """Results are never reported."""
    tells_own_data: bool = False
    """B843 is broadcast for data too, not for the microphone alone."""
    lose_voice_end: bool = False
    flood_per_s: float = 0.0
    """Status notices that nobody asked for."""


@dataclass(slots=True)
class Sending:
    """A text or short data of the host on its way."""

    op: int
    request_id: int
    destination: int
    air: Air
    since_s: float
    tries: int = 0
    timers: list[asyncio.TimerHandle] = field(default_factory=list)


class PdtRadio(SerialDevice, Station):
    """One mobile: `SerialDevice` towards its host, `Station` towards the net."""

    def __init__(
        self,
        station_id: int,
        net: PdtNet,
        *,
        rng: random.Random,
        subnet: int = 10,
        version: int = 4,
        groups: frozenset[int] = frozenset(),
        voice_broadcast: int = 0xB844,
    ) -> None:
        SerialDevice.__init__(self)
        Station.__init__(self, station_id, net, groups)
        self.subnet = subnet
        self.faults = RadioFaults()
        self.hrnp = HrnpEnd(self.write, self._host, version=version)
        self.hrnp.faults = self.faults
        self.kept: list[bytes] = []
        self.host_registrations: dict[int, int] = {}
        self._voice_broadcast = voice_broadcast
        self._rng = rng
        self._broadcasts: set[int] = set()
        self._hands_over = False
        self._sending: list[Sending] = []
        self._asked: dict[tuple[Kind, int], tuple[int, asyncio.TimerHandle]] = {}

    @override
    def attach(self, write: Callable[[bytes], None] | None) -> None:
        """React to the host opening or leaving the port."""
        super().attach(write)
        self.hrnp.reset()
        self._broadcasts.clear()
        self._hands_over = False
        if write is not None:
            self.write(self.faults.boot_garbage)
            if self.faults.flood_per_s:
                self._flood()

    @override
    def receive(self, data: bytes) -> None:
        if self.powered:
            self.hrnp.feed(data)

    @override
    def hear(self, air: Air) -> None:
        """Pass what the net brings to the host, as the host asked."""
        if air.kind in {Kind.TEXT, Kind.DATA}:
            self._incoming(air)
        elif air.kind is Kind.ACK:
            self._acknowledged(air)
        elif air.kind in {Kind.REGISTER, Kind.OFFLINE}:
            self._to_host(RRS, 0x0003 if air.kind is Kind.REGISTER else 0x0001, self._ip(air.source))
        elif air.kind is Kind.CHECK_ANSWER and self._answered(Kind.CHECK, air.source) is not None:
            self._to_host(RRS, 0x0082, self._ip(air.source) + b"\0")
        elif air.kind is Kind.POSITION:
            request_id = self._answered(Kind.WHERE, air.source)
            if request_id is not None:
                result = 6 if air.position is None else 0
                head = struct.pack(">I", request_id) + self._ip(air.source) + struct.pack(">H", result)
                self._to_host(LP, 0xA002, head + gps(air.position))
        elif air.kind is Kind.EMERGENCY:
            self._control(0x0851, struct.pack("<II", air.source, self.id))
            if air.position is not None:
                self._to_host(LP, 0xB003, self._ip(air.source) + b"\1" + gps(air.position))
        elif air.kind is Kind.EMERGENCY_END:
            self._control(0x0853, struct.pack("<II", air.source, self.id))

    @override
    def hear_voice(self, state: Voice, group: int, speaker: int) -> None:
        if state is Voice.ENDED and self.faults.lose_voice_end:
            return
        if self._voice_broadcast == 0xB844 and 1 in self._broadcasts:  # noqa: PLR2004
            word = {Voice.STARTED: 1, Voice.HANG: 2, Voice.ENDED: 3}[state]
            self._control(0xB844, struct.pack("<HHHI", word, 0, 1, group))
        elif self._voice_broadcast == 0xB845 and 2 in self._broadcasts:  # noqa: PLR2004
            word = {Voice.STARTED: 0, Voice.HANG: 1, Voice.ENDED: 5}[state]
            self._control(0xB845, struct.pack("<HHHHII", 1, word, 1, 1, group, speaker))

    def host_speaks(self, *, pressed: bool) -> None:
        """Let the crew use this mobile's own microphone."""
        if 0 in self._broadcasts:
            self._control(0xB843, struct.pack("<HHHI", 1 if pressed else 3, 0, 1, 1))

    def alert(self, sender: int) -> None:
        """Hand over a call alert of somebody on the net."""
        self._control(0x0850, struct.pack("<II", sender, self.id))

    def triggered_report(self, station_id: int, position: tuple[float, float]) -> None:
        """Hand over a report of a series that was set up elsewhere."""
        self._to_host(LP, 0xC003, struct.pack(">I", 0) + self._ip(station_id) + b"00001000" + gps(position))

    def _host(self, frame: bytes) -> None:
        service, payload = frame[0] & 0x7F, frame[5:-2]
        if service == RCP:
            self._rcp(int.from_bytes(frame[1:3], "little"), payload)
            return
        opcode = int.from_bytes(frame[1:3], "big")
        if service == TMP:
            self._tmp(opcode, payload)
        elif service == RRS and opcode == 0x0080:  # noqa: PLR2004
            station = int.from_bytes(payload[1:4], "big")
            self.host_registrations[station] = int.from_bytes(payload[5:9], "big")
            if payload[4] == 0:
                self._air(Kind.REGISTERED, station)
        elif service == RRS and opcode == 0x0002:  # noqa: PLR2004
            self._ask(Kind.CHECK, int.from_bytes(payload[1:4], "big"), 0)
        elif service == LP and opcode == 0xA001:  # noqa: PLR2004
            self._ask(Kind.WHERE, int.from_bytes(payload[5:8], "big"), int.from_bytes(payload[:4], "big"))

    def _rcp(self, opcode: int, payload: bytes) -> None:
        if self.faults.no_control:
            return
        if opcode == 0x0452:  # noqa: PLR2004
            value = self._ip(self.id) if payload[0] else struct.pack("<I", self.id)
            self._control(0x8452, bytes([0, payload[0]]) + value)
        elif opcode == 0x10C9:  # noqa: PLR2004
            pairs = zip(payload[1::2], payload[2::2], strict=False)
            self._broadcasts = {which for which, on in pairs if on}
            self._control(0x80C9, b"\0")
        elif opcode == 0x1847:  # noqa: PLR2004
            self._hands_over = bool(payload[0] & 3)
            self._control(0x8847, b"\0")
            kept, self.kept = self.kept, []
            for frame in kept:
                self.hrnp.send(frame)

    def _tmp(self, opcode: int, payload: bytes) -> None:
        op, request_id = opcode & 0xFF, int.from_bytes(payload[:4], "big")
        destination = int.from_bytes(payload[5:8], "big")
        if op in ACK_OF:
            kind = Kind.TEXT if op in {TMP_TEXT, TMP_GROUP} else Kind.DATA
            air = Air(
                kind=kind,
                source=self.id,
                destination=destination,
                group=op in GROUPS,
                request_id=request_id,
                body=payload[12:],
            )
            self._start(Sending(op, request_id, destination, air, asyncio.get_running_loop().time()))
        elif op in {TMP_ACK, SDMP_ACK}:
            source = int.from_bytes(payload[9:12], "big")
            kind = Kind.TEXT if op == TMP_ACK else Kind.DATA
            self.net.transmit(
                Air(kind=Kind.ACK, source=self.id, destination=source, request_id=request_id, acked=kind)
            )

    def _start(self, sending: Sending) -> None:
        if self.faults.result is not None:
            self._report_later(sending, self.faults.result)
            return
        self._sending.append(sending)
        self._try(sending)

    def _try(self, sending: Sending) -> None:
        if sending not in self._sending:
            return
        if sending.tries == AIR_TRIES:
            self._sending.remove(sending)
            self._report_later(sending, NO_ACK)
            return
        sending.tries += 1
        self.net.transmit(sending.air)
        if self.faults.tells_own_data:
            self.host_speaks(pressed=True)
            asyncio.get_running_loop().call_later(0.5, lambda: self.host_speaks(pressed=False))
        if sending.air.group:
            self._sending.remove(sending)
            self._report_later(sending, 0)
            return
        wait_s = self.net.backlog_s() + self._rng.uniform(2.0, 3.0)  # counted from the end of its airtime
        asyncio.get_running_loop().call_later(wait_s, self._try, sending)

    def _acknowledged(self, air: Air) -> None:
        for sending in self._sending:
            found = (sending.request_id, sending.destination, sending.air.kind)
            if found == (air.request_id, air.source, air.acked):
                self._sending.remove(sending)
                self._report_later(sending, 0)
                return

    def _report_later(self, sending: Sending, result: int) -> None:
        loop = asyncio.get_running_loop()
        due_s = sending.since_s + self._rng.uniform(*RESULT_S)
        loop.call_later(max(0.0, due_s - loop.time()), self._report, sending, result)

    def _report(self, sending: Sending, result: int) -> None:
        if self.faults.silent_results:
            return
        group = sending.op in GROUPS
        head = struct.pack(">I", sending.request_id)
        head += (b"\0" if group else bytes([self.subnet])) + sending.destination.to_bytes(3, "big")
        tail = bytes([result]) if group else self._ip(self.id) + bytes([result])
        self._to_host(TMP, ACK_OF[sending.op], head + tail)

    def _incoming(self, air: Air) -> None:
        text = air.kind is Kind.TEXT
        op = {(True, False): TMP_TEXT, (True, True): TMP_GROUP, (False, False): SDMP_DATA}.get(
            (text, air.group), SDMP_GROUP
        )
        target = (b"\0" if air.group else bytes([self.subnet])) + air.destination.to_bytes(3, "big")
        payload = struct.pack(">I", air.request_id) + target + self._ip(air.source) + air.body
        frame = self._framed(TMP, (0 if air.group else 0x8000) | op, payload)
        if self._hands_over:
            self.hrnp.send(frame)
        elif self.hrnp.connected:
            self.kept.append(frame)
            del self.kept[:-8]

    def _ask(self, kind: Kind, station: int, request_id: int) -> None:
        """Put a question on the air; the delivery state says how it went when no answer comes."""
        self._answered(kind, station)
        self._air(kind, station, request_id)
        timer = asyncio.get_running_loop().call_later(6.0, self._unanswered, kind, station)
        self._asked[kind, station] = (request_id, timer)

    def _answered(self, kind: Kind, station: int) -> int | None:
        request_id, timer = self._asked.pop((kind, station), (None, None))
        if timer is not None:
            timer.cancel()
        return request_id

    def _unanswered(self, kind: Kind, station: int) -> None:
        self._asked.pop((kind, station), None)
        if self.faults.silent_results:
            return
        service, opcode = (RRS, 0x0002) if kind is Kind.CHECK else (LP, 0xA001)
        state = self._ip(station) + struct.pack(">HB", opcode, DDS_NO_ACK)
        self.hrnp.send(self._framed(DDS, service, state))

    def _air(self, kind: Kind, to: int, request_id: int = 0) -> None:
        self.net.transmit(Air(kind=kind, source=self.id, destination=to, request_id=request_id))

    def _control(self, opcode: int, payload: bytes) -> None:
        self.hrnp.send(hdap(RCP, opcode, payload, little=True))

    def _to_host(self, service: int, opcode: int, payload: bytes) -> None:
        self.hrnp.send(self._framed(service, opcode, payload))

    def _framed(self, service: int, opcode: int, payload: bytes) -> bytes:
        spoil = self.faults.bad_hdap_checksums > 0
        self.faults.bad_hdap_checksums -= spoil
        return hdap(service, opcode, payload, spoil=spoil)

    def _ip(self, station: int) -> bytes:
        return bytes([self.subnet]) + station.to_bytes(3, "big")

    def _flood(self) -> None:
        if self.attached and self.faults.flood_per_s:
            self.hrnp.raw(self._rng.randbytes(8))
            self._control(0xB0C8, struct.pack("<BH", 0x0B, self._rng.randrange(5)))
            asyncio.get_running_loop().call_later(1 / self.faults.flood_per_s, self._flood)


def gps(position: tuple[float, float] | None) -> bytes:
    """Write the 40 octets of a fix; all NUL behind V without one."""
    if position is None:
        return b"V" + b"\0" * 39
    latitude, longitude = position
    north, east = (b"N" if latitude >= 0 else b"S"), (b"E" if longitude >= 0 else b"W")
    lat, lon = abs(latitude), abs(longitude)
    lat_text = f"{int(lat):02d}{lat % 1 * 60:07.4f}".encode()
    lon_text = f"{int(lon):03d}{lon % 1 * 60:07.4f}".encode()
    return b"A" + b"\0" * 12 + north + lat_text + east + lon_text + b"\0" * 6
