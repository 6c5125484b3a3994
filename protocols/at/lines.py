"""One line of an AT terminal: name, parameters, and back (ITU-T V.250 clause 5.7, 3GPP TS 27.007)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from protocols.errors import LocalProtocolError

MAX_PARAMETERS = 64
"""Most parameters taken from a line; the rest stays in the last one. Answers in use have fewer than 20."""

_NAMED = re.compile(r"([+^$%#*&!][A-Z0-9_]+):(.*)", re.DOTALL)
_NUMBER = re.compile(r"[+-]?[0-9]{1,10}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,10}(?:\.[0-9]{1,10})?")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its text without quotes, and whether it stood in quotes."""

    text: str
    quoted: bool = False

    @property
    def number(self) -> int | None:
        """The decimal value; None if it is none or stood in quotes."""
        return int(self.text) if not self.quoted and _NUMBER.fullmatch(self.text) else None

    @property
    def decimal(self) -> float | None:
        """The value with an optional fraction; None if it is none or stood in quotes."""
        return float(self.text) if not self.quoted and _DECIMAL.fullmatch(self.text) else None


@dataclass(frozen=True, slots=True)
class Line:
    """An information line or unsolicited result: `name` such as `+CREG` (empty if unnamed), parameters.

    `pdu` is the second line of two-line results (`+CMT`, `+CDS`, `+CMGR`, `+CMGL`), hexadecimal.
    """

    name: str
    parameters: tuple[Parameter, ...]
    raw: str
    pdu: str | None = None

    def number(self, index: int) -> int | None:
        """Return the numeric parameter at `index`; None if missing, quoted or not a number."""
        return self.parameters[index].number if index < len(self.parameters) else None

    def text(self, index: int) -> str | None:
        """Return the parameter at `index` as text; None if missing."""
        return self.parameters[index].text if index < len(self.parameters) else None


def parse_line(raw: str) -> Line:
    """Split a line; never raises. A line without a name keeps everything in one parameter."""
    named = _NAMED.fullmatch(raw)
    if named is None:
        return Line("", (Parameter(raw),), raw)
    return Line(named[1], _split(named[2].strip()), raw)


def encode_line(name: str, parameters: tuple[Parameter, ...]) -> str:
    """Write a line as terminals do; raise LocalProtocolError for text that would break it."""
    written: list[str] = []
    for parameter in parameters:
        reserved = '"\r\n' if parameter.quoted else '",\r\n'
        outside = re.sub(r"\([^()]*\)", "", parameter.text) if not parameter.quoted else parameter.text
        if set(outside) & set(reserved):
            raise LocalProtocolError(f"parameter {parameter.text!r} contains a reserved character")
        written.append(f'"{parameter.text}"' if parameter.quoted else parameter.text)
    return f"{name}: {','.join(written)}" if name else ",".join(written)


def _split(body: str) -> tuple[Parameter, ...]:
    """Split at commas outside quotes and parentheses."""
    found: list[Parameter] = []
    start, depth, quoted = 0, 0, False
    for position, char in enumerate(body):
        if char == '"':
            quoted = not quoted
        elif not quoted and char in "()":
            depth = max(0, depth + (1 if char == "(" else -1))
        elif char == "," and not quoted and depth == 0 and len(found) < MAX_PARAMETERS - 1:
            found.append(_parameter(body[start:position]))
            start = position + 1
    return (*found, _parameter(body[start:]))


def _parameter(text: str) -> Parameter:
    bare = text.strip()
    if len(bare) > 1 and bare[0] == bare[-1] == '"':
        return Parameter(bare[1:-1], quoted=True)
    return Parameter(bare)
