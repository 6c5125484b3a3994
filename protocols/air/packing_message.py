"""The message element on the air: `1PPPRKKX`, then only what cannot be taken for granted."""

from __future__ import annotations

from typing import NamedTuple

from protocols.air.elements import MessageElement, MessageId
from protocols.air.numbers import (
    CODEC_OCTETS,
    DURATION_MAX_S,
    DURATIONS_S,
    MalformedError,
    Reader,
    decode_text,
    duration_ceil,
    duration_floor,
    encode_text,
    station_octets,
    unsigned,
    varint,
)
from protocols.air.words import DEFAULT_HOPS, PRECEDENCE_MAX, MessageKind
from protocols.errors import LocalProtocolError

RECIPIENTS_MAX = 64
"""Most recipients of one message element: one octet counts them, and an MTU of 1200 holds them all."""

_LIFETIME, _AGE, _KIND, _ORIGIN, _HOPS, _RECIPIENTS, _SENDER, _LENGTH = (1 << bit for bit in range(7, -1, -1))
_ACK_WANTED, _EXERCISE, _UNAUTHENTICATED, _LOWER_BOUND = 8, 4, 2, 1


class Ends(NamedTuple):
    """Stations at the ends of the frame; what equals them is not said again. Destination 0 is the net."""

    source: int
    destination: int


def pack_message(element: MessageElement, ends: Ends, *, last: bool) -> bytes:
    """Octets of a message; the last element of a body needs no length."""
    if not 0 <= element.precedence <= PRECEDENCE_MAX:
        raise LocalProtocolError(f"precedence {element.precedence} outside 0..{PRECEDENCE_MAX}")
    codec, body = (
        encode_text(element.body) if isinstance(element.body, str) else (CODEC_OCTETS, bytes(element.body))
    )
    options, fields = _options(element, ends)
    if not last:
        options |= _LENGTH
        fields += varint(len(body))
    head = 0x80 | element.precedence << 4 | element.receipt_wanted << 3 | codec << 1 | bool(options)
    return bytes([head]) + (bytes([options]) if options else b"") + fields + body


def _options(element: MessageElement, ends: Ends) -> tuple[int, bytes]:
    options, fields = _times(element)
    if element.message_id.origin != ends.source:
        options |= _ORIGIN
        fields += station_octets(element.message_id.origin)
    fields += unsigned(element.message_id.incarnation, 2, "incarnation") + varint(element.message_id.sequence)
    if element.hops_left != DEFAULT_HOPS:
        options |= _HOPS
        fields += unsigned(element.hops_left, 1, "hops left")
    if element.recipients:
        if len(element.recipients) > RECIPIENTS_MAX:
            raise LocalProtocolError(f"{len(element.recipients)} recipients, limit {RECIPIENTS_MAX}")
        options |= _RECIPIENTS
        fields.append(len(element.recipients))
        fields += b"".join(map(station_octets, element.recipients))
    if element.sender is not None:
        options |= _SENDER
        fields += station_octets(element.sender)
    return options, bytes(fields)


def _times(element: MessageElement) -> tuple[int, bytearray]:
    options, fields = 0, bytearray()
    flags = _flags(element)
    if flags:
        options |= _KIND
        fields.append(flags)
    if element.lifetime_s is not None:
        if not 0 <= element.lifetime_s <= DURATION_MAX_S:
            raise LocalProtocolError(f"lifetime {element.lifetime_s} s outside 0..{DURATION_MAX_S}")
        options |= _LIFETIME
        fields.append(duration_ceil(element.lifetime_s))
    if element.age_s < 0:
        raise LocalProtocolError(f"age {element.age_s} s is negative")
    if element.age_s:
        options |= _AGE
        fields.append(duration_floor(element.age_s))
    return options, fields


def _flags(element: MessageElement) -> int:
    return (
        element.kind << 4
        | _ACK_WANTED * element.ack_wanted
        | _EXERCISE * element.exercise
        | _UNAUTHENTICATED * element.unauthenticated
        | _LOWER_BOUND * element.age_is_lower_bound
    )


def unpack_message(head: int, reader: Reader, ends: Ends) -> MessageElement:
    """Return the message whose first octet was `head`; MalformedError if it is none."""
    precedence = head >> 4 & 7
    if precedence > PRECEDENCE_MAX:
        raise MalformedError("precedence out of range")
    options = reader.octet() if head & 1 else 0
    flags = reader.octet() if options & _KIND else 0
    kind = flags >> 4
    if kind not in tuple(MessageKind):
        raise MalformedError("message kind out of range")
    lifetime_s = reader.duration_s() if options & _LIFETIME else None
    age_s = reader.duration_s() if options & _AGE else 0
    origin = reader.station() if options & _ORIGIN else ends.source
    message_id = MessageId(origin, reader.unsigned(2), reader.varint())
    hops_left = reader.octet() if options & _HOPS else DEFAULT_HOPS
    recipients = _recipients(reader) if options & _RECIPIENTS else ()
    sender = reader.station() if options & _SENDER else None
    body = reader.take(reader.varint() if options & _LENGTH else reader.left)
    codec = head >> 1 & 3
    return MessageElement(
        message_id=message_id,
        body=body if codec == CODEC_OCTETS else decode_text(codec, body),
        precedence=precedence,
        kind=MessageKind(kind),
        receipt_wanted=bool(head & 8),
        ack_wanted=bool(flags & _ACK_WANTED),
        lifetime_s=lifetime_s,
        age_s=age_s,
        age_is_lower_bound=bool(flags & _LOWER_BOUND),
        exercise=bool(flags & _EXERCISE),
        hops_left=hops_left,
        recipients=recipients,
        sender=sender,
        unauthenticated=bool(flags & _UNAUTHENTICATED),
    )


def _recipients(reader: Reader) -> tuple[int, ...]:
    count = reader.octet()
    if not 1 <= count <= RECIPIENTS_MAX:
        raise MalformedError("recipients out of range")
    return tuple(reader.station() for _ in range(count))


def sayable_lifetime_s(seconds: int) -> int:
    """Return the lifetime a peer will read: rounded up by at most 1/16, and no longer than about a year."""
    return DURATIONS_S[duration_ceil(seconds)]


def sayable_age_s(seconds: int) -> int:
    """Return the age a peer will read: rounded down by at most 1/16, a lower bound for ever."""
    return DURATIONS_S[duration_floor(seconds)]
