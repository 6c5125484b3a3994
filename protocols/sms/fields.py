"""Fields of short messages: address, time stamp, validity, data coding (3GPP TS 23.040 clause 9, TS 23.038).

Every value keeps its octets as they were on the wire, so that what was read can be written again unchanged;
what they mean is a property.
"""

# ruff: noqa: PLR2004  # bit fields and ranges read as in the tables of the standard

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum, IntEnum
from typing import Self

from protocols.errors import LocalProtocolError
from protocols.sms.alphabet import pack, septets_to_text, text_to_septets, unpack

MAX_ADDRESS_SEMI_OCTETS = 20
"""Longest address value, ten octets (TS 23.040 clause 9.1.2.5)."""

MAX_SMSC_OCTETS = 11
"""Type and ten octets of digits; more cannot be a service centre address."""

TYPE_INTERNATIONAL = 0x91
TYPE_UNKNOWN = 0x81
TYPE_ALPHANUMERIC = 0xD0
TIMESTAMP_OCTETS = 7

_DIGITS = "0123456789*#abc"
_CENTURY = 2000


class Alphabet(Enum):
    """How the user data is counted and read."""

    GSM7 = "gsm7"
    OCTETS = "8bit"
    UCS2 = "ucs2"


def alphabet_of(dcs: int) -> Alphabet:
    """Return what a data coding scheme octet says (TS 23.038 clause 4); reserved codings are GSM 7-bit.

    Compressed text is opaque to us and therefore octets.
    """
    group = dcs >> 4
    if group < 0x8:
        if dcs & 0x20:
            return Alphabet.OCTETS
        return {1: Alphabet.OCTETS, 2: Alphabet.UCS2}.get((dcs >> 2) & 3, Alphabet.GSM7)
    if group == 0xE:
        return Alphabet.UCS2
    if group == 0xF and dcs & 0x04:
        return Alphabet.OCTETS
    return Alphabet.GSM7


def message_class_of(dcs: int) -> int | None:
    """Return the message class 0 (flash) to 3, None where the coding names none (TS 23.038 clause 4)."""
    group = dcs >> 4
    has_class = group == 0xF or (group < 0x8 and bool(dcs & 0x10))
    return dcs & 3 if has_class else None


def swap_digits(text: str) -> bytes:
    """Pack digits as swapped semi-octets, padded with F; raise LocalProtocolError for other characters."""
    if unknown := set(text) - set(_DIGITS):
        raise LocalProtocolError(f"{min(unknown)!r} is no dialling digit")
    nibbles = [_DIGITS.index(char) for char in text] + [0xF] * (len(text) % 2)
    return bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))


