"""The header in clear: `EE T SS DD C`, source, destination, low counter (docs/air-protocol.md §3)."""

from __future__ import annotations

from dataclasses import dataclass

from protocols.air.words import NET, STATION_MAX
from protocols.errors import LocalProtocolError

TAG_OCTETS = 8
"""Octets of the tag that ends every frame of this version."""

FRAME_MAX_OCTETS = 2048
"""Longest frame opened or sealed: above every bearer's MTU; bounds the work one datagram can ask for."""

_SHORT_TAG = 0x20
_SPECIAL, _TO_NET = 3, 3
_ONE_OCTET_MAX = 0xFF


@dataclass(frozen=True, slots=True)
class Header:
    """A parsed header; nothing in it is to be believed before the frame is opened."""

    epoch_low: int
    """Key epoch mod 4."""
    source: int | None
    """Station number, None = the bearer says."""
    destination: int | None
    """Station number, 0 = the whole net, None = the bearer says: whoever got it."""
    counter_low: int
    counter_octets: int
    octets: bytes
    """The header itself, to be authenticated; `len` of it is where the sealed body starts."""


@dataclass(frozen=True, slots=True)
class Garbage:
    """Octets that are no frame of this version, and why; to be counted."""

    reason: str
    size_octets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderForm:
    """What a link's header may leave out, and how much of the counter it says."""

    bearer_tells_source: bool = False
    bearer_tells_destination: bool = False
    wide_counter: bool = False
    """Send 16 bits of the counter instead of 8: for a receiver that may be far behind."""


def build_header(epoch: int, source: int, destination: int, counter: int, form: HeaderForm) -> bytes:
    """Header octets; `destination` 0 is the whole net (said in no octets)."""
    if not 1 <= source <= STATION_MAX or not NET <= destination <= STATION_MAX:
        raise LocalProtocolError(f"station number outside 1..{STATION_MAX}: {source} to {destination}")
    said_source = b"" if form.bearer_tells_source else _number(source)
    to_net = destination == NET
    said_destination = b"" if form.bearer_tells_destination or to_net else _number(destination)
    dd = _TO_NET if to_net else len(said_destination)
    head = (epoch & 3) << 6 | len(said_source) << 3 | dd << 1 | form.wide_counter
    size = 2 if form.wide_counter else 1
    low = (counter & ((1 << 8 * size) - 1)).to_bytes(size, "big")
    return bytes([head]) + said_source + said_destination + low


def parse_header(octets: bytes) -> Header | Garbage:
    """Return the header of a frame, or why it is none; never raises."""
    if not 2 + TAG_OCTETS <= len(octets) <= FRAME_MAX_OCTETS:
        return Garbage("size", len(octets))
    head = octets[0]
    ss, dd = head >> 3 & 3, head >> 1 & 3
    if ss == _SPECIAL:
        return Garbage("form or version not known", len(octets))
    if head & _SHORT_TAG:
        return Garbage("short tag not known", len(octets))
    counter_octets = 1 + (head & 1)
    destination_octets = 0 if dd == _TO_NET else dd
    size = 1 + ss + destination_octets + counter_octets
    if len(octets) < size + TAG_OCTETS:
        return Garbage("ends inside the header", len(octets))
    source = int.from_bytes(octets[1 : 1 + ss], "big") if ss else None
    named = octets[1 + ss : 1 + ss + destination_octets]
    destination = NET if dd == _TO_NET else int.from_bytes(named, "big") if dd else None
    if source == 0 or (destination == 0 and dd != _TO_NET):
        return Garbage("station number 0", len(octets))
    return Header(
        epoch_low=head >> 6,
        source=source,
        destination=destination,
        counter_low=int.from_bytes(octets[size - counter_octets : size], "big"),
        counter_octets=counter_octets,
        octets=octets[:size],
    )


def _number(station: int) -> bytes:
    return station.to_bytes(1 if station <= _ONE_OCTET_MAX else 2, "big")
