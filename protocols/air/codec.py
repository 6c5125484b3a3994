"""Seal and open whole frames: keys, counters, windows and elements brought together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from protocols.air.counters import StreamId
from protocols.air.elements import Element, needs_pair_key
from protocols.air.frame import (
    FRAME_MAX_OCTETS,
    TAG_OCTETS,
    Garbage,
    Header,
    HeaderForm,
    build_header,
    parse_header,
)
from protocols.air.keyring import KeyRing
from protocols.air.packing import BadBody, BodyFault, pack, unpack
from protocols.air.packing_message import Ends
from protocols.air.seal import StreamKeys, seal, unseal
from protocols.air.search import SearchBudget
from protocols.air.window import Seen, Window
from protocols.air.words import NET
from protocols.errors import LocalProtocolError

PLAIN = HeaderForm()
"""The header that says everything, for bearers that tell no addresses we trust."""


class RefusedReason(StrEnum):
    """Why a frame is refused; every refusal is counted, none is answered in the clear."""

    GARBAGE = "garbage"
    UNKNOWN_SOURCE = "unknown_source"
    """No source said or told, or we hold no key with it."""
    OWN_FRAME = "own_frame"
    """Claims to come from us: an echo of our own transmission, or another box with our number."""
    NOT_FOR_US = "not_for_us"
    EPOCH = "epoch"
    FORGED = "forged"
    """No candidate counter opens it: damaged, forged, another net or epoch, or beyond all reach."""
    SEARCH_LIMITED = "search_limited"
    """Does not open near the highest counter, and the deep-search budget is spent: the sender repeats."""
    MALFORMED = "malformed"
    CRITICAL_UNKNOWN = "critical_unknown"
    """Authentic, but holds an element that must be understood: a newer version speaks."""
    NEEDS_PAIR_KEY = "needs_pair_key"
    """An order, receipt, answer or acknowledgement under the net key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A new, authentic frame. Store `window` under `stream` in the transaction of what the elements cause.

    `fresh` is False until the peer proved by an echo that it speaks now: then orders, receipts and roll calls
    in it do not count yet (`needs_fresh_peer`), messages count marked so.
    """

    header: Header
    stream: StreamId
    counter: int
    elements: tuple[Element, ...]
    window: Window
    fresh: bool

    @property
    def under_pair_key(self) -> bool:
        """Whether only this one station can have sealed it; else any member of the net can."""
        return self.stream.destination != NET


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same frame again, octet for octet: drop it, acknowledge it again."""

    stream: StreamId
    counter: int


@dataclass(frozen=True, slots=True)
class ReusedCounter:
    """An authentic frame on a counter another one used: a clone or a restored box. Alarm, send a notice."""

    stream: StreamId
    counter: int
    highest: int


