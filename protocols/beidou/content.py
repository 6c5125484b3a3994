"""What stands in a message: the three codings, and how much a card may send.

| mode | on the wire | read as |
|---|---|---|
| 0 汉字 | raw GBK, 14 bit a character on the air | text |
| 1 代码 | hex digits, 4 bit each | digits; `A4...` as mode 2, `A0...` a position |
| 2 混发 | `A4` and hex, or `A4` and raw GBK, or raw GBK | octets; text if it was not hex |

Source: reference page satellite-terminals §1.3 (content coding, capacity by card level).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from protocols.beidou.framing import TEXT
from protocols.errors import LocalProtocolError

MIXED_PREFIX = b"A4"
"""Begins every content in mode 2; its eight bits count against the card's capacity."""

POSITION_PREFIX = b"A0"
"""Begins a position report in modes 1 and 2."""

HANZI_BITS = 14
"""Bits of one character in mode 0: two octets of seven bits, so GB2312 only (both octets A1 and above)."""

EXPRESS_BITS = 188
"""Capacity of an express message, whatever the card."""

LEVEL_BITS = {1: (110, 140), 2: (408, 360), 3: (628, 580), 4: (848, 1680)}
"""Capacity in bits by card level: (not encrypted, encrypted). Level 5 is in no table: 4 holds at least."""

_HIGHEST_LEVEL = 4
_HEX = frozenset(b"0123456789ABCDEFabcdef")
_LOW_ASCII, _HIGH_ASCII = 0x21, 0x7E
_FULL_WIDTH = 0xFEE0
_TWINS = {" ": "\u3000", "$": "＄", "~": "～", "-": "－"}


class Mode(IntEnum):
    """How content is coded."""

    HANZI = 0
    CODE = 1
    MIXED = 2
    POSITION = 3


class Form(StrEnum):
    """What content turned out to be."""

    TEXT = "text"
    OCTETS = "octets"
    DIGITS = "digits"
    POSITION = "position"
    OPAQUE = "opaque"


@dataclass(frozen=True, slots=True)
class Content:
    """Decoded content; `octets` are text in GBK, hex turned into octets, or what came, by `form`."""

    form: Form
    octets: bytes

    @property
    def text(self) -> str:
        """The octets as GBK text; what is not GBK becomes U+FFFD."""
        return self.octets.decode(TEXT, "replace")


@dataclass(frozen=True, slots=True)
class Capacity:
    """What one message may carry."""

    bits: int

    @property
    def hanzi(self) -> int:
        """Characters in mode 0."""
        return self.bits // HANZI_BITS

    @property
    def digits(self) -> int:
        """Hex digits in mode 1."""
        return self.bits // 4

    @property
    def octets(self) -> int:
        """Octets in mode 2, beside the A4."""
        return self.bits // 8 - 1 if self.bits >= 2 * 8 else 0


def capacity(level: int, *, encrypted: bool, express: bool = False) -> Capacity:
    """Return what a card of `level` 1-5 may send at once; an unknown level counts as the smallest."""
    if express:
        return Capacity(EXPRESS_BITS)
    return Capacity(LEVEL_BITS.get(min(level, _HIGHEST_LEVEL), LEVEL_BITS[1])[encrypted])


def decode(mode: int | None, content: bytes) -> Content:
    """Read content of any mode; never raises."""
    if mode == Mode.CODE:
        if content.startswith((MIXED_PREFIX, POSITION_PREFIX)):
            return decode(Mode.MIXED, content)
        return Content(Form.DIGITS if _is_hex(content) else Form.TEXT, content)
    if mode == Mode.MIXED:
        return _mixed(content)
    return Content(Form.TEXT if mode == Mode.HANZI else Form.OPAQUE, content)


def _mixed(content: bytes) -> Content:
    rest = content.removeprefix(MIXED_PREFIX)
    if not _is_hex(rest) or (rest == content and not content.startswith(POSITION_PREFIX)):
        return Content(Form.TEXT, rest)
    padded = rest + b"0" * (len(rest) % 2)
    return Content(
        Form.POSITION if rest.startswith(POSITION_PREFIX) else Form.OCTETS, bytes.fromhex(padded.decode())
    )


def _is_hex(octets: bytes) -> bool:
    return _HEX.issuperset(octets)


def encode_mixed(octets: bytes, limit: Capacity) -> bytes:
    """Content of mode 2; safe for any octets. Raises LocalProtocolError naming octets and limit."""
    if len(octets) > limit.octets:
        raise LocalProtocolError(
            f"{len(octets)} octets, the card may send {limit.octets}",
            f"共 {len(octets)} 字节，该卡一次最多 {limit.octets} 字节",
        )
    return MIXED_PREFIX + octets.hex().upper().encode()


def encode_hanzi(text: str, limit: Capacity) -> bytes:
    """Content of mode 0 for old receivers: GB2312 only, ASCII in its full-width form (`,` becomes `，`).

    Raises LocalProtocolError naming the first character that 14 bits cannot carry, or characters and limit.
    """
    wide = "".join(_widen(character) for character in text)
    if len(wide) > limit.hanzi:
        raise LocalProtocolError(
            f"{len(wide)} characters, the card may send {limit.hanzi}",
            f"共 {len(wide)} 字，该卡一次最多 {limit.hanzi} 字",
        )
    try:
        return wide.encode("gb2312")
    except UnicodeEncodeError as error:
        bad = wide[error.start]
        raise LocalProtocolError(
            f"character {bad!r} is not in GB2312, which mode 0 is limited to",
            f"字符 {bad!r} 不在 GB2312 内，汉字方式无法发送",
        ) from error


def encode_digits(digits: str, limit: Capacity) -> bytes:
    """Content of mode 1. Raises LocalProtocolError for what is no hex digit, or digits over the limit."""
    if not digits.isascii() or not _is_hex(digits.encode()):
        raise LocalProtocolError("mode 1 carries the digits 0-9 and A-F only", "代码方式只能发送 0-9、A-F")
    if len(digits) > limit.digits:
        raise LocalProtocolError(
            f"{len(digits)} digits, the card may send {limit.digits}",
            f"共 {len(digits)} 位，该卡一次最多 {limit.digits} 位",
        )
    return digits.upper().encode()


def _widen(character: str) -> str:
    if character in _TWINS:
        return _TWINS[character]
    if _LOW_ASCII <= ord(character) <= _HIGH_ASCII:
        return chr(ord(character) + _FULL_WIDTH)
    return character
