"""Turns msgspec's words about a bad table into ours: file, table, key, limit, what was found."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from gateway.toml_limits import EACH, Kind, Step, known_keys, limit_at
from protocols.errors import BadInputError

T = TypeVar("T")

_PATH = re.compile(r"^(?P<what>.*?)(?: - at (?P<key>`key` in )?`(?P<path>[^`]*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`")
_MISSING = re.compile(r"Object missing required field `(?P<key>[^`]*)`")
_TYPES = re.compile(r"Expected `|Invalid enum value")
_OWN = re.compile(r"(?P<key>\w+): (?P<limit>.*)", re.DOTALL)


def convert(table: object, kind: type[T], *, where: str) -> T:
    """Check a parsed TOML table against a Struct; raises BadInputError naming the key by its path.

    `where` is written before the path: a file (`gateway.toml: `) or a table (`gateway.toml: link[0]`).
    """
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        raise _worded(str(error), table, kind, where) from error
    except BadInputError as error:
        raise error.within(_joined(where, ".")) from error


def read_toml(path: Path, shown: str, zh: str) -> dict[str, Any]:
    """Read a TOML file; BadInputError calls it `shown` and says why it cannot be read, `zh` in Chinese."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        found = error.strerror or type(error).__name__
        raise BadInputError(shown, limit="a readable file", found=found, en="unreadable", zh=zh) from error
    except UnicodeDecodeError as error:
        found = f"octet {error.object[error.start]:#04x} at {error.start}"
        raise BadInputError(shown, limit="TOML in UTF-8", found=found, en="not UTF-8", zh=zh) from error
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(shown, limit="TOML 1.0", found=str(error), en="not TOML", zh=zh) from error


@contextmanager
def located(place: str) -> Generator[None]:
    """Name the place (`gateway.toml: link[0].`) in every refusal from within."""
    try:
        yield
    except BadInputError as error:
        raise error.within(place) from error


def _worded(text: str, table: object, kind: type[Any], where: str) -> BadInputError:
    match = _PATH.match(text)
    what, path = (match["what"], match["path"] or "$") if match else (text, "$")
    of: Kind = "key" if match and match["key"] else "value"
    steps = _resolved(_steps(path) + ([EACH] if of == "key" else []), table, kind, text)
    at = _value_at(steps, table)
    field = _joined(where, _label(steps, table))
    if unknown := _UNKNOWN.match(what):
        return BadInputError(
            _joined(field, f".{unknown['key']}"),
            limit=f"one of {known_keys(kind, steps)}",
            found=unknown["key"],
            en="unknown key",
            zh="未知的键（是否拼写错误）",
        )
    if missing := _MISSING.match(what):
        key = missing["key"]
        return BadInputError(
            _joined(field, f".{key}"),
            limit=f"required: {limit_at(kind, [*steps, key])}",
            found="nothing",
            en="missing key",
            zh="缺少必需的键",
        )
    own = _OWN.fullmatch(what)
    if own and isinstance(at, dict) and own["key"] in at:
        key = own["key"]  # the Struct's own check, which says `key: limit`
        return BadInputError(f"{field}.{key}", limit=own["limit"], found=at[key], zh="取值不符")
    if of == "key":
        limit = limit_at(kind, steps[:-1], "key")
        return BadInputError(field, limit=limit, found=steps[-1], en="unknown key", zh="未知的键")
    limit = limit_at(kind, steps) if _TYPES.match(what) else what
    return BadInputError(field, limit=limit, found=at, en="wrong value", zh="取值或类型不符")


def _joined(where: str, label: str) -> str:
    return where + (label.removeprefix(".") if where.endswith(" ") else label)


def _steps(path: str) -> list[Step]:
    return [
        int(part[1:-1]) if part[1:-1].isdecimal() else EACH if part == f"[{EACH}]" else part[1:]
        for part in re.findall(r"\.[^.\[]+|\[\d+\]|\[\.\.\.\]", path.removeprefix("$"))
    ]


def _resolved(steps: list[Step], table: object, kind: type[Any], text: str) -> list[Step]:
    """Find the map key that msgspec does not name: the one that alone is refused in the same words."""
    known: list[Step] = []
    for step in steps:
        entries = _value_at(known, table)
        known.append(step)
        if step != EACH or not isinstance(entries, dict):
            continue
        for key, value in entries.items():
            try:
                msgspec.convert(_with(table, known[:-1], {key: value}), kind)
            except msgspec.ValidationError as error:
                if str(error) == text:
                    known[-1] = key
                    break
    return known


def _with(at: Any, steps: list[Step], value: object) -> object:
    """Return a copy of `at` that has `value` where `steps` lead."""
    if not steps:
        return value
    step, *rest = steps
    copied: Any = list(at) if isinstance(at, list) else dict(at)
    copied[step] = _with(at[step], rest, value)
    return copied


def _label(steps: list[Step], table: object) -> str:
    """Write `$.link[0].baud` as `.link[0] (pdt).baud`: the table's own name helps to find it in the file."""
    shown, at = "", table
    for step in steps:
        shown += f"[{step}]" if isinstance(step, int) else f".{step}"
        at = _into(at, step)
        if isinstance(step, int) and isinstance(at, dict):
            name = at.get("name") if "call_sign" not in at else at["call_sign"]
            shown += f" ({name})" if name else ""
    return shown


def _value_at(steps: list[Step], table: object) -> object:
    at = table
    for step in steps:
        at = _into(at, step)
    return at


def _into(at: Any, step: Step) -> object:
    try:
        return at[step]
    except (KeyError, IndexError, TypeError):
        return None