@dataclass(frozen=True, slots=True)
class Behind:
    """An authentic frame too old to tell from a replay: drop it, send a notice (rate-limited)."""

    stream: StreamId
    counter: int
    highest: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Not to be believed; `source` is the claimed station if there is one."""

    reason: RefusedReason
    detail: str = ""
    source: int | None = None


OpenResult = Opened | Repeat | ReusedCounter | Behind | Refused


def seal_frame(
    keys: KeyRing,
    *,
    counter: int,
    destination: int,
    elements: Sequence[Element],
    form: HeaderForm = PLAIN,
) -> bytes:
    """One frame from us to `destination` (0: the net), with a counter of that stream taken for it alone.

    Raises LocalProtocolError: no key, a value that cannot be said, an element the net key may not carry,
    more than 2048 octets.
    """
    stream_keys = keys.stream_keys(keys.own, destination)
    if stream_keys is None:
        raise LocalProtocolError(f"no pair key with station {destination}")
    if destination == NET and any(map(needs_pair_key, elements)):
        raise LocalProtocolError("orders, receipts, answers and acknowledgements need a pair key")
    header = build_header(keys.epoch, keys.own, destination, counter, form)
    frame = header + seal(stream_keys, counter, header, pack(elements, Ends(keys.own, destination)))
    if len(frame) > FRAME_MAX_OCTETS:
        raise LocalProtocolError(f"frame of {len(frame)} octets, limit {FRAME_MAX_OCTETS}")
    return frame


def frame_overhead(source: int, destination: int, form: HeaderForm = PLAIN) -> int:
    """Octets of header and tag: 10 to 15."""
    return len(build_header(0, source, destination, 1, form)) + TAG_OCTETS


def elements_size(elements: Sequence[Element], *, source: int, destination: int) -> int:
    """Octets of the body these elements make in this order; a message that is not last costs its length."""
    return len(pack(elements, Ends(source, destination)))


def open_frame(
    keys: KeyRing,
    octets: bytes,
    windows: Mapping[StreamId, Window],
    search: SearchBudget,
    *,
    bearer_source: int | None,
    now_s: float,
) -> OpenResult:
    """Authenticate and parse one frame; never raises. The caller stores `Opened.window`, in memory at once.

    `bearer_source` is the station the bearer says sent it (None: it does not say).
    """
    header = parse_header(octets)
    if isinstance(header, Garbage):
        return Refused(RefusedReason.GARBAGE, header.reason)
    source = header.source if header.source is not None else bearer_source
    destination = keys.own if header.destination is None else header.destination
    refusal = _refusal(keys, header, source, destination)
    stream_keys = None if source is None else keys.stream_keys(source, destination)
    if refusal is not None or source is None or stream_keys is None:
        return Refused(refusal or RefusedReason.UNKNOWN_SOURCE, source=source)
    stream = StreamId(source, destination)
    window = windows.get(stream, Window())
    sealed = octets[len(header.octets) :]
    counter = window.likely(header.counter_low, header.counter_octets)
    body = unseal(stream_keys, counter, header.octets, sealed)
    if body is None:
        if not search.take(source, now_s):
            return Refused(RefusedReason.SEARCH_LIMITED, source=source)
        found = _deep(stream_keys, header, window, sealed)
        if found is None:
            return Refused(RefusedReason.FORGED, source=source)
        counter, body = found
    return _judged(header, stream, window, counter, body, octets[-TAG_OCTETS:])


def _refusal(keys: KeyRing, header: Header, source: int | None, destination: int) -> RefusedReason | None:
    if source is None:
        return RefusedReason.UNKNOWN_SOURCE
    if source == keys.own:
        return RefusedReason.OWN_FRAME
    if destination not in (NET, keys.own):
        return RefusedReason.NOT_FOR_US
    if header.epoch_low != keys.epoch & 3:
        return RefusedReason.EPOCH
    return None


def _deep(keys: StreamKeys, header: Header, window: Window, sealed: bytes) -> tuple[int, bytes] | None:
    for candidates in window.search(header.counter_low, header.counter_octets):
        for counter in candidates:
            body = unseal(keys, counter, header.octets, sealed)
            if body is not None:
                return counter, body
    return None


def _judged(
    header: Header, stream: StreamId, window: Window, counter: int, body: bytes, tag: bytes
) -> OpenResult:
    match window.judge(counter, tag):
        case Seen.REPEAT:
            return Repeat(stream, counter)
        case Seen.REUSED:
            return ReusedCounter(stream, counter, window.highest)
        case Seen.BEHIND:
            return Behind(stream, counter, window.highest)
        case Seen.NEW:
            pass
    elements = unpack(body, Ends(stream.source, stream.destination))
    if isinstance(elements, BadBody):
        malformed = elements.fault is BodyFault.MALFORMED
        reason = RefusedReason.MALFORMED if malformed else RefusedReason.CRITICAL_UNKNOWN
        return Refused(reason, elements.detail, stream.source)
    if stream.destination == NET and any(map(needs_pair_key, elements)):
        return Refused(RefusedReason.NEEDS_PAIR_KEY, source=stream.source)
    after = window.accept(counter, tag)
    return Opened(
        header=header,
        stream=stream,
        counter=counter,
        elements=elements,
        window=after,
        fresh=after.fresh,
    )
