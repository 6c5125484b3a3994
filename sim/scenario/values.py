"""Times, numbers and ranges as people write them: "90", "30s", "00:10", "25m..40m", "0..0.3"; and back."""

from __future__ import annotations

import math
import re
from typing import Final

from protocols.errors import FieldgateError
from sim.scenario.model import Span

UNIT_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
"""Seconds in each unit of time; a time without a unit is in seconds."""

EXACT: Final = 2**53
"""Beyond, a float no longer holds every whole number."""

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?")
_TIME = re.compile(rf"(?P<number>{_NUMBER.pattern})\s*(?P<unit>ms|s|m|h|d)?")
_CLOCK = re.compile(r"(?P<h>\d{1,3}):(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d(?:\.\d+)?))?")
RANGE: Final = ".."


class ValueRefusedError(FieldgateError):
    """A value cannot be read; `limit` is how it may be written, `hint` what may have been meant."""

    def __init__(self, limit: str, en: str, zh: str, hint: str = "") -> None:
        super().__init__(en, zh)
        self.limit = limit
        self.hint = hint


NUMBERS: Final = 'a number, or a range such as "0..0.3"'
TIMES: Final = 'seconds, "30s", "5m", "6h", "00:10" (hh:mm), or a range such as "5m..8m"'


def read_number(value: object) -> float:
    """Read a TOML number, or a string that is one."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return _finite(float(value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _finite(float(value))
    raise ValueRefusedError(NUMBERS, "not a number", "不是数字")


def read_time(value: object, *, unit: str = "") -> float:
    """Read seconds. `unit` holds where the text names none ("s" if that is empty too)."""
    if isinstance(value, str):
        text = value.strip()
        if clock := _CLOCK.fullmatch(text):
            return int(clock["h"]) * 3600.0 + int(clock["m"]) * 60.0 + float(clock["s"] or 0)
        if found := _TIME.fullmatch(text):
            return _finite(float(found["number"]) * UNIT_S[found["unit"] or unit or "s"])
    elif isinstance(value, int | float) and not isinstance(value, bool):
        return _finite(float(value))
    raise ValueRefusedError(TIMES, "not a time", "不是时间")


def read_span(value: object) -> Span:
    """Read a number or a range of numbers."""
    low, high = _ends(value)
    return _ordered(read_number(low), read_number(high))


def read_time_span(value: object) -> Span:
    """Read a time or a range of times; in "0..5s" the unit holds for both ends."""
    low, high = _ends(value)
    unit = _TIME.fullmatch(high.strip()) if isinstance(high, str) else None
    return _ordered(read_time(low, unit=(unit["unit"] or "") if unit else ""), read_time(high))


def write_number(value: float) -> str:
    """Return the shortest text that reads back as the same number."""
    value = float(value)
    whole = value.is_integer() and abs(value) <= EXACT
    return str(int(value)) if whole else repr(value)


def write_time(value_s: float) -> str:
    """Return "6h", "5m", "30s" or "2.5s"; reads back as the same number of seconds."""
    value_s = float(value_s)
    for unit in ("d", "h", "m"):
        if value_s and not value_s % UNIT_S[unit]:
            return f"{write_number(value_s / UNIT_S[unit])}{unit}"
    return f"{write_number(value_s)}s"


def write_span(span: Span) -> str:
    """Return "5" or "0..0.3"."""
    return (
        write_number(span.low) if span.fixed else f"{write_number(span.low)}{RANGE}{write_number(span.high)}"
    )


def write_time_span(span: Span) -> str:
    """Return "30s" or "5m..8m"."""
    return write_time(span.low) if span.fixed else f"{write_time(span.low)}{RANGE}{write_time(span.high)}"


def _ends(value: object) -> tuple[object, object]:
    if isinstance(value, str) and RANGE in value:
        low, _, high = value.partition(RANGE)
        return low, high
    return value, value


def _ordered(low: float, high: float) -> Span:
    if low > high:
        raise ValueRefusedError("low..high", "the range runs backwards", "范围的起点大于终点")
    return Span(low, high)


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueRefusedError("a finite number", "not finite", "数值过大")
    return value
