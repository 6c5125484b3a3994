"""Field kinds of HDAP payloads, and the table-driven packing of a frozen dataclass to octets and back."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Protocol, TypeVar, get_type_hints

from protocols.errors import LocalProtocolError

Order = Literal["big", "little"]

MAX_PAYLOAD_OCTETS = 1480
"""Longest HDAP payload taken or made: an HRNP frame of 1500 octets less its 12 and the 7 of HDAP, rounded."""


def fits(value: int, octets: int) -> bool:
    """Whether an unsigned integer fits that many octets."""
    return 0 <= value < 1 << (8 * octets)


@dataclass(frozen=True, slots=True)
class RadioIp:
    """A radio on the data side: `subnet.b2.b1.b0`; subnet = CAI octet (10, 12; 0 for groups), 24-bit id."""

    subnet: int
    id: int

    def __str__(self) -> str:
        return ".".join(str(octet) for octet in self.octets())

    def octets(self) -> bytes:
        """Four octets in network order; raise LocalProtocolError outside 8 + 24 bits."""
        if not (fits(self.subnet, 1) and fits(self.id, 3)):
            raise LocalProtocolError(
                f"radio ip: subnet 0..255 and id 0..16777215, not {self.subnet}, {self.id}"
            )
        return bytes([self.subnet]) + self.id.to_bytes(3, "big")

    @classmethod
    def from_octets(cls, data: bytes) -> RadioIp:
        """Read four octets in network order."""
        return cls(data[0], int.from_bytes(data[1:4], "big"))


class Kind(Protocol):
    """How one field stands on the wire."""

    def take(self, data: bytes, order: Order) -> tuple[Any, int] | None:
        """Return value and octets used, None when `data` is too short or malformed."""

    def give(self, value: Any, order: Order) -> bytes:
        """Return the octets; raise LocalProtocolError when the value does not fit."""


@dataclass(frozen=True, slots=True)
class Int:
    """An integer of `size` octets in the service's octet order."""

    size: int
    signed: bool = False

    def take(self, data: bytes, order: Order) -> tuple[int, int] | None:
        """See Kind."""
        if len(data) < self.size:
            return None
        return int.from_bytes(data[: self.size], order, signed=self.signed), self.size

    def give(self, value: int, order: Order) -> bytes:
        """See Kind."""
        try:
            return value.to_bytes(self.size, order, signed=self.signed)
        except OverflowError as error:
            raise LocalProtocolError(f"{value} does not fit {self.size} octets") from error


@dataclass(frozen=True, slots=True)
class Ip:
    """A RadioIp, network order in every service."""

    def take(self, data: bytes, order: Order) -> tuple[RadioIp, int] | None:
        """See Kind."""
        del order
        return (RadioIp.from_octets(data), 4) if len(data) >= 4 else None  # noqa: PLR2004

    def give(self, value: RadioIp, order: Order) -> bytes:
        """See Kind."""
        del order
        return value.octets()


@dataclass(frozen=True, slots=True)
class Ascii:
    """Text of `size` octets, filled with NUL."""

    size: int

    def take(self, data: bytes, order: Order) -> tuple[str, int] | None:
        """See Kind."""
        del order
        if len(data) < self.size:
            return None
        return data[: self.size].decode("latin-1").rstrip("\0"), self.size

    def give(self, value: str, order: Order) -> bytes:
        """See Kind."""
        del order
        try:
            octets = value.encode("latin-1")
        except UnicodeEncodeError as error:
            raise LocalProtocolError("field holds single-octet characters only") from error
        if len(octets) > self.size:
            raise LocalProtocolError(f"{value!r} is longer than {self.size} octets")
        return octets.ljust(self.size, b"\0")


@dataclass(frozen=True, slots=True)
class Octets:
    """`size` octets as they are; -1: all that is left."""

    size: int = -1

    def take(self, data: bytes, order: Order) -> tuple[bytes, int] | None:
        """See Kind."""
        del order
        size = len(data) if self.size < 0 else self.size
        return (data[:size], size) if len(data) >= size else None

    def give(self, value: bytes, order: Order) -> bytes:
        """See Kind."""
        del order
        if len(value) > MAX_PAYLOAD_OCTETS or self.size not in {-1, len(value)}:
            raise LocalProtocolError(f"{len(value)} octets do not fit this field")
        return value