@dataclass(frozen=True, slots=True)
class Address:
    """A phone number or alphanumeric sender: type octet, useful semi-octets, value octets as sent."""

    type_octet: int
    semi_octets: int
    value: bytes

    @classmethod
    def of(cls, text: str) -> Self:
        """Build from `+8617…` (international), plain digits (unknown type) or other text (alphanumeric)."""
        digits = text.removeprefix("+")
        if digits and not set(digits) - set(_DIGITS):
            kind = TYPE_INTERNATIONAL if text.startswith("+") else TYPE_UNKNOWN
            made = cls(kind, len(digits), swap_digits(digits))
        else:
            septets = text_to_septets(text)
            made = cls(TYPE_ALPHANUMERIC, (7 * len(septets) + 3) // 4, pack(septets))
        if not text or made.semi_octets > MAX_ADDRESS_SEMI_OCTETS:
            raise LocalProtocolError(f"address of {made.semi_octets} semi-octets, 1 to 20 can be sent")
        return made

    @property
    def text(self) -> str:
        """The number as dialled, `+` first if international; an alphanumeric sender's name."""
        if (self.type_octet >> 4) & 7 == TYPE_ALPHANUMERIC >> 4 & 7:
            return septets_to_text(unpack(self.value, self.semi_octets * 4 // 7))
        nibbles = [nibble for octet in self.value for nibble in (octet & 0xF, octet >> 4)]
        digits = "".join(_DIGITS[n] for n in nibbles[: self.semi_octets] if n < len(_DIGITS))
        return "+" + digits if (self.type_octet >> 4) & 7 == 1 else digits


@dataclass(frozen=True, slots=True)
class Timestamp:
    """Seven octets of swapped digits, the last the zone in quarter hours (TS 23.040 clause 9.2.3.11)."""

    octets: bytes

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """Build from an aware time between 2000 and 2099; the zone is cut to quarter hours."""
        offset = moment.utcoffset()
        if offset is None or not _CENTURY <= moment.year < _CENTURY + 100:
            raise LocalProtocolError("a time stamp needs a zone and a year from 2000 to 2099")
        quarters, rest = divmod(abs(offset), timedelta(minutes=15))
        if rest or quarters > 79:  # two decimal digits, the first at most 7
            raise LocalProtocolError(f"zone {offset} is not in quarter hours")
        parts = (
            moment.year % 100,
            moment.month,
            moment.day,
            moment.hour,
            moment.minute,
            moment.second,
            quarters,
        )
        octets = bytearray(part % 10 << 4 | part // 10 for part in parts)
        if offset < timedelta(0):
            octets[6] |= 0x08
        return cls(bytes(octets))

    @property
    def moment(self) -> datetime | None:
        """The time with its zone; None if the digits are no date (networks do send such)."""
        zone = self.octets[6]
        digits = [octet & 0xF for octet in self.octets[:6]] + [octet >> 4 for octet in self.octets]
        if max(digits) > 9:  # decimal digits
            return None
        quarters = (zone & 0x07) * 10 + (zone >> 4)
        sign = -1 if zone & 0x08 else 1
        year, *rest = ((octet & 0xF) * 10 + (octet >> 4) for octet in self.octets[:6])
        try:
            month, day, hour, minute, second = rest
            offset = timezone(sign * timedelta(minutes=15 * quarters))
            return datetime(_CENTURY + year, month, day, hour, minute, second, tzinfo=offset)
        except ValueError:
            return None


class ValidityFormat(IntEnum):
    """TP-VPF, bits 4 and 3 of a SUBMIT's first octet (TS 23.040 clause 9.2.3.3)."""

    NONE = 0
    ENHANCED = 1
    RELATIVE = 2
    ABSOLUTE = 3

    @property
    def size_octets(self) -> int:
        """How long the validity field is."""
        return (0, TIMESTAMP_OCTETS, 1, TIMESTAMP_OCTETS)[self]


@dataclass(frozen=True, slots=True)
class Validity:
    """How long the centre keeps trying; `octets` as on the wire."""

    format: ValidityFormat
    octets: bytes

    @classmethod
    def relative(cls, duration_s: float) -> Self:
        """Build the shortest one-octet period that lasts at least `duration_s` (at most 63 weeks)."""
        for value in range(256):
            if _relative_s(value) >= duration_s:
                return cls(ValidityFormat.RELATIVE, bytes([value]))
        return cls(ValidityFormat.RELATIVE, b"\xff")

    @property
    def duration_s(self) -> int | None:
        """Seconds from submission; None if absolute, not given or reserved (TS 23.040 clause 9.2.3.12)."""
        if self.format is ValidityFormat.RELATIVE:
            return _relative_s(self.octets[0])
        if self.format is not ValidityFormat.ENHANCED:
            return None
        kind, first = self.octets[0] & 7, self.octets[1]
        if kind == 1:
            return _relative_s(first)
        if kind == 2:  # relative in seconds
            return first
        if kind == 3:  # hours, minutes, seconds in swapped digits
            hours, minutes, seconds = ((octet & 0xF) * 10 + (octet >> 4) for octet in self.octets[1:4])
            return hours * 3600 + minutes * 60 + seconds
        return None

    @property
    def deadline(self) -> datetime | None:
        """The absolute end, None in the other formats."""
        return Timestamp(self.octets).moment if self.format is ValidityFormat.ABSOLUTE else None


def _relative_s(value: int) -> int:
    """TP-VP of one octet in seconds: steps of 5 minutes, 30 minutes, days, weeks."""
    if value <= 143:
        return (value + 1) * 300
    if value <= 167:
        return 12 * 3600 + (value - 143) * 1800
    if value <= 196:
        return (value - 166) * 86400
    return (value - 192) * 7 * 86400
