"""Facts of events as typed values: the record takes any object, a report must not trip over one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum

from drivers.base import Precedence

TEXT_MAX_CHARS = 2_000
"""Longest text kept of one fact: half of the longest message; a page with thousands of texts stays small."""


def text(facts: Mapping[str, object], key: str) -> str:
    """Return a fact as text, "" if there is none."""
    value = facts.get(key)
    if value is None:
        return ""
    if type(value) is str and len(value) <= TEXT_MAX_CHARS and value.isascii():
        return value
    if isinstance(value, Enum):
        value = value.value
    return str(value)[:TEXT_MAX_CHARS].encode("utf-8", "replace").decode()


def number(facts: Mapping[str, object], key: str) -> float | None:
    """Return a fact as a finite number, None if it is none."""
    value = facts.get(key)
    if isinstance(value, (int, float)) and math.isfinite(value):
        return float(value)
    return None


def whole(facts: Mapping[str, object], key: str) -> int:
    """Return a fact as a whole number, 0 if it is none."""
    value = facts.get(key)
    if isinstance(value, str) and value.isdecimal() and value.isascii():
        return int(value[:9])
    found = number(facts, key)
    return 0 if found is None else round(found)


def flag(facts: Mapping[str, object], key: str, *, default: bool = False) -> bool:
    """Return a fact as yes or no."""
    return bool(facts.get(key, default))


def precedence(facts: Mapping[str, object]) -> int:
    """Return `precedence` as its number, whether it is told as number or name; ROUTINE when not told."""
    value = facts.get("precedence")
    if isinstance(value, str):
        found = Precedence.__members__.get(value.upper())
        value = int(value) if found is None and value.isdecimal() else found
    if isinstance(value, int) and Precedence.DEFERRED <= value <= Precedence.SOS:
        return int(value)
    return int(Precedence.ROUTINE)
