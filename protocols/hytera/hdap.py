"""HDAP frame: service, opcode, length, payload, checksum, 0x03; RCP little-endian, all others big-endian.

Checksum = ((~sum(opcode .. payload)) + 0x33) & 0xFF (reference page, section 1.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from protocols.errors import LocalProtocolError
from protocols.hytera.wire import MAX_PAYLOAD_OCTETS, Order, fits

HEAD_OCTETS = 5
TAIL_OCTETS = 2
END = 0x03
RELIABLE = 0x80


class Service(IntEnum):
    """The first octet of a frame, less its "reliable" bit."""

    RCP = 0x02
    LP = 0x08
    TMP = 0x09
    RRS = 0x11
    TP = 0x12
    DTP = 0x13
    DDS = 0x14


SERVICES = frozenset(int(service) for service in Service)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One HDAP frame. `checksum` is what stood on the wire; `checksum_ok` whether it was right."""

    service: Service
    opcode: int
    payload: bytes
    reliable: bool = False
    checksum: int = 0
    checksum_ok: bool = True


@dataclass(frozen=True, slots=True)
class Garbage:
    """Dropped octets, and why; a driver counts these per link."""

    reason: str
    size_octets: int


def order(service: Service) -> Order:
    """Return the octet order of a service."""
    return "little" if service is Service.RCP else "big"


def checksum(data: bytes) -> int:
    """Checksum over opcode, length and payload."""
    return (~sum(data) + 0x33) & 0xFF


def encode(service: Service, opcode: int, payload: bytes, *, reliable: bool = False) -> bytes:
    """Build one frame; raise LocalProtocolError when opcode or payload do not fit."""
    if not fits(opcode, 2):
        raise LocalProtocolError(f"opcode {opcode} does not fit two octets")
    if len(payload) > MAX_PAYLOAD_OCTETS:
        raise LocalProtocolError(f"payload of {len(payload)} octets, at most {MAX_PAYLOAD_OCTETS}")
    ends = order(service)
    body = opcode.to_bytes(2, ends) + len(payload).to_bytes(2, ends) + payload
    head = service | (RELIABLE if reliable else 0)
    return bytes([head]) + body + bytes([checksum(body), END])


def decode(data: bytes, *, strict: bool = True) -> Frame | Garbage:
    """Read exactly one frame; never raises. `strict` refuses a wrong checksum, else it is only reported.

    Receivers in the field are lax (a real RD985 takes wrong checksums), so a driver may choose.
    """
    if len(data) < HEAD_OCTETS + TAIL_OCTETS:
        return Garbage("too short", len(data))
    if data[0] & ~RELIABLE not in SERVICES:
        return Garbage("unknown service", len(data))
    service = Service(data[0] & ~RELIABLE)
    ends = order(service)
    size = int.from_bytes(data[3:5], ends)
    if HEAD_OCTETS + size + TAIL_OCTETS != len(data):
        return Garbage("wrong length", len(data))
    if data[-1] != END:
        return Garbage("no end octet", len(data))
    right = checksum(data[1:-TAIL_OCTETS]) == data[-2]
    if strict and not right:
        return Garbage("bad checksum", len(data))
    return Frame(
        service=service,
        opcode=int.from_bytes(data[1:3], ends),
        payload=data[HEAD_OCTETS:-TAIL_OCTETS],
        reliable=bool(data[0] & RELIABLE),
        checksum=data[-2],
        checksum_ok=right,
    )
