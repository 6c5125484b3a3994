"""Framing of the 2.1 protocol: `$` talker (2) id (3) `,` fields `*` hh CR LF, hh = XOR of the octets between.

Text inside is GBK and the XOR runs over its octets; a raw text may hold `*` and `$`, so a sentence ends at
its line's last `*` and begins at the last `$` that a header follows. CR, LF and CRLF all end a line.
Source: reference page satellite-terminals §1.1. `$BDXST`/`$BDXSD` copies for commanders are binary: after the
six letters a big-endian length of the whole frame, then data, then the XOR of everything before it
(from one public decoder, not seen on a terminal).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate
from operator import xor

from protocols.errors import LocalProtocolError

MAX_LINE_OCTETS = 1024
"""Longest line looked at, end included: the longest known sentence (420 hex digits of content) fits twice."""

MIN_COPY_OCTETS = 9
"""Shortest binary copy: six letters, two octets of length, one of XOR."""

TEXT = "gb18030"
"""Superset of GBK, the terminals' own coding."""

SELF_DESTRUCT = "ZHS"
"""Wipes the terminal. Never built here, whatever asks for it."""

DECODE_ONLY = frozenset({"JMS", "LZM"})
"""Radio silence and zero value: commands that take a terminal off the air or detune it; read, never sent."""

_HEADER = re.compile(rb"\$([A-Z]{2})([A-Z0-9]{2,16})(?=[,*])")
_NAME = re.compile(r"[A-Z]{2}[A-Z0-9]{2,16}")
_COPY = re.compile(rb"\$BDXS[DT]\x00")
_COPY_PREFIX_OCTETS = 7
_END = re.compile(rb"[\r\n]")
_CHECK = re.compile(rb"[0-9A-Fa-f]{2}\Z")
_FORBIDDEN = re.compile(rb"[\x00-\x1f\x7f$]")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One checked sentence; `fields` are octets as they came, so that encoding gives them again."""

    talker: str
    id: str
    fields: tuple[bytes, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """The fields as text; what is not GBK becomes U+FFFD."""
        return tuple(field.decode(TEXT, "replace") for field in self.fields)


@dataclass(frozen=True, slots=True)
class BinaryCopy:
    """A checked `XST` (message) or `XSD` (position) copy for a commander; `payload` is what stands inside."""

    id: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line without `$`: boot text or a chipset's remark, of no meaning here; counted."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Garbage:
    """Dropped octets, and why; counted per link."""

    reason: str
    size_octets: int


Event = Sentence | BinaryCopy | TextLine | Garbage


def seal(talker: str, sentence_id: str, fields: tuple[bytes, ...]) -> bytes:
    """Frame any fields: header, commas, XOR and CRLF.

    Raises LocalProtocolError if the result could not be read back: a control character or `$`, a comma or
    `*` in a field that is not the last (a raw text may hold them), or more than MAX_LINE_OCTETS.
    """
    if len(talker) != len("CC") or not _NAME.fullmatch(talker + sentence_id):
        raise LocalProtocolError(f"{talker}{sentence_id} is not a sentence header")
    head = f"{talker}{sentence_id}".encode()
    if any(_FORBIDDEN.search(field) for field in fields):
        raise LocalProtocolError(f"{talker}{sentence_id}: a field holds a control character or $")
    if any({*b",*"} & {*field} for field in fields[:-1]):
        raise LocalProtocolError(f"{talker}{sentence_id}: a field holds a comma or *")
    body = b",".join((head, *fields))
    line = b"$%s*%02X\r\n" % (body, checksum(body))
    if len(line) > MAX_LINE_OCTETS:
        raise LocalProtocolError(
            f"{talker}{sentence_id} has {len(line)} octets, limit {MAX_LINE_OCTETS}",
            f"{talker}{sentence_id} 长 {len(line)} 字节，上限 {MAX_LINE_OCTETS}",
        )
    return line


def encode(sentence: Sentence) -> bytes:
    """Build one sentence to be sent; besides `seal`, refuse self-destruct, radio silence and zero value."""
    if sentence.talker == "CC" and sentence.id == SELF_DESTRUCT:
        raise LocalProtocolError(
            "CCZHS destroys the terminal and is never sent", "CCZHS 会自毁终端，绝不发送"
        )
    if sentence.talker == "CC" and sentence.id in DECODE_ONLY:
        raise LocalProtocolError(
            f"CC{sentence.id} takes a terminal off the air and is never sent",
            f"CC{sentence.id} 会使终端停止工作，不予发送",
        )
    return seal(sentence.talker, sentence.id, sentence.fields)


def checksum(octets: bytes) -> int:
    """XOR of all octets."""
    value = 0
    for octet in octets:
        value ^= octet
    return value


class Decoder:
    """Cut an octet stream into sentences; never raises, whatever arrives; holds at most MAX_LINE_OCTETS."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Event]:
        """Take octets in chunks of any size; return what became complete."""
        events: list[Event] = []
        for start in range(0, len(data), MAX_LINE_OCTETS):
            self._buffer += data[start : start + MAX_LINE_OCTETS]
            self._drain(events)
        return events

    def _drain(self, events: list[Event]) -> None:
        while self._buffer:
            end = _END.search(self._buffer)
            copy = _COPY.search(self._buffer)
            if copy and (end is None or copy.start() < end.start()):
                if copy.start():
                    self._take_line(copy.start(), copy.start(), events)
                if not self._take_copy(events):
                    return
            elif end is not None:
                self._take_line(end.start(), end.end(), events)
            else:
                break
        excess = len(self._buffer) - MAX_LINE_OCTETS
        if excess > 0:
            del self._buffer[:excess]
            events.append(Garbage("no end of line", excess))

    def _take_line(self, length: int, remove: int, events: list[Event]) -> None:
        excess = max(0, length - MAX_LINE_OCTETS)
        line = bytes(self._buffer[excess:length])
        del self._buffer[:remove]
        if excess:
            events.append(Garbage("no end of line", excess))
        if line:
            events.extend(_parse_line(line))

    def _take_copy(self, events: list[Event]) -> bool:
        """Whether the copy at the buffer's start was dealt with; False: it is not complete yet."""
        size = self._buffer[_COPY_PREFIX_OCTETS] if len(self._buffer) > _COPY_PREFIX_OCTETS else None
        if size is None or (size >= MIN_COPY_OCTETS and len(self._buffer) < size):
            return False
        frame = bytes(self._buffer[:size])
        if size < MIN_COPY_OCTETS or checksum(frame):
            del self._buffer[:_COPY_PREFIX_OCTETS]
            events.append(Garbage("bad binary copy", _COPY_PREFIX_OCTETS))
        else:
            del self._buffer[:size]
            events.append(BinaryCopy(frame[3:6].decode(), frame[8:-1]))
        return True


def _parse_line(line: bytes) -> list[Event]:
    if b"$" not in line:
        return [TextLine(line)]
    body, star, check = line.rpartition(b"*")
    if not star or not _CHECK.match(check):
        return [Garbage("no checksum", len(line))]
    sums = [0, *accumulate(body, xor)]
    for header in reversed(list(_HEADER.finditer(line))):
        start = header.start() + 1  # the checksum leaves the $ out
        if header.end() <= len(body) and sums[-1] ^ sums[start] == int(check, 16):
            rest = body[header.end() + 1 :]
            fields = tuple(rest.split(b",")) if header.end() < len(body) else ()
            sentence = Sentence(header[1].decode(), header[2].decode(), fields)
            torn = [Garbage("before a sentence", header.start())] if header.start() else []
            return [*torn, sentence]
    return [Garbage("bad checksum", len(line))]
