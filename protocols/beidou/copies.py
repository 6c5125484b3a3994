"""Binary copies a commander's terminal gives of its subordinates' traffic: `XST` messages, `XSD` positions.

Layouts from one public decoder (numbers big-endian), not seen on a terminal. XST: receiver u24, flags u8
(bit 5: digits or mixed, else 汉字), sender u24, hour, minute, length u16 in bits, data, CRC flag u8 (0 good).
XSD: card u24, flags u8, time h m s 1/100, longitude d m s 1/10, latitude likewise, height u16, anomaly u16.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from protocols.beidou.content import Content, Form
from protocols.beidou.framing import BinaryCopy

_MESSAGE_HEAD = struct.Struct(">3sB3sBBH")
_PLACE = struct.Struct(">3sBBBBBBBBBBBBBHH")
_CODED = 0x20
_MIXED_FIRST = 0xA4
_HEIGHT_MASK, _HEIGHT_SIGN = 0x3FFF, 0x4000


@dataclass(frozen=True, slots=True)
class CopiedMessage:
    """A message between two others: card numbers, `hh:mm`, content; `intact` is the system's CRC flag."""

    receiver: int
    sender: int
    time: str
    content: Content
    intact: bool


@dataclass(frozen=True, slots=True)
class CopiedPlace:
    """A subordinate's position: degrees north and east, height in m."""

    user: int
    urgent: bool
    latitude_deg: float
    longitude_deg: float
    height_m: int


def parse_copy(copy: BinaryCopy) -> CopiedMessage | CopiedPlace | None:
    """Return what the copy holds; None if it is too short for its own lengths."""
    if copy.id == "XST":
        return _message(copy.payload)
    if len(copy.payload) < _PLACE.size:
        return None
    user, flags, *_time, lon_d, lon_m, lon_s, lon_t, lat_d, lat_m, lat_s, lat_t, height, _anomaly = (
        _PLACE.unpack_from(copy.payload)
    )
    sign = -1 if height & _HEIGHT_SIGN else 1
    return CopiedPlace(
        user=int.from_bytes(user, "big"),
        urgent=bool(flags & 0x40),
        latitude_deg=lat_d + lat_m / 60 + (lat_s + lat_t / 10) / 3600,
        longitude_deg=lon_d + lon_m / 60 + (lon_s + lon_t / 10) / 3600,
        height_m=sign * (height & _HEIGHT_MASK),
    )


def _message(payload: bytes) -> CopiedMessage | None:
    if len(payload) < _MESSAGE_HEAD.size:
        return None
    receiver, flags, sender, hour, minute, bits = _MESSAGE_HEAD.unpack_from(payload)
    end = _MESSAGE_HEAD.size + (bits + 7) // 8
    data = payload[_MESSAGE_HEAD.size : end]
    if len(payload) <= end:
        return None
    if not flags & _CODED:
        content = Content(Form.TEXT, data)
    elif data[:1] == bytes([_MIXED_FIRST]):
        content = Content(Form.OCTETS, data[1:])
    else:
        content = Content(Form.DIGITS, data.hex().upper()[: bits // 4].encode())
    return CopiedMessage(
        receiver=int.from_bytes(receiver, "big"),
        sender=int.from_bytes(sender, "big"),
        time=f"{hour:02d}:{minute:02d}",
        content=content,
        intact=payload[end] == 0,
    )
