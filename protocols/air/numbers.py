"""Numbers, ages, degrees and texts in as few octets as honesty allows; the reader never passes the end."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from protocols.air.words import STATION_MAX
from protocols.errors import LocalProtocolError, ProtocolError

VARINT_MAX = (1 << 28) - 1
"""Greatest variable-length number: four octets of seven bits; message sequences end there."""

VARINT_MAX_OCTETS = 4
"""More octets than this are refused: bounds what a malformed number can make us read."""

AGE_UNKNOWN = 255
"""Duration code of "not known"; valid where a field may be None."""

CODEC_GB18030, CODEC_UTF8, CODEC_OCTETS = 1, 2, 3
"""Body codecs (two bits). 0 is kept for the trained model: refused until both ends have its table."""

SHORT_TEXT_MAX_OCTETS = 127
"""Longest short text (a name, a remark): its length shares an octet with the codec bit."""

_DEGREE_STEPS = (1 << 24) - 1


class MalformedError(ProtocolError):
    """A body that does not parse; turned into a value before it leaves this package."""


def _durations() -> tuple[int, ...]:
    steps = [0]
    while len(steps) < AGE_UNKNOWN:
        steps.append(steps[-1] + max(1, steps[-1] >> 4))
    return tuple(steps)


DURATIONS_S = _durations()
"""Seconds of duration codes 0..254: t(0) = 0, t(n+1) = t(n) + max(1, t(n) div 16). Exact to 32 s, then steps
of at most 1/16."""

DURATION_MAX_S = DURATIONS_S[-1]
"""Longest duration that can be said, about a year."""


def duration_floor(seconds: int) -> int:
    """Code of the longest sayable duration not above `seconds`: for ages that must never look older."""
    return max(0, bisect_right(DURATIONS_S, seconds) - 1)


def duration_ceil(seconds: int) -> int:
    """Code of the shortest sayable duration not below `seconds` (the longest there is, if none)."""
    return min(bisect_left(DURATIONS_S, seconds), AGE_UNKNOWN - 1)


def varint(value: int) -> bytes:
    """Return seven bits an octet, least first, bit 7 set on all but the last; 0..2^28-1."""
    if not 0 <= value <= VARINT_MAX:
        raise LocalProtocolError(f"number {value} outside 0..{VARINT_MAX}")
    out = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - seven bits
        out.append(0x80 | value & 0x7F)
        value >>= 7
    out.append(value)
    return bytes(out)


def station_octets(number: int) -> bytes:
    """Return a station number as it stands inside an element; 1..65535."""
    if not 1 <= number <= STATION_MAX:
        raise LocalProtocolError(f"station number {number} outside 1..{STATION_MAX}")
    return varint(number)


def unsigned(value: int, size_octets: int, what: str) -> bytes:
    """Return a fixed-size number, most significant octet first."""
    if not 0 <= value < 1 << (8 * size_octets):
        raise LocalProtocolError(f"{what} {value} does not fit {size_octets} octets")
    return value.to_bytes(size_octets, "big")


def degrees_octets(degrees: float, span: float) -> bytes:
    """Return three octets over -span..+span degrees, nearest step (1.2 m of latitude, 2.4 m of longitude)."""
    if not -span <= degrees <= span:
        raise LocalProtocolError(f"{degrees} degrees outside -{span}..{span}")
    return round((degrees + span) / (2 * span) * _DEGREE_STEPS).to_bytes(3, "big")


def encode_text(text: str) -> tuple[int, bytes]:
    """Return codec and octets: the smaller of GB18030 and UTF-8 (UTF-8 if equal); refuse lone surrogates."""
    try:
        utf8 = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise LocalProtocolError("text holds a lone surrogate, which no coding can carry") from error
    gb18030 = text.encode("gb18030", "replace")
    if len(gb18030) < len(utf8) and _decoded(gb18030, "gb18030") == text:
        return CODEC_GB18030, gb18030
    return CODEC_UTF8, utf8


def decode_text(codec: int, octets: bytes) -> str:
    """Return the text; MalformedError if the octets are not what an encoder makes of it."""
    name = {CODEC_GB18030: "gb18030", CODEC_UTF8: "utf-8"}.get(codec)
    text = _decoded(octets, name) if name else None
    if name is None or text is None or text.encode(name, "replace") != octets:
        raise MalformedError("text does not decode")
    return text


def short_text_octets(text: str) -> bytes:
    """Return a name or remark: octet `C LLLLLLL` (C = 1: UTF-8, 0: GB18030; L octets), then the octets."""
    codec, octets = encode_text(text)
    if len(octets) > SHORT_TEXT_MAX_OCTETS:
        raise LocalProtocolError(f"short text of {len(octets)} octets, limit {SHORT_TEXT_MAX_OCTETS}")
    return bytes([(codec == CODEC_UTF8) << 7 | len(octets)]) + octets


def _decoded(octets: bytes, name: str) -> str | None:
    try:
        return octets.decode(name)
    except UnicodeDecodeError:
        return None


class Reader:
    """Walks a body; every step past the end raises MalformedError, which `unpack` turns into a value."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    @property
    def left(self) -> int:
        """Octets not read yet."""
        return len(self._octets) - self._at

    def take(self, count: int) -> bytes:
        """Return the next `count` octets."""
        if count > self.left:
            raise MalformedError("body ends inside an element")
        self._at += count
        return self._octets[self._at - count : self._at]

    def octet(self) -> int:
        """Return the next octet."""
        return self.take(1)[0]

    def unsigned(self, size_octets: int) -> int:
        """Return a fixed-size number, most significant octet first."""
        return int.from_bytes(self.take(size_octets), "big")

    def varint(self) -> int:
        """Return a variable-length number in its shortest form."""
        value = 0
        for index in range(VARINT_MAX_OCTETS):
            octet = self.octet()
            value |= (octet & 0x7F) << (7 * index)
            if octet < 0x80:  # noqa: PLR2004 - last octet
                if octet == 0 and index:
                    raise MalformedError("number not in its shortest form")
                return value
        raise MalformedError("number too long")

    def station(self) -> int:
        """Return a station number, 1..65535."""
        number = self.varint()
        if not 1 <= number <= STATION_MAX:
            raise MalformedError("station number out of range")
        return number

    def duration_s(self) -> int:
        """Return seconds of a duration code."""
        seconds = self.duration_or_none_s()
        if seconds is None:
            raise MalformedError("duration missing")
        return seconds

    def duration_or_none_s(self) -> int | None:
        """Seconds of a duration code, None for "not known"."""
        code = self.octet()
        return None if code == AGE_UNKNOWN else DURATIONS_S[code]

    def degrees(self, span: float) -> float:
        """Return degrees from three octets over -span..+span, to five decimals (finer than a step)."""
        return round(self.unsigned(3) / _DEGREE_STEPS * 2 * span - span, 5)

    def short_text(self) -> str:
        """Return a name or remark."""
        head = self.octet()
        return decode_text(CODEC_UTF8 if head >> 7 else CODEC_GB18030, self.take(head & 0x7F))
