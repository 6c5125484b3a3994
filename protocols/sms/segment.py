"""Long texts over short messages: splitting that cuts no character, bounded reassembly (TS 23.040)."""

# ruff: noqa: PLR2004  # bit fields and ranges read as in the tables of the standard

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from protocols.errors import LocalProtocolError
from protocols.sms.alphabet import ESCAPE, is_gsm7, text_to_septets
from protocols.sms.fields import Alphabet
from protocols.sms.userdata import MAX_UD_OCTETS, MAX_UD_SEPTETS, Concat, UserData

MAX_PARTS = 255
"""The header's part count is one octet."""

MAX_OPEN_MESSAGES = 64
"""Unfinished long messages held at once; a terminal stores about as many parts, so more cannot be waiting."""

DCS_GSM7 = 0x00
DCS_OCTETS = 0x04
DCS_UCS2 = 0x08

TagT = TypeVar("TagT")


def dcs_for(alphabet: Alphabet) -> int:
    """Return the plain data coding scheme of an alphabet (no class, not compressed)."""
    return {Alphabet.GSM7: DCS_GSM7, Alphabet.OCTETS: DCS_OCTETS, Alphabet.UCS2: DCS_UCS2}[alphabet]


def split_text(text: str, *, reference: int, wide: bool = True) -> tuple[UserData, ...]:
    """Split into one plain message or numbered parts: GSM 7-bit if the text allows it, else UCS-2.

    160 septets or 70 UTF-16 units alone; 153/67 (8-bit reference) or 152/66 (16-bit) per part. Neither an
    escape pair nor a surrogate pair is cut. Raises LocalProtocolError beyond 255 parts.
    """
    alphabet = Alphabet.GSM7 if is_gsm7(text) else Alphabet.UCS2
    if alphabet is Alphabet.GSM7:
        content, alone = text_to_septets(text), MAX_UD_SEPTETS
    else:
        content, alone = _utf16(text), MAX_UD_OCTETS
    if len(content) <= alone:
        return (UserData(alphabet, content),)
    header_octets = 7 if wide else 6
    room = MAX_UD_OCTETS - header_octets
    room = room * 8 // 7 if alphabet is Alphabet.GSM7 else room // 2 * 2
    pieces = list(_pieces(content, room, alphabet))
    if len(pieces) > MAX_PARTS:
        raise LocalProtocolError(f"text needs {len(pieces)} parts, limit {MAX_PARTS}")
    return tuple(
        UserData(alphabet, piece, Concat(reference, len(pieces), number, wide).header())
        for number, piece in enumerate(pieces, start=1)
    )


def _utf16(text: str) -> bytes:
    try:
        return text.encode("utf-16-be")
    except UnicodeEncodeError as error:
        raise LocalProtocolError("text contains half a surrogate pair") from error


def _pieces(content: bytes, room: int, alphabet: Alphabet) -> Iterator[bytes]:
    start = 0
    while start < len(content):
        end = min(start + room, len(content))
        if end < len(content):
            end -= _cut_back(content, start, end, alphabet)
        yield content[start:end]
        start = end


def _cut_back(content: bytes, start: int, end: int, alphabet: Alphabet) -> int:
    """How much earlier to cut, so that the pair around `end` stays together."""
    if alphabet is Alphabet.UCS2:
        return 2 if 0xD8 <= content[end - 2] <= 0xDB else 0  # a high surrogate before the cut
    escapes = 0
    while end - 1 - escapes >= start and content[end - 1 - escapes] == ESCAPE:
        escapes += 1
    return escapes % 2


@dataclass(frozen=True, slots=True)
class Assembled(Generic[TagT]):
    """A long message: its joined user data, whether all parts are there, and the tags of its parts."""

    source: str
    concat: Concat
    user_data: UserData
    complete: bool
    tags: tuple[TagT, ...]
    missing: tuple[int, ...] = ()


@dataclass(slots=True)
class _Open(Generic[TagT]):
    concat: Concat
    alphabet: Alphabet
    parts: dict[int, bytes] = field(default_factory=dict)
    tags: list[TagT] = field(default_factory=list)


class Reassembler(Generic[TagT]):
    """Collects parts of long messages by source, reference and count; bounded, without a clock.

    `tag` is whatever the caller must remember per part (a storage index). What is pushed out, or contradicted
    by a reused reference, is returned incomplete so that it can be shown: nothing disappears.
    """

    def __init__(self, max_open: int = MAX_OPEN_MESSAGES) -> None:
        self._max_open = max_open
        self._open: dict[tuple[str, int, int, bool], _Open[TagT]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, source: str, data: UserData, tag: TagT) -> list[Assembled[TagT]]:
        """Take one part (with a `concat`); return what became complete, or had to be given up."""
        concat = data.concat
        if concat is None:
            raise LocalProtocolError("not a part of a long message")
        key = (source, concat.reference, concat.total, concat.wide)
        given_up: list[Assembled[TagT]] = []
        current = self._open.get(key)
        if current is not None and (
            current.alphabet is not data.alphabet
            or current.parts.get(concat.part, data.content) != data.content
        ):
            given_up.append(self._close(key))
            current = None
        if current is None:
            if len(self._open) >= self._max_open:
                given_up.append(self._close(next(iter(self._open))))
            current = self._open[key] = _Open(concat, data.alphabet)
        current.parts[concat.part] = data.content
        current.tags.append(tag)
        if len(current.parts) == concat.total:
            given_up.append(self._close(key))
        return given_up

    def oldest(self) -> tuple[TagT, ...]:
        """Return the tags of the message that was begun first; empty if none is unfinished."""
        return next((tuple(message.tags) for message in self._open.values()), ())

    def give_up(self, count: int) -> list[Assembled[TagT]]:
        """Return the `count` oldest unfinished messages, and forget them."""
        return [self._close(key) for key in list(self._open)[:count]]

    def _close(self, key: tuple[str, int, int, bool]) -> Assembled[TagT]:
        message = self._open.pop(key)
        content = b"".join(content for _, content in sorted(message.parts.items()))
        missing = tuple(n for n in range(1, message.concat.total + 1) if n not in message.parts)
        joined = UserData(message.alphabet, content)
        return Assembled(key[0], message.concat, joined, not missing, tuple(message.tags), missing)
