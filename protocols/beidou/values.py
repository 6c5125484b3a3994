"""How single fields of a sentence are written: numbers, card numbers, letters, times, angles.

`parse` raises ValueError on what it cannot mean; an empty field is None (the terminals leave fields empty).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Protocol

from protocols.beidou.framing import TEXT

CARD_DIGITS = 7
"""Card numbers are zero-padded to this when we send; any length is accepted (§1.1)."""

MAX_CARD = 2**21 - 1
"""21 bits; as a card's own number it means: no card (§1.1). Captures show longer ones too: read them."""

_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{0,15})?")
_DIGITS = re.compile(r"\d{1,15}")
_MINUTES_PER_DEGREE = 60
_DAY_HOURS = 24
_HOUR_MINUTES = 60


class Kind(Protocol):
    """One way to write a value."""

    def parse(self, field: bytes) -> Any:
        """Return the value; raises ValueError."""

    def format(self, value: Any) -> bytes:
        """Return the octets of the value."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number, zero-padded to `width` digits when written."""

    width: int = 0

    def parse(self, field: bytes) -> int | None:
        """Return the number, or None for an empty field."""
        return int(_matched(_DIGITS, field)) if field else None

    def format(self, value: int | None) -> bytes:
        """Write the number, nothing for None."""
        return b"" if value is None else b"%0*d" % (self.width, value)


@dataclass(frozen=True, slots=True)
class Number:
    """A number that may have a decimal point; it stays whole if it was written so."""

    def parse(self, field: bytes) -> float | None:
        """Return int or float, as written."""
        if not field:
            return None
        text = _matched(_NUMBER, field)
        return float(text) if "." in text else int(text)

    def format(self, value: float | None) -> bytes:
        """Write it in its shortest form."""
        return b"" if value is None else str(value).encode()


@dataclass(frozen=True, slots=True)
class Letter:
    """One of a few letters."""

    letters: str

    def parse(self, field: bytes) -> str | None:
        """Return the letter."""
        text = field.decode("ascii")
        if len(text) > 1 or text not in self.letters:
            raise ValueError(f"not one of {self.letters}")
        return text or None

    def format(self, value: str | None) -> bytes:
        """Write the letter."""
        return (value or "").encode()


@dataclass(frozen=True, slots=True)
class Flag:
    """A letter that means yes, and one that means no."""

    letters: str = "YN"

    def parse(self, field: bytes) -> bool:
        """Return whether it is the first letter."""
        text = field.decode("ascii")
        if len(text) != 1 or text not in self.letters:
            raise ValueError(f"not one of {self.letters}")
        return text == self.letters[0]

    def format(self, value: object) -> bytes:
        """Write the letter."""
        return self.letters[0 if value else 1].encode()


@dataclass(frozen=True, slots=True)
class Text:
    """Anything, as GBK text."""

    def parse(self, field: bytes) -> str:
        """Return the text; what is not GBK becomes U+FFFD."""
        return field.decode(TEXT, "replace")

    def format(self, value: str) -> bytes:
        """Write it as GBK; raises UnicodeEncodeError only for lone surrogates."""
        return value.encode(TEXT)


@dataclass(frozen=True, slots=True)
class Octets:
    """A field taken as it is."""

    def parse(self, field: bytes) -> bytes:
        """Return the octets."""
        return field

    def format(self, value: bytes) -> bytes:
        """Return the octets."""
        return value


@dataclass(frozen=True, slots=True)
class Clock:
    """Time of day, `hhmm` or `hhmmss` or `hhmmss.ss`, read as `hh:mm[:ss[.ss]]`; the date is never told."""

    def parse(self, field: bytes) -> str | None:
        """Return the time with colons, or None for an empty field."""
        if not field:
            return None
        text = _matched(re.compile(r"\d{4}(\d{2}(\.\d{0,6})?)?"), field)
        if int(text[:2]) >= _DAY_HOURS or int(text[2:4]) >= _HOUR_MINUTES:
            raise ValueError("no such time of day")
        return ":".join(part for part in (text[:2], text[2:4], text[4:]) if part)

    def format(self, value: str | None) -> bytes:
        """Write it without colons."""
        return (value or "").replace(":", "").encode()


@dataclass(frozen=True, slots=True)
class Wait:
    """Two digits of minutes and two of seconds, read as seconds (`0115` is 75)."""

    def parse(self, field: bytes) -> int:
        """Return seconds; a field without four digits is plain seconds, an empty one 0."""
        if not field:
            return 0
        text = _matched(_DIGITS, field)
        return int(text[:2]) * 60 + int(text[2:]) if len(text) == len("mmss") else int(text)

    def format(self, value: int) -> bytes:
        """Write seconds as mmss."""
        return b"%02d%02d" % divmod(value, 60)


@dataclass(frozen=True, slots=True)
class Angle:
    """Degrees and decimal minutes, `ddmm.mmmm` or `dddmm.mmmm`, read as degrees without sign."""

    degree_digits: int

    def parse(self, field: bytes) -> float | None:
        """Return degrees, or None for an empty field."""
        if not field:
            return None
        value = float(_matched(_NUMBER, field))
        degrees, minutes = divmod(value, 100)
        if value < 0 or minutes >= _MINUTES_PER_DEGREE:
            raise ValueError("no such angle")
        return degrees + minutes / _MINUTES_PER_DEGREE

    def format(self, value: float | None) -> bytes:
        """Write degrees and minutes to 1/100000 minute (2 cm)."""
        if value is None:
            return b""
        units = round(value * _MINUTES_PER_DEGREE * 100_000)
        degrees, rest = divmod(units, _MINUTES_PER_DEGREE * 100_000)
        return b"%0*d%08.5f" % (self.degree_digits, degrees, rest / 100_000)


CARD = Whole(CARD_DIGITS)


def _matched(pattern: re.Pattern[str], field: bytes) -> str:
    text = field.decode("ascii")
    if not pattern.fullmatch(text):
        raise ValueError("not a number")
    return text
