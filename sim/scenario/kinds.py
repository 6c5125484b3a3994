"""The kinds of values a scenario's keys take: how each is read, limited and written."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from typing import Any, Final, assert_never

from drivers.base import Precedence
from gateway.words import ZH
from sim.scenario.model import Span
from sim.scenario.values import (
    ValueRefusedError,
    read_number,
    read_span,
    read_time,
    read_time_span,
    write_number,
    write_span,
    write_time,
    write_time_span,
)

MAX_TEXT_CHARS: Final = 4000
"""Longest text, settings included: more than any gateway accepts as one message."""
MAX_NAME_CHARS: Final = 20
"""Longest id: it is a call sign, and people type it behind an @."""
MAX_POINTS: Final = 1000
"""Most points of a road."""

NAME: Final = re.compile(r"[\w.+-]+")
"""What an id is made of once its pattern is expanded; what a person can type behind an @."""
PATTERN: Final = re.compile(r"[\w.+-]*(?:\{[\w.,+-]+\}[\w.+-]*)?")
"""The same, with at most one "{1..6}" or "{a,b}"."""

PRECEDENCE: Final = {ZH[p.name]: p for p in Precedence} | {p.name.lower(): p for p in Precedence}
"""Names of the precedences, Chinese and English."""


class Kind(Enum):
    """What a key's value is."""

    TEXT = "text"
    ID = "id"
    FLAG = "true/false"
    WHOLE = "whole number"
    NUMBER = "number"
    SPAN = "number or range"
    TIME = "time"
    TIME_SPAN = "time or range"
    WORD = "one word of"
    WORDS = "list of words"
    PRECEDENCE = "precedence"
    NUMBERS = "list of numbers"
    PAIRS = "list of [a, b]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a table. `attr` is its place in the model ("clock.offset_s" inside a part of it).

    `low` and `high` limit numbers (seconds for times) or, for NUMBERS, each of them; `count` their number.
    """

    name: str
    attr: str
    kind: Kind
    en: str
    zh: str
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    count: int = 0
    words: tuple[str, ...] = ()
    required: bool = False

    @property
    def limit(self) -> str:
        """What holds, in words of the file."""
        write = write_time if self.kind in {Kind.TIME, Kind.TIME_SPAN} else write_number
        match self.kind:
            case Kind.WORD | Kind.WORDS:
                return ", ".join(word for word in self.words if word)
            case Kind.PRECEDENCE:
                return ", ".join(p.name.lower() for p in Precedence)
            case Kind.TEXT:
                return f"≤ {MAX_TEXT_CHARS} characters"
            case Kind.ID:
                return f"letters, digits, _ . + - and one {{1..6}}, ≤ {MAX_NAME_CHARS} characters each"
            case _ if math.isinf(self.low) and math.isinf(self.high):
                return ""
            case _ if math.isinf(self.high):
                return f"≥ {write(self.low)}"
            case _:
                return f"{write(self.low)}..{write(self.high)}"

    def read(self, value: object) -> Any:
        """Return the model's value; raises ValueRefusedError."""
        read = _READ[self.kind](self, value)
        ends = _numbers(read)
        if any(not self.low <= end <= self.high for end in ends):
            raise ValueRefusedError(self.limit, "outside its limits", "超出限制")
        return read

    def write(self, value: Any) -> str:
        """Return the value as TOML."""
        match self.kind:
            case Kind.TEXT | Kind.ID | Kind.WORD:
                return quote(value.value if isinstance(value, Enum) else value)
            case Kind.FLAG:
                return "true" if value else "false"
            case Kind.WHOLE | Kind.NUMBER:
                return write_number(value)
            case Kind.SPAN:
                return write_number(value.low) if value.fixed else quote(write_span(value))
            case Kind.TIME:
                return quote(write_time(value))
            case Kind.TIME_SPAN:
                return quote(write_time_span(value))
            case Kind.WORDS:
                return f"[{', '.join(quote(word) for word in value)}]"
            case Kind.PRECEDENCE:
                return quote(value.name.lower())
            case Kind.NUMBERS:
                return _list(value)
            case Kind.PAIRS:
                return f"[{', '.join(_list(pair) for pair in value)}]"
            case _:
                assert_never(self.kind)


def quote(text: str) -> str:
    """Return a TOML basic string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(values: tuple[float, ...]) -> str:
    return f"[{', '.join(write_number(value) for value in values)}]"


def _numbers(value: object) -> tuple[float, ...]:
    match value:
        case Span():
            return (value.low, value.high)
        case bool():
            return ()
        case int() | float():
            return (float(value),)
        case tuple():
            return tuple(number for part in value for number in _numbers(part))
        case _:
            return ()


def _text(key: Key, value: object) -> str:
    if not isinstance(value, str):
        raise ValueRefusedError("a text in quotes", "not a text", "不是文字")
    if len(value) > MAX_TEXT_CHARS:
        raise ValueRefusedError(key.limit, "too long", "过长")
    return value


def _id(key: Key, value: object) -> str:
    text = _text(key, value)
    if not PATTERN.fullmatch(text) or not text:
        raise ValueRefusedError(key.limit, "not a name", "名称不合规")
    return text


def _flag(key: Key, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueRefusedError("true, false", f"{key.name} is yes or no", "只能是 true 或 false")
    return value


def _whole(key: Key, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueRefusedError(key.limit or "a whole number", "not a whole number", "不是整数")
    return value


def _word(key: Key, value: object) -> str:
    if not isinstance(value, str) or value not in key.words:
        near = get_close_matches(str(value), key.words, n=1)
        raise ValueRefusedError(key.limit, f"unknown word for {key.name}", "未知的取值", "".join(near))
    return value


def _words(key: Key, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ValueRefusedError(f"a list of: {key.limit}", "not a list of words", "应为非空列表")
    words = tuple(value)
    for word in words:
        for choice in str(word).split("|"):  # one of several, for each seed to choose
            _word(key, choice)
    if len(set(words)) != len(words):
        raise ValueRefusedError("each once", "named twice", "重复")
    return words


def _precedence(key: Key, value: object) -> Precedence:
    found = PRECEDENCE.get(value.lower()) if isinstance(value, str) else None
    if found is None:
        raise ValueRefusedError(", ".join(PRECEDENCE), f"{key.name} is unknown", "未知的等级")
    return found


def _row(key: Key, value: object) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) != key.count:
        raise ValueRefusedError(
            f"a list of {key.count} numbers", "not such a list", f"应为 {key.count} 个数字的列表"
        )
    return tuple(read_number(number) for number in value)


def _pairs(key: Key, value: object) -> tuple[tuple[float, ...], ...]:
    if not isinstance(value, list) or len(value) > MAX_POINTS:
        raise ValueRefusedError(
            f"a list of at most {MAX_POINTS} pairs", "not a list of pairs", "应为数对的列表"
        )
    return tuple(_row(key, pair) for pair in value)


_READ: Final[dict[Kind, Callable[[Key, object], object]]] = {
    Kind.TEXT: _text,
    Kind.ID: _id,
    Kind.FLAG: _flag,
    Kind.WHOLE: _whole,
    Kind.NUMBER: lambda _, value: read_number(value),
    Kind.SPAN: lambda _, value: read_span(value),
    Kind.TIME: lambda _, value: read_time(value),
    Kind.TIME_SPAN: lambda _, value: read_time_span(value),
    Kind.WORD: _word,
    Kind.WORDS: _words,
    Kind.PRECEDENCE: _precedence,
    Kind.NUMBERS: _row,
    Kind.PAIRS: _pairs,
}
