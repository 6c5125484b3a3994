"""HSTRP, transport of repeaters on UDP: `2B version type SN(2) [options] HDAP` (reference, section 1.3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

from protocols.errors import LocalProtocolError
from protocols.hytera.hdap import Garbage
from protocols.hytera.wire import fits

MAGIC = b"2B"
HEAD_OCTETS = 6
MORE = 0x80
MAX_OPTIONS = 8
"""Options in one datagram; six commands are known, and a chain that never ends must end."""
MAX_DATAGRAM_OCTETS = 1500
"""One Ethernet frame; longer ones are not HSTRP."""
OPTION_NAMES = {1: "RTP", 3: "DeviceID", 4: "ChannelID", 5: "XPTSite", 6: "XPTIndex", 7: "XPTChannelType"}


class Kind(IntFlag):
    """The type octet."""

    ACK = 0x01
    HEARTBEAT = 0x02
    CONNECT = 0x04
    CLOSE = 0x08
    REJECT = 0x10
    OPTION = 0x20


@dataclass(frozen=True, slots=True)
class Option:
    """One option: command 0..127 and its octets (DeviceID 4, ChannelID 1 = slot, RTP none)."""

    command: int
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Datagram:
    """One datagram; SN is 0 for connect, heartbeat and close, and an acknowledgement repeats it."""

    kind: Kind
    sn: int
    options: tuple[Option, ...] = ()
    payload: bytes = b""
    version: int = 0


def encode(datagram: Datagram) -> bytes:
    """Build one datagram; raise LocalProtocolError when a field does not fit."""
    if bool(datagram.options) != bool(datagram.kind & Kind.OPTION) or len(datagram.options) > MAX_OPTIONS:
        raise LocalProtocolError(f"1..{MAX_OPTIONS} options with the option bit, none without")
    if not (fits(datagram.sn, 2) and fits(datagram.version, 1)):
        raise LocalProtocolError("sn 0..65535, version 0..255")
    octets = MAGIC + bytes([datagram.version, datagram.kind]) + datagram.sn.to_bytes(2, "big")
    for left, option in zip(reversed(range(len(datagram.options))), datagram.options, strict=True):
        if not (0 <= option.command < MORE and fits(len(option.value), 1)):
            raise LocalProtocolError("option command 0..127, value of at most 255 octets")
        octets += bytes([option.command | (MORE if left else 0), len(option.value)]) + option.value
    if len(octets) + len(datagram.payload) > MAX_DATAGRAM_OCTETS:
        raise LocalProtocolError(f"datagram longer than {MAX_DATAGRAM_OCTETS} octets")
    return octets + datagram.payload


def decode(data: bytes) -> Datagram | Garbage:
    """Read one datagram; never raises."""
    if len(data) < HEAD_OCTETS or len(data) > MAX_DATAGRAM_OCTETS or data[:2] != MAGIC:
        return Garbage("not HSTRP", len(data))
    kind = Kind(data[3] & 0x3F)
    if kind != data[3]:
        return Garbage("unknown type bits", len(data))
    options: list[Option] = []
    at = HEAD_OCTETS
    more = bool(kind & Kind.OPTION)
    while more:
        if at + 2 > len(data) or at + 2 + data[at + 1] > len(data) or len(options) == MAX_OPTIONS:
            return Garbage("torn options", len(data))
        end = at + 2 + data[at + 1]
        options.append(Option(data[at] & 0x7F, data[at + 2 : end]))
        more = bool(data[at] & MORE)
        at = end
    return Datagram(
        kind=kind,
        sn=int.from_bytes(data[4:6], "big"),
        options=tuple(options),
        payload=data[at:],
        version=data[2],
    )
