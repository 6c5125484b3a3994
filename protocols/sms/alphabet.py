"""GSM 7-bit default alphabet and extension table (3GPP TS 23.038 clause 6.2.1), one septet per octet."""

from __future__ import annotations

from protocols.errors import LocalProtocolError

ESCAPE = 0x1B
"""Septet that shifts the next one into the extension table (TS 23.038 clause 6.2.1.1)."""

DEFAULT_TABLE = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""Septet 0x00 to 0x7F in order; 0x1B is the escape."""

EXTENSION_TABLE = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
"""Second septet after the escape."""

_TO_SEPTETS = {char: bytes([value]) for value, char in enumerate(DEFAULT_TABLE) if value != ESCAPE} | {
    char: bytes([ESCAPE, value]) for value, char in EXTENSION_TABLE.items()
}


def is_gsm7(text: str) -> bool:
    """Whether every character exists in the default or the extension table."""
    return all(char in _TO_SEPTETS for char in text)


def text_to_septets(text: str) -> bytes:
    """Return one octet (0..127) per septet; raise LocalProtocolError for a character outside the alphabet."""
    try:
        return b"".join(_TO_SEPTETS[char] for char in text)
    except KeyError as error:
        raise LocalProtocolError(f"character {error.args[0]!r} is not in the GSM 7-bit alphabet") from error


def septets_to_text(septets: bytes) -> str:
    """Read septets as text.

    An escape before a septet that the extension table does not know shows that septet's own character, a
    double escape is a space, a last lone escape shows nothing (TS 23.038 clause 6.2.1.1, notes).
    """
    shown: list[str] = []
    escaped = False
    for septet in septets:
        value = septet & 0x7F
        if escaped:
            shown.append(" " if value == ESCAPE else EXTENSION_TABLE.get(value, DEFAULT_TABLE[value]))
            escaped = False
        elif value == ESCAPE:
            escaped = True
        else:
            shown.append(DEFAULT_TABLE[value])
    return "".join(shown)


def pack(septets: bytes, fill_bits: int = 0) -> bytes:
    """Pack septets least significant bit first, after `fill_bits` zero bits (TS 23.038 clause 6.1.2.1)."""
    value = 0
    for position, septet in enumerate(septets):
        value |= (septet & 0x7F) << (7 * position)
    size_octets = (fill_bits + 7 * len(septets) + 7) // 8
    return (value << fill_bits).to_bytes(size_octets, "little")


def unpack(packed: bytes, count: int, fill_bits: int = 0) -> bytes:
    """Return `count` septets, one per octet, skipping `fill_bits` first; missing octets read as zero."""
    value = int.from_bytes(packed, "little") >> fill_bits
    return bytes((value >> (7 * position)) & 0x7F for position in range(count))
