"""What an AT terminal sends, cut into events: echo, results, lines, prompt, garbage (V.250, TS 27.005)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from protocols.at.lines import Line, parse_line

MAX_LINE_OCTETS = 4096
"""Longest line kept. A stored message takes under 450 octets, an operator list perhaps 2 000."""

PROMPT = b"> "
"""Sent without a line end when the terminal waits for the PDU of `AT+CMGS` (TS 27.005 clause 3.5.1)."""

CTRL_Z = b"\x1a"
ESCAPE = b"\x1b"

_FINAL_WORDS = frozenset({"OK", "ERROR", "NO CARRIER", "NO DIALTONE", "BUSY", "NO ANSWER", "ABORTED"})
_FINAL_CODE = re.compile(r"\+(CME|CMS) ERROR: ?(.*)")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_TWO_LINES = frozenset({"+CMT", "+CDS", "+CMGR", "+CMGL", "+CBM"})
_SENT_PDU = re.compile(r"[\x20-\x7e]*[\x1a\x1b]")
_READABLE_TAIL = re.compile(r"[\x20-\x7e]+\Z")


@dataclass(frozen=True, slots=True)
class Echo:
    """The terminal repeated what it was sent."""

    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """The end of a command: `word` as sent; `family` CME or CMS with `code`, where an error was numbered."""

    ok: bool
    word: str
    family: str = ""
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """The terminal waits for a PDU."""


@dataclass(frozen=True, slots=True)
class Garbage:
    """Dropped octets, and why; the driver counts these per link."""

    reason: str
    size_octets: int


Event = Echo | Result | Prompt | Garbage | Line


class Decoder:
    """Cuts a byte stream into events; never raises, and holds at most one line and its announcement."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._skipping = False
        self._waiting: Line | None = None

    def feed(self, data: bytes) -> list[Event]:
        """Take octets in chunks of any size; return what became complete."""
        events: list[Event] = []
        self._buffer += data
        while self._step(events):
            pass
        return events

    def _step(self, events: list[Event]) -> bool:
        """Take one line, prompt or piece of garbage from the buffer; False when more octets are needed."""
        end = _line_end(self._buffer)
        if not self._skipping and self._buffer.startswith(PROMPT):
            del self._buffer[: len(PROMPT)]
            self._flush(events)
            events.append(Prompt())
            return True
        if end < 0 and len(self._buffer) <= MAX_LINE_OCTETS:
            return False
        if end < 0 or end > MAX_LINE_OCTETS:
            self._flush(events)
            del self._buffer[:MAX_LINE_OCTETS]
            self._skipping = True
            events.append(Garbage("no end of line", MAX_LINE_OCTETS))
            return True
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        if self._skipping:
            self._skipping = False
            if line:
                events.append(Garbage("no end of line", len(line)))
        elif line:
            self._line(line, events)
        return True

    def _line(self, octets: bytes, events: list[Event]) -> None:
        text, dropped = _readable(octets)
        if dropped:
            events.append(Garbage("not text", dropped))
        if not text:
            return
        if self._waiting is not None and _HEX.fullmatch(text):
            events.append(replace(self._waiting, pdu=text))
            self._waiting = None
            return
        self._flush(events)
        event = _classify(text)
        if isinstance(event, Line) and event.name in _TWO_LINES and _announces_pdu(event):
            self._waiting = event
        else:
            events.append(event)

    def _flush(self, events: list[Event]) -> None:
        """Give out a two-line result whose second line did not come."""
        if self._waiting is not None:
            events.append(self._waiting)
            self._waiting = None


def _line_end(buffer: bytearray) -> int:
    ends = [end for end in (buffer.find(b"\r"), buffer.find(b"\n")) if end >= 0]
    return min(ends, default=-1)


def _readable(octets: bytes) -> tuple[str, int]:
    """Return the text at the end of a line and how many octets before it were none.

    What a starting terminal or a wrong bit leaves before a line must not cost the line.
    """
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        text = octets.decode("latin-1")
        tail = _READABLE_TAIL.search(text)
    else:
        if _is_echo(text) or text.isprintable():
            return text.strip(), 0
        tail = _READABLE_TAIL.search(text)
    kept = tail[0] if tail else ""
    return kept.strip(), len(octets) - len(kept)


def _is_echo(text: str) -> bool:
    """Commands come back as sent, a PDU with the control character that ended it."""
    return _SENT_PDU.fullmatch(text) is not None or (text[:2].upper() == "AT" and text.isprintable())


def _classify(text: str) -> Event:
    if _is_echo(text):
        return Echo(text)
    if text in _FINAL_WORDS:
        return Result(ok=text == "OK", word=text)
    if code := _FINAL_CODE.fullmatch(text):
        number = code[2].strip()
        return Result(ok=False, word=text, family=code[1], code=int(number) if _is_code(number) else None)
    return parse_line(text)


def _is_code(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5  # noqa: PLR2004  # codes go to 65535


def _announces_pdu(line: Line) -> bool:
    """Whether the next line is a PDU: in PDU mode the last parameter is its length in octets."""
    return 0 < len(line.parameters) <= 4 and line.parameters[-1].number is not None  # noqa: PLR2004  # +CMGL
