"""Turns msgspec's words about a bad table into ours: table, key, limit, what was found."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from protocols.errors import BadInputError

T = TypeVar("T")

_PATH = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`")
_MISSING = re.compile(r"Object missing required field `(?P<key>[^`]*)`")


def convert(table: object, kind: type[T], *, where: str) -> T:
    """Check a parsed TOML table against a Struct; raises BadInputError naming the key by its path."""
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        raise _worded(str(error), table, where) from error


def _worded(text: str, table: object, where: str) -> BadInputError:
    match = _PATH.match(text)
    what, path = (match["what"], match["path"] or "$") if match else (text, "$")
    field = f"{where}{_label(path, table)}"
    if unknown := _UNKNOWN.match(what):
        return BadInputError(
            f"{field}.{unknown['key']}",
            limit="a known key",
            found=unknown["key"],
            en="unknown key",
            zh="未知的键（是否拼写错误）",
        )
    if missing := _MISSING.match(what):
        return BadInputError(
            f"{field}.{missing['key']}",
            limit="required",
            found="nothing",
            en="missing key",
            zh="缺少必需的键",
        )
    return BadInputError(
        field, limit=what, found=_value_at(path, table), en="wrong value", zh="取值或类型不符"
    )


def _steps(path: str) -> list[str | int]:
    return [
        int(part[1:-1]) if part.startswith("[") and part[1:-1].isdecimal() else part.strip(".[]")
        for part in re.findall(r"\.\w+|\[\d+\]|\[\.\.\.\]", path.removeprefix("$"))
    ]


def _label(path: str, table: object) -> str:
    """Write `$.link[0].baud` as `.link[0] (pdt).baud`: the table's own name helps to find it in the file."""
    shown, at = "", table
    for step in _steps(path):
        shown += f"[{step}]" if isinstance(step, int) else f".{step}"
        at = _into(at, step)
        if isinstance(step, int) and isinstance(at, dict):
            name = at.get("name") or at.get("call_sign")
            shown += f" ({name})" if name else ""
    return shown


def _value_at(path: str, table: object) -> object:
    at = table
    for step in _steps(path):
        at = _into(at, step)
    return at


def _into(at: Any, step: str | int) -> object:
    try:
        return at[step]
    except (KeyError, IndexError, TypeError):
        return None
