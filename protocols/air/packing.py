"""Elements to body octets and back: bounded, never raises on input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from protocols.air import packing_small as small
from protocols.air.elements import (
    AckElement,
    CounterNotice,
    EchoReply,
    EchoRequest,
    Element,
    IdentityNotice,
    LinkReportElement,
    LinkReportRequest,
    MessageElement,
    PositionElement,
    ReceiptElement,
    RollCallAnswer,
    RollCallPoll,
    StationPresence,
    UnknownElement,
)
from protocols.air.numbers import MalformedError, Reader, unsigned, varint
from protocols.air.packing_message import Ends, pack_message, unpack_message
from protocols.errors import LocalProtocolError

_SKIPPABLE = 0x10
_EXTENSION_TYPES = 16


class BodyFault(StrEnum):
    """Why a body is refused whole."""

    MALFORMED = "malformed"
    CRITICAL_UNKNOWN = "critical_unknown"


@dataclass(frozen=True, slots=True)
class BadBody:
    """A body that is refused: nothing in it counts."""

    fault: BodyFault
    detail: str


class _UnknownCriticalError(Exception):
    """An element that must be understood and is not."""


def pack(elements: Sequence[Element], ends: Ends) -> bytes:
    """Body octets, elements in the given order; put a message last, it then needs no length.

    Raises LocalProtocolError naming the value that cannot be said.
    """
    out = bytearray()
    for index, element in enumerate(elements):
        out += _pack_one(element, ends, last=index == len(elements) - 1)
    return bytes(out)


def unpack(body: bytes, ends: Ends) -> tuple[Element, ...] | BadBody:
    """Return the elements (skippable ones as UnknownElement), or why all are refused; never raises."""
    reader = Reader(body)
    elements: list[Element] = []
    try:
        while reader.left:
            elements.append(_unpack_one(reader, ends))
    except MalformedError as error:
        return BadBody(BodyFault.MALFORMED, error.en)
    except _UnknownCriticalError as error:
        return BadBody(BodyFault.CRITICAL_UNKNOWN, str(error))
    return tuple(elements)


def _pack_one(element: Element, ends: Ends, *, last: bool) -> bytes:  # noqa: C901, PLR0911, PLR0912 - a table of types
    match element:
        case MessageElement():
            return pack_message(element, ends, last=last)
        case AckElement():
            return small.pack_ack(element)
        case ReceiptElement():
            return small.pack_receipt(element, ends)
        case LinkReportElement():
            return small.pack_links(element, ends)
        case LinkReportRequest():
            return bytes([small.LINKS_REQUEST])
        case RollCallPoll():
            return small.pack_poll(element)
        case RollCallAnswer():
            return small.pack_answer(element, ends)
        case EchoRequest():
            return bytes([small.ECHO_REQUEST]) + unsigned(element.nonce, 4, "nonce")
        case EchoReply():
            return bytes([small.ECHO_REPLY]) + unsigned(element.nonce, 4, "nonce")
        case CounterNotice():
            return bytes([small.COUNTER_NOTICE]) + unsigned(element.highest, 6, "counter")
        case IdentityNotice():
            return small.pack_identity(element, ends)
        case PositionElement():
            return small.pack_position(element, ends)
        case StationPresence():
            return small.pack_presence(element)
        case UnknownElement():
            if not 0 <= element.type_number < _EXTENSION_TYPES:
                raise LocalProtocolError(f"extension type {element.type_number} outside 0..15")
            head = bytes([_SKIPPABLE | element.type_number])
            return head + varint(len(element.octets)) + element.octets


def _unpack_one(reader: Reader, ends: Ends) -> Element:  # noqa: C901, PLR0911, PLR0912 - a table of types
    head = reader.octet()
    if head & 0x80:
        return unpack_message(head, reader, ends)
    if head & small.ACK_NO_GAP:
        return small.unpack_ack(head, reader)
    match head:
        case small.ACK_MAP8 | small.ACK_MAP32:
            return small.unpack_ack(head, reader)
        case small.RECEIPT | small.RECEIPT_BY:
            return small.unpack_receipt(head, reader, ends)
        case small.LINKS_OWN | small.LINKS_OTHER:
            return small.unpack_links(head, reader, ends)
        case small.LINKS_REQUEST:
            return LinkReportRequest()
        case small.ECHO_REQUEST:
            return EchoRequest(reader.unsigned(4))
        case small.ECHO_REPLY:
            return EchoReply(reader.unsigned(4))
        case small.COUNTER_NOTICE:
            return CounterNotice(reader.unsigned(6))
        case small.POLL:
            return small.unpack_poll(reader)
        case small.ANSWER:
            return small.unpack_answer(reader, ends)
        case small.POSITION_OWN | small.POSITION_OTHER:
            return small.unpack_position(head, reader, ends)
        case small.IDENTITY_NOTICE:
            return small.unpack_identity(reader, ends)
        case small.PRESENCE:
            return small.unpack_presence(reader)
    if head & 0xF0 == _SKIPPABLE:
        return UnknownElement(head & 15, reader.take(reader.varint()))
    raise _UnknownCriticalError(f"element 0x{head:02X}")