@dataclass(frozen=True, slots=True)
class Utf16:
    """UTF-16LE to the end of the payload, or behind a two-octet length when `counted`."""

    counted: bool = False

    def take(self, data: bytes, order: Order) -> tuple[str, int] | None:
        """See Kind."""
        start, size = 0, len(data)
        if self.counted:
            if len(data) < 2:  # noqa: PLR2004
                return None
            start, size = 2, int.from_bytes(data[:2], order)
        if size % 2 or start + size > len(data):
            return None
        return data[start : start + size].decode("utf-16-le", "replace"), start + size

    def give(self, value: str, order: Order) -> bytes:
        """See Kind."""
        octets = utf16(value)
        return len(octets).to_bytes(2, order) + octets if self.counted else octets


@dataclass(frozen=True, slots=True)
class Pairs:
    """One count octet, then that many pairs of octets."""

    def take(self, data: bytes, order: Order) -> tuple[tuple[tuple[int, int], ...], int] | None:
        """See Kind."""
        del order
        if not data or len(data) < 1 + 2 * data[0]:
            return None
        end = 1 + 2 * data[0]
        return tuple(zip(data[1:end:2], data[2:end:2], strict=True)), end

    def give(self, value: tuple[tuple[int, int], ...], order: Order) -> bytes:
        """See Kind."""
        del order
        flat = [octet for pair in value for octet in pair]
        if not fits(len(value), 1) or not all(fits(octet, 1) for octet in flat):
            raise LocalProtocolError("at most 255 pairs of octets")
        return bytes([len(value), *flat])


U8 = Annotated[int, Int(1)]
U16 = Annotated[int, Int(2)]
U32 = Annotated[int, Int(4)]
S16 = Annotated[int, Int(2, signed=True)]
IP = Annotated[RadioIp, Ip()]
REST = Annotated[bytes, Octets()]
FOUR = Annotated[bytes, Octets(4)]
TEXT = Annotated[str, Utf16()]
COUNTED_TEXT = Annotated[str, Utf16(counted=True)]
PAIRS = Annotated[tuple[tuple[int, int], ...], Pairs()]
STAMP = Annotated[str, Ascii(14)]
SPAN = Annotated[str, Ascii(8)]


def utf16(text: str) -> bytes:
    """Encode UTF-16LE; raise LocalProtocolError for half a surrogate pair or too much."""
    try:
        octets = text.encode("utf-16-le")
    except UnicodeEncodeError as error:
        raise LocalProtocolError("text holds half a surrogate pair") from error
    if len(octets) > MAX_PAYLOAD_OCTETS:
        raise LocalProtocolError(f"text of {len(octets)} octets, at most {MAX_PAYLOAD_OCTETS}")
    return octets


@dataclass(frozen=True, slots=True)
class Pdu:
    """One application PDU; a subclass annotates its fields with the kinds above, in wire order."""

    opcodes: ClassVar[tuple[int, ...]] = ()
    """Opcodes of this layout; the first is the one we send."""


PduT = TypeVar("PduT", bound=Pdu)


def layout(cls: object) -> tuple[tuple[str, Kind], ...]:
    """Return (field name, kind) of a PDU class, in wire order."""
    return _layout(cls)


@cache
def _layout(cls: Any) -> tuple[tuple[str, Kind], ...]:
    hints = get_type_hints(cls, include_extras=True)
    return tuple((item.name, hints[item.name].__metadata__[0]) for item in fields(cls))


def unpack(cls: type[PduT], payload: bytes, order: Order) -> PduT | None:
    """Read a whole payload; None unless every octet of it belongs to the layout."""
    values: dict[str, Any] = {}
    at = 0
    for name, kind in layout(cls):
        taken = kind.take(payload[at:], order)
        if taken is None:
            return None
        values[name], used = taken
        at += used
    return cls(**values) if at == len(payload) else None


def pack(pdu: Pdu, order: Order) -> bytes:
    """Write a payload; raise LocalProtocolError naming the field that does not fit."""
    octets = bytearray()
    for name, kind in layout(type(pdu)):
        try:
            octets += kind.give(getattr(pdu, name), order)
        except LocalProtocolError as error:
            raise LocalProtocolError(f"{type(pdu).__name__}.{name}: {error.en}") from error
    return bytes(octets)
