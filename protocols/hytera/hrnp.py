"""HRNP, the transport of mobiles and handhelds on serial and USB (reference page, section 1.2).

`7E version block opcode source destination number(2) length(2) checksum(2)` and, behind DATA, one HDAP frame;
big-endian. The checksum is the internet checksum over the frame without its own two octets. There is no octet
stuffing: 0x7E may stand anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from protocols.errors import LocalProtocolError
from protocols.hytera.hdap import Garbage
from protocols.hytera.wire import fits

HEADER = 0x7E
HEAD_OCTETS = 12
MAX_FRAME_OCTETS = 1500
"""Longest frame taken or made; the reference suggests it, and it bounds what a noisy line makes us hold."""
MAX_VERSION = 4
"""Versions 0, 3 and 4 are seen in the field; a greater one is noise."""
HOST = 0x20
"""Our address until a master assigns another."""
RADIO = 0x10
"""The radio's address: it is the master."""


class Opcode(IntEnum):
    """What a frame does."""

    DATA = 0x00
    VOICE = 0x01
    DATA_ACK = 0x10
    CLOSE_ACK = 0xFA
    CLOSE = 0xFB
    REJECT = 0xFC
    ACCEPT = 0xFD
    CONNECT = 0xFE


OPCODES = frozenset(int(opcode) for opcode in Opcode)


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One checked frame. `number` is 0..65535; DATA_ACK repeats the number of what it acknowledges."""

    opcode: Opcode
    number: int = 0
    payload: bytes = b""
    source: int = HOST
    destination: int = RADIO
    version: int = MAX_VERSION
    block: int = 0

    @property
    def checksum(self) -> int:
        """What stands in octets 10 and 11."""
        return int.from_bytes(encode(self)[10:12], "big")


def checksum(data: bytes) -> int:
    """Return the internet checksum: complement of the one's-complement sum of words, odd tail padded."""
    total = (sum(data[0::2]) << 8) + sum(data[1::2])
    while not fits(total, 2):
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def encode(packet: Packet) -> bytes:
    """Build one frame; raise LocalProtocolError when a field does not fit."""
    size = HEAD_OCTETS + len(packet.payload)
    octets = (packet.block, packet.source, packet.destination)
    if not 0 <= packet.version <= MAX_VERSION or not all(fits(o, 1) for o in octets):
        raise LocalProtocolError(f"version 0..{MAX_VERSION}, block, source and destination 0..255")
    if not fits(packet.number, 2):
        raise LocalProtocolError(f"packet number 0..65535, not {packet.number}")
    if size > MAX_FRAME_OCTETS:
        raise LocalProtocolError(f"frame of {size} octets, at most {MAX_FRAME_OCTETS}")
    head = bytes([HEADER, packet.version, packet.block, packet.opcode, packet.source, packet.destination])
    head += packet.number.to_bytes(2, "big") + size.to_bytes(2, "big")
    return head + checksum(head + packet.payload).to_bytes(2, "big") + packet.payload


class Decoder:
    """Cut a byte stream into packets; never raises, holds one frame at most, resynchronises by the octet."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def held_octets(self) -> int:
        """How much of an unfinished frame is held."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Packet | Garbage]:
        """Take octets in chunks of any size; return what became complete, and what was dropped for it."""
        self._buffer += data
        return self._cut(0)

    def idle(self) -> list[Packet | Garbage]:
        """Give up on an unfinished frame because the line fell silent; a whole one may stand behind it."""
        events: list[Packet | Garbage] = []
        while self._buffer:
            events += self._cut(1, "unfinished frame")
        return events

    def _cut(self, at: int, reason: str = "no frame") -> list[Packet | Garbage]:
        events: list[Packet | Garbage] = []
        start = 0
        while True:
            at = self._buffer.find(HEADER, at)
            if at < 0:
                at = len(self._buffer)
            found = _frame(self._buffer, at)
            if found is None:
                break
            if isinstance(found, str):
                reason = found
                at += 1
                continue
            if at > start:
                events.append(Garbage(reason, at - start))
            packet, size = found
            events.append(packet)
            at += size
            start, reason = at, "no frame"
        if at > start:
            events.append(Garbage(reason, at - start))
        del self._buffer[:at]
        return events


def _frame(buffer: bytearray, at: int) -> tuple[Packet, int] | str | None:
    """Return packet and size, None to wait for more, or why no frame begins here."""
    if len(buffer) - at < HEAD_OCTETS:
        return None
    version, block, opcode, source, destination = buffer[at + 1 : at + 6]
    size = int.from_bytes(buffer[at + 8 : at + 10], "big")
    if version > MAX_VERSION or opcode not in OPCODES:
        return "not a header"
    if not HEAD_OCTETS <= size <= MAX_FRAME_OCTETS:
        return "impossible length"
    if len(buffer) - at < size:
        return None
    frame = bytes(buffer[at : at + size])
    if checksum(frame[:10] + frame[HEAD_OCTETS:]) != int.from_bytes(frame[10:12], "big"):
        return "bad checksum"
    packet = Packet(
        opcode=Opcode(opcode),
        number=int.from_bytes(frame[6:8], "big"),
        payload=frame[HEAD_OCTETS:],
        source=source,
        destination=destination,
        version=version,
        block=block,
    )
    return packet, size
