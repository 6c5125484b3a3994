"""TMP text and SDMP short data (reference page, section 1.6).

The opcode's first octet holds flags (0x80 acknowledgement wanted, 0x40 option present), the second one is
the operation.
Payload: `[option length 2] request id 4, destination 4, [source 4], data or result, [option]`;
text is UTF-16LE without an end mark. An acknowledgement repeats destination and source, not swapped.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from protocols.errors import LocalProtocolError
from protocols.hytera.wire import RadioIp, fits, utf16

CONFIRMED = 0x80
OPTION = 0x40
LOW_FLAGS = 0x3F


class Op(IntEnum):
    """The opcode's second octet."""

    PRIVATE_TEXT = 0xA1
    PRIVATE_TEXT_ACK = 0xA2
    WORK_ORDER_REPORT = 0xAA
    WORK_ORDER_REPORT_REPLY = 0xAB
    WORK_ORDER_REQUEST = 0xAC
    WORK_ORDER_REPLY = 0xAD
    PRIVATE_DATA = 0xAE
    PRIVATE_DATA_ACK = 0xAF
    GROUP_TEXT = 0xB1
    GROUP_TEXT_ACK = 0xB2
    GROUP_WORK_ORDER_REQUEST = 0xBC
    GROUP_WORK_ORDER_REPLY = 0xBD
    GROUP_DATA = 0xBE
    GROUP_DATA_ACK = 0xBF


class Result(IntEnum):
    """What became of a text or short data."""

    OK = 0x00
    FAIL = 0x01
    INVALID_PARAMS = 0x03
    CHANNEL_BUSY = 0x04
    RX_ONLY = 0x05
    LOW_BATTERY = 0x06
    PLL_UNLOCK = 0x07
    PRIVATE_CALL_NO_ACK = 0x08
    REPEATER_WAKEUP_FAIL = 0x09
    NO_CONTACT = 0x0A
    TX_DENY = 0x0B
    TX_INTERRUPTED = 0x0C


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What every TMP message has. `option` is None where the option flag is not set."""

    op: Op
    request_id: int
    destination: RadioIp
    confirmed: bool = False
    option: bytes | None = None
    low_flags: int = 0

    @property
    def opcode(self) -> int:
        """The frame's opcode: flags and operation."""
        flags = (CONFIRMED if self.confirmed else 0) | (OPTION if self.option is not None else 0)
        return (flags | self.low_flags) << 8 | self.op


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Envelope):
    """A private or group text."""

    source: RadioIp
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortData(Envelope):
    """Private or group short data."""

    source: RadioIp
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack(Envelope):
    """The answer to text or short data. A group acknowledgement has no `source` (None)."""

    result: int
    source: RadioIp | None = None


Message = Text | ShortData | Ack

TEXT_OPS = frozenset({Op.PRIVATE_TEXT, Op.GROUP_TEXT})
DATA_OPS = frozenset({Op.PRIVATE_DATA, Op.GROUP_DATA})
PRIVATE_ACK_OPS = frozenset({Op.PRIVATE_TEXT_ACK, Op.PRIVATE_DATA_ACK})
GROUP_ACK_OPS = frozenset({Op.GROUP_TEXT_ACK, Op.GROUP_DATA_ACK})
GROUP_OPS = frozenset({Op.GROUP_TEXT, Op.GROUP_DATA}) | GROUP_ACK_OPS
ACK_OF = {
    Op.PRIVATE_TEXT: Op.PRIVATE_TEXT_ACK,
    Op.GROUP_TEXT: Op.GROUP_TEXT_ACK,
    Op.PRIVATE_DATA: Op.PRIVATE_DATA_ACK,
    Op.GROUP_DATA: Op.GROUP_DATA_ACK,
}


def acknowledge(message: Text | ShortData, result: Result = Result.OK) -> Ack:
    """Build the answer to a message: its request id and its addresses in its own order."""
    op = ACK_OF[message.op]
    source = None if op in GROUP_ACK_OPS else message.source
    return Ack(
        op=op,
        request_id=message.request_id,
        destination=message.destination,
        confirmed=message.confirmed,
        result=result,
        source=source,
    )


def unpack(opcode: int, payload: bytes) -> Message | None:
    """Read a payload; None for an operation without a known layout or octets that do not fit it."""
    flags, low = opcode >> 8, opcode & 0xFF
    if low not in KNOWN_OPS:
        return None
    op = Op(low)
    option: bytes | None = None
    if flags & OPTION:
        size = int.from_bytes(payload[:2], "big")
        if len(payload) < 2 + size:
            return None
        option = payload[len(payload) - size :]
        payload = payload[2 : len(payload) - size]
    head = 8 if op in GROUP_ACK_OPS else 12
    if len(payload) < head:
        return None
    shared = _Shared(
        op,
        int.from_bytes(payload[:4], "big"),
        RadioIp.from_octets(payload[4:8]),
        confirmed=bool(flags & CONFIRMED),
        option=option,
        low_flags=flags & LOW_FLAGS,
    )
    source = RadioIp.from_octets(payload[8:12]) if head == 12 else None  # noqa: PLR2004
    return _message(shared, source, payload[head:])


def pack(message: Message) -> bytes:
    """Write a payload; raise LocalProtocolError when operation and contents do not agree or fit."""
    if not (fits(message.request_id, 4) and 0 <= message.low_flags <= LOW_FLAGS):
        raise LocalProtocolError("request id 0..4294967295, low flags 0..63")
    option = message.option
    if option is not None and not fits(len(option), 1):
        raise LocalProtocolError(f"option of {len(option)} octets, at most 255")
    head = b"" if option is None else len(option).to_bytes(2, "big")
    body = message.request_id.to_bytes(4, "big") + message.destination.octets()
    return head + body + _tail(message) + (option or b"")


@dataclass(frozen=True, slots=True)
class _Shared:
    """The fields of an envelope, on their way into a message."""

    op: Op
    request_id: int
    destination: RadioIp
    confirmed: bool
    option: bytes | None
    low_flags: int


KNOWN_OPS = TEXT_OPS | DATA_OPS | PRIVATE_ACK_OPS | GROUP_ACK_OPS


def _message(shared: _Shared, source: RadioIp | None, rest: bytes) -> Message | None:
    fields = {name: getattr(shared, name) for name in shared.__slots__}
    if source is not None and shared.op in TEXT_OPS:
        if len(rest) % 2:
            return None
        return Text(source=source, text=rest.decode("utf-16-le", "replace"), **fields)
    if source is not None and shared.op in DATA_OPS:
        return ShortData(source=source, data=rest, **fields)
    return Ack(source=source, result=rest[0], **fields) if len(rest) == 1 else None


def _tail(message: Message) -> bytes:
    if isinstance(message, Text) and message.op in TEXT_OPS:
        return message.source.octets() + utf16(message.text)
    if isinstance(message, ShortData) and message.op in DATA_OPS:
        return message.source.octets() + message.data
    if isinstance(message, Ack) and fits(message.result, 1):
        if message.op in PRIVATE_ACK_OPS and message.source is not None:
            return message.source.octets() + bytes([message.result])
        if message.op in GROUP_ACK_OPS and message.source is None:
            return bytes([message.result])
    raise LocalProtocolError(f"{type(message).__name__} does not go with {message.op.name}")
