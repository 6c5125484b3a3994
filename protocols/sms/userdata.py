"""User data of a short message: header, septets or octets (3GPP TS 23.040 clause 9.2.3.24)."""

# ruff: noqa: PLR2004  # bit fields and ranges read as in the tables of the standard

from __future__ import annotations

from dataclasses import dataclass

from protocols.errors import LocalProtocolError
from protocols.sms.alphabet import pack, septets_to_text, unpack
from protocols.sms.fields import Alphabet

MAX_UD_OCTETS = 140
"""User data of one message, header and its length octet included (TS 23.040 clause 9.2.3.24)."""

MAX_UD_SEPTETS = 160
"""The same counted in septets."""

IE_CONCAT_8 = 0x00
IE_CONCAT_16 = 0x08


@dataclass(frozen=True, slots=True)
class Concat:
    """This is part `part` (from 1) of `total` of the message `reference`, 8 or (`wide`) 16 bits."""

    reference: int
    total: int
    part: int
    wide: bool

    def header(self) -> bytes:
        """Return the information element, to stand in a user data header."""
        limit = 0xFFFF if self.wide else 0xFF
        if not (0 <= self.reference <= limit and 1 <= self.part <= self.total <= 0xFF):
            raise LocalProtocolError(f"part {self.part} of {self.total} of reference {self.reference}")
        numbers = bytes([self.total, self.part])
        if self.wide:
            return bytes([IE_CONCAT_16, 4]) + self.reference.to_bytes(2, "big") + numbers
        return bytes([IE_CONCAT_8, 3, self.reference]) + numbers


@dataclass(frozen=True, slots=True)
class UserData:
    """What a message carries.

    `content` is one septet per octet for GSM 7-bit, UTF-16-BE for UCS-2, else octets. `header` is the user
    data header without its length octet, None where there is none.
    """

    alphabet: Alphabet
    content: bytes
    header: bytes | None = None

    @property
    def text(self) -> str:
        """The text; octets that are no text read as Latin-1 so that nothing is hidden."""
        if self.alphabet is Alphabet.GSM7:
            return septets_to_text(self.content)
        if self.alphabet is Alphabet.UCS2:
            return self.content.decode("utf-16-be", "replace")
        return self.content.decode("latin-1")

    @property
    def elements(self) -> tuple[tuple[int, bytes], ...]:
        """Information elements of the header; a torn one ends the list."""
        found: list[tuple[int, bytes]] = []
        rest = self.header or b""
        while len(rest) >= 2 and len(rest) >= 2 + rest[1]:  # identifier and length
            found.append((rest[0], rest[2 : 2 + rest[1]]))
            rest = rest[2 + rest[1] :]
        return tuple(found)

    @property
    def concat(self) -> Concat | None:
        """Which part of what this is; None if whole, or if the numbers are impossible (ignored by rule)."""
        for identifier, data in reversed(self.elements):  # the last one counts (TS 23.040 clause 9.2.3.24)
            if identifier == IE_CONCAT_8 and len(data) == 3:
                made = Concat(data[0], data[1], data[2], wide=False)
            elif identifier == IE_CONCAT_16 and len(data) == 4:
                made = Concat(data[0] << 8 | data[1], data[2], data[3], wide=True)
            else:
                continue
            return made if 1 <= made.part <= made.total else None
        return None

    def encode(self) -> bytes:
        """Return UDL and UD; raise LocalProtocolError if they exceed 140 octets."""
        header = b"" if self.header is None else bytes([len(self.header)]) + self.header
        if self.alphabet is Alphabet.GSM7:
            if self.content and max(self.content) > 0x7F:  # seven bits
                raise LocalProtocolError("a septet has seven bits")
            fill_bits = -8 * len(header) % 7
            length = (8 * len(header) + fill_bits) // 7 + len(self.content)
            body = pack(self.content, fill_bits) if self.content else b""
        else:
            body, length = self.content, len(header) + len(self.content)
        if len(header) + len(body) > MAX_UD_OCTETS or length > MAX_UD_SEPTETS:
            raise LocalProtocolError(f"{len(header) + len(body)} octets of user data, limit {MAX_UD_OCTETS}")
        return bytes([length]) + header + body


def decode_user_data(data: bytes, alphabet: Alphabet, *, has_header: bool) -> UserData | str:
    """Read UDL and UD; a string is the reason why they cannot be read. Octets after the end are ignored."""
    length = data[0]
    size_octets = (7 * length + 7) // 8 if alphabet is Alphabet.GSM7 else length
    body = data[1 : 1 + size_octets]
    if size_octets > MAX_UD_OCTETS:
        return "user data longer than 140 octets"
    if len(body) < size_octets:
        return "user data shorter than its length says"
    if not has_header:
        return UserData(alphabet, unpack(body, length) if alphabet is Alphabet.GSM7 else body)
    if not body or len(body) < 1 + body[0]:
        return "user data header longer than the user data"
    header_size, header = 1 + body[0], body[1 : 1 + body[0]]
    if alphabet is not Alphabet.GSM7:
        return UserData(alphabet, body[header_size:], header)
    fill_bits = -8 * header_size % 7
    count = length - (8 * header_size + fill_bits) // 7
    if count < 0:
        return "user data header longer than the user data"
    return UserData(alphabet, unpack(body[header_size:], count, fill_bits), header)
