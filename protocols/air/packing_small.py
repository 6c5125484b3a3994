"""The elements of fixed shape on the air: acknowledgement, receipt, reports, roll call, echo, position."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from protocols.air.elements import (
    ACK_COUNTER_BITS,
    ACK_SPAN,
    AckElement,
    IdentityNotice,
    LinkEntry,
    LinkReportElement,
    MessageId,
    PositionElement,
    ReceiptElement,
    RollCallAnswer,
    RollCallPoll,
    StationPresence,
)
from protocols.air.numbers import (
    AGE_UNKNOWN,
    MalformedError,
    Reader,
    degrees_octets,
    duration_ceil,
    duration_floor,
    short_text_octets,
    station_octets,
    unsigned,
    varint,
)
from protocols.air.packing_message import Ends
from protocols.air.words import (
    STATION_MAX,
    AirBearer,
    AirLinkState,
    Evidence,
    LinkReason,
    ReceiptState,
    RollCallResult,
)
from protocols.errors import LocalProtocolError

POLL_STATIONS_MAX = 255
"""Most stations named by one poll: one octet counts them."""

LINKS_MAX = 255
"""Most links in one report: one octet counts them; a box has fewer than sixteen."""

ACK_MAP8, ACK_MAP32, RECEIPT, RECEIPT_BY, LINKS_OWN, LINKS_OTHER = range(0x20, 0x26)
LINKS_REQUEST, ECHO_REQUEST, ECHO_REPLY, COUNTER_NOTICE, POLL, ANSWER = range(0x26, 0x2C)
POSITION_OWN, POSITION_OTHER, PRESENCE, IDENTITY_NOTICE = range(0x2C, 0x30)

ACK_NO_GAP = 0x40
"""First octet of an acknowledgement without gaps: 01 and the upper six of fourteen counter bits."""

_NO_BEARER = 15
_QUALITY_STEPS = 14
_MAP32_ALL = (1 << ACK_SPAN) - 1
_PERCENT_MAX = 100

EnumT = TypeVar("EnumT")


def _word(kind: Callable[[int], EnumT], number: int) -> EnumT:
    try:
        return kind(number)
    except ValueError as error:
        raise MalformedError("number names nothing known") from error


def pack_ack(element: AckElement) -> bytes:
    """Two octets without gaps; four when only the last eight matter; else seven."""
    if not element.bitmap & 1 or not 0 <= element.bitmap <= _MAP32_ALL:
        raise LocalProtocolError("acknowledgement bitmap must hold bit 0 and no more than 32 bits")
    if not 0 <= element.counter_low < 1 << ACK_COUNTER_BITS:
        raise LocalProtocolError("acknowledged counter needs its low 14 bits only")
    low = element.counter_low.to_bytes(2, "big")
    if element.bitmap == _MAP32_ALL:
        return bytes([ACK_NO_GAP | low[0], low[1]])
    if element.bitmap < 1 << 8:
        return bytes([ACK_MAP8]) + low + bytes([element.bitmap])
    return bytes([ACK_MAP32]) + low + element.bitmap.to_bytes(4, "big")


def unpack_ack(head: int, reader: Reader) -> AckElement:
    """Any of the three forms."""
    if head & 0xC0 == ACK_NO_GAP:
        return AckElement((head & 0x3F) << 8 | reader.octet(), _MAP32_ALL)
    low = reader.unsigned(2)
    bitmap = reader.unsigned(1 if head == ACK_MAP8 else 4)
    if low >> ACK_COUNTER_BITS or not bitmap & 1:
        raise MalformedError("acknowledgement out of range")
    return AckElement(low, bitmap)


def pack_receipt(element: ReceiptElement, ends: Ends) -> bytes:
    """`SSSSEEOR`, then origin (if not the destination), identity, recipient (if not the source), by."""
    origin = (
        b"" if element.message_id.origin == ends.destination else station_octets(element.message_id.origin)
    )
    recipient = b"" if element.recipient == ends.source else station_octets(element.recipient)
    head = element.state << 4 | element.evidence << 2 | bool(origin) << 1 | bool(recipient)
    identity = unsigned(element.message_id.incarnation, 2, "incarnation") + varint(
        element.message_id.sequence
    )
    fields = bytes([head]) + origin + identity + recipient
    if element.by is None:
        return bytes([RECEIPT]) + fields
    if isinstance(element.by, int):
        return bytes([RECEIPT_BY]) + fields + b"\x00" + station_octets(element.by)
    if not element.by:
        raise LocalProtocolError("receipt by an empty name")
    return bytes([RECEIPT_BY]) + fields + short_text_octets(element.by)


def unpack_receipt(head: int, reader: Reader, ends: Ends) -> ReceiptElement:
    """Both forms."""
    state = reader.octet()
    origin = reader.station() if state & 2 else ends.destination
    if origin == 0:
        raise MalformedError("receipt to a net names no origin")
    message_id = MessageId(origin, reader.unsigned(2), reader.varint())
    recipient = reader.station() if state & 1 else ends.source
    by: int | str | None = None
    if head == RECEIPT_BY:
        by = reader.short_text() or reader.station()
    return ReceiptElement(
        message_id=message_id,
        recipient=recipient,
        state=_word(ReceiptState, state >> 4),
        evidence=Evidence(state >> 2 & 3),
        by=by,
    )


def pack_identity(element: IdentityNotice, ends: Ends) -> bytes:
    """Origin station or 00 for the destination, identity."""
    name = element.message_id
    origin = b"\x00" if name.origin == ends.destination else station_octets(name.origin)
    identity = unsigned(name.incarnation, 2, "incarnation") + varint(name.sequence)
    return bytes([IDENTITY_NOTICE]) + origin + identity


def unpack_identity(reader: Reader, ends: Ends) -> IdentityNotice:
    """The same."""
    number = reader.varint()
    if number > STATION_MAX:
        raise MalformedError("station outside 1..65535")
    origin = number or ends.destination
    if not origin:
        raise MalformedError("identity notice to a net names no origin")
    return IdentityNotice(MessageId(origin, reader.unsigned(2), reader.varint()))


def _age(age_s: int | None) -> int:
    return AGE_UNKNOWN if age_s is None else duration_ceil(max(0, age_s))


def _percent(value: int | None, what: str) -> int | None:
    if value is not None and not 0 <= value <= _PERCENT_MAX:
        raise LocalProtocolError(f"{what} {value} % outside 0..100")
    return value


def pack_links(element: LinkReportElement, ends: Ends) -> bytes:
    """Sequence, count, then `BBBBSSSS EEQQQQR0 age [reason]` per link."""
    if len(element.entries) > LINKS_MAX:
        raise LocalProtocolError(f"{len(element.entries)} links, limit {LINKS_MAX}")
    own = element.station == ends.source
    out = bytearray([LINKS_OWN] if own else [LINKS_OTHER]) + (b"" if own else station_octets(element.station))
    out += unsigned(element.sequence, 2, "report sequence") + bytes([len(element.entries)])
    for entry in element.entries:
        pct = _percent(entry.quality_pct, "quality")
        quality = 0 if pct is None else (pct * _QUALITY_STEPS + 50) // 100 + 1
        out.append(entry.bearer << 4 | entry.state)
        out.append(entry.evidence << 6 | quality << 2 | (entry.reason is not None) << 1)
        out.append(_age(entry.age_s))
        out += b"" if entry.reason is None else bytes([entry.reason])
    return bytes(out)


def unpack_links(head: int, reader: Reader, ends: Ends) -> LinkReportElement:
    """Both forms; a reason we do not know is OTHER."""
    station = reader.station() if head == LINKS_OTHER else ends.source
    sequence, count = reader.unsigned(2), reader.octet()
    return LinkReportElement(
        station=station, sequence=sequence, entries=tuple(_link(reader) for _ in range(count))
    )


def _link(reader: Reader) -> LinkEntry:
    what, how, age_s = reader.octet(), reader.octet(), reader.duration_or_none_s()
    if how & 1:
        raise MalformedError("reserved bit set")
    quality = how >> 2 & 15
    reason = reader.octet() if how & 2 else None
    known = tuple(LinkReason)
    return LinkEntry(
        bearer=_word(AirBearer, what >> 4),
        state=_word(AirLinkState, what & 15),
        evidence=Evidence(how >> 6),
        age_s=age_s,
        quality_pct=((quality - 1) * 100 + _QUALITY_STEPS // 2) // _QUALITY_STEPS if quality else None,
        reason=None if reason is None else LinkReason(reason) if reason in known else LinkReason.OTHER,
    )


def pack_poll(element: RollCallPoll) -> bytes:
    """Call, nonce, deadline, count, stations."""
    if len(element.stations) > POLL_STATIONS_MAX:
        raise LocalProtocolError(f"{len(element.stations)} stations in one poll, limit {POLL_STATIONS_MAX}")
    if element.deadline_s < 0:
        raise LocalProtocolError("deadline is negative")
    fixed = unsigned(element.call_id, 2, "call") + unsigned(element.nonce, 2, "nonce")
    counts = bytes([duration_floor(element.deadline_s), len(element.stations)])
    return bytes([POLL]) + fixed + counts + b"".join(map(station_octets, element.stations))


def unpack_poll(reader: Reader) -> RollCallPoll:
    """Read what pack_poll makes."""
    call_id, nonce, deadline_s = reader.unsigned(2), reader.unsigned(2), reader.duration_s()
    stations = tuple(reader.station() for _ in range(reader.octet()))
    return RollCallPoll(call_id=call_id, nonce=nonce, deadline_s=deadline_s, stations=stations)


def pack_answer(element: RollCallAnswer, ends: Ends) -> bytes:
    """Call, nonce, `RRRREESH`, `BBBBVT00`, then station, head-count, battery and text as flagged."""
    battery = _percent(element.battery_pct, "battery")
    other, heads = element.station != ends.source, element.head_count is not None
    bearer = _NO_BEARER if element.bearer is None else element.bearer
    out = bytearray([ANSWER])
    out += unsigned(element.call_id, 2, "call") + unsigned(element.nonce, 2, "nonce")
    out.append(element.result << 4 | element.evidence << 2 | other << 1 | heads)
    out.append(bearer << 4 | (battery is not None) << 3 | bool(element.text) << 2)
    out += station_octets(element.station) if other else b""
    out += varint(element.head_count) if element.head_count is not None else b""
    out += bytes([battery]) if battery is not None else b""
    out += short_text_octets(element.text) if element.text else b""
    return bytes(out)


def unpack_answer(reader: Reader, ends: Ends) -> RollCallAnswer:
    """Read what pack_answer makes."""
    call_id, nonce, what, how = reader.unsigned(2), reader.unsigned(2), reader.octet(), reader.octet()
    if how & 3:
        raise MalformedError("reserved bit set")
    station = reader.station() if what & 2 else ends.source
    head_count = reader.varint() if what & 1 else None
    battery_pct = reader.octet() if how & 8 else None
    if battery_pct is not None and battery_pct > _PERCENT_MAX:
        raise MalformedError("battery out of range")
    return RollCallAnswer(
        call_id=call_id,
        nonce=nonce,
        station=station,
        result=_word(RollCallResult, what >> 4),
        evidence=Evidence(what >> 2 & 3),
        bearer=None if how >> 4 == _NO_BEARER else _word(AirBearer, how >> 4),
        head_count=head_count,
        battery_pct=battery_pct,
        text=reader.short_text() if how & 4 else "",
    )


def pack_position(element: PositionElement, ends: Ends) -> bytes:
    """Station (if not the source), latitude, longitude, age of the fix."""
    own = element.station == ends.source
    head = bytes([POSITION_OWN]) if own else bytes([POSITION_OTHER]) + station_octets(element.station)
    degrees = degrees_octets(element.latitude_deg, 90.0) + degrees_octets(element.longitude_deg, 180.0)
    return head + degrees + bytes([_age(element.age_s)])


def unpack_position(head: int, reader: Reader, ends: Ends) -> PositionElement:
    """Both forms."""
    return PositionElement(
        station=reader.station() if head == POSITION_OTHER else ends.source,
        latitude_deg=reader.degrees(90.0),
        longitude_deg=reader.degrees(180.0),
        age_s=reader.duration_or_none_s(),
    )


def pack_presence(element: StationPresence) -> bytes:
    """Station, `BBBB0000`, age."""
    fixed = bytes([element.bearer << 4, _age(element.age_s)])
    return bytes([PRESENCE]) + station_octets(element.station) + fixed


def unpack_presence(reader: Reader) -> StationPresence:
    """Read what pack_presence makes."""
    station, bearer = reader.station(), reader.octet()
    if bearer & 15:
        raise MalformedError("reserved bit set")
    return StationPresence(
        station=station, bearer=_word(AirBearer, bearer >> 4), age_s=reader.duration_or_none_s()
    )
