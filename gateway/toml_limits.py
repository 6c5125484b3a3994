"""What a key of the configuration may hold, in an operator's words, read from the types of its table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

from msgspec import inspect

EACH: Final = "..."
"""Step into the values of a map whose key is not known."""

Step = str | int
Kind = Literal["value", "key"]


def limit_at(kind: Any, steps: Sequence[Step], of: Kind = "value") -> str:
    """Say what the place `steps` leads to may hold; with `of="key"`, what the keys of that map may be."""
    at: inspect.Type | None = inspect.type_info(kind)
    for step in steps:
        at = _inner(at, step)
    if of == "key":
        table = _plain(at)
        at = table.key_type if isinstance(table, inspect.DictType) else None
    return _words(at)


def known_keys(kind: Any, steps: Sequence[Step]) -> str:
    """List the keys of the table that `steps` leads to."""
    at: inspect.Type | None = inspect.type_info(kind)
    for step in steps:
        at = _inner(at, step)
    at = _plain(at)
    return ", ".join(f.encode_name for f in at.fields) if isinstance(at, inspect.StructType) else ""


def _inner(at: inspect.Type | None, step: Step) -> inspect.Type | None:
    match _plain(at):
        case inspect.StructType(fields=fields):
            return next((f.type for f in fields if f.encode_name == step), None)
        case inspect.DictType(value_type=value):
            return value
        case inspect.CollectionType(item_type=item):
            return item
        case _:
            return None


def _plain(at: inspect.Type | None) -> inspect.Type | None:
    """Look through an optional and through notes about a type."""
    while True:
        match at:
            case inspect.Metadata(type=inner):
                at = inner
            case inspect.UnionType(types=types) if len(_real(types)) == 1:
                at = _real(types)[0]
            case _:
                return at


def _real(types: Sequence[inspect.Type]) -> list[inspect.Type]:
    return [one for one in types if not isinstance(one, inspect.NoneType)]


def _words(at: inspect.Type | None) -> str:
    match at:
        case inspect.Metadata(type=inner, extra_json_schema=notes):
            return str((notes or {}).get("description") or _words(inner))
        case inspect.UnionType(types=types):
            return " or ".join(_words(one) for one in _real(types))
        case inspect.EnumType() | inspect.LiteralType():
            return f"one of {', '.join(_choices(at))}"
        case inspect.CollectionType(item_type=item):
            return "[[tables]]" if isinstance(_plain(item), _TABLES) else f"a list [...] of: {_words(item)}"
        case inspect.StructType() | inspect.DictType():
            return "a [table]"
        case _:
            return _simple(at)


def _choices(at: inspect.EnumType | inspect.LiteralType) -> list[str]:
    if isinstance(at, inspect.EnumType):
        return [str(one.value) for one in at.cls]
    return [str(one) for one in at.values]


def _simple(at: inspect.Type | None) -> str:
    match at:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return f"integer{_range(at)}"
        case inspect.FloatType():
            return f"number{_range(at)}"
        case inspect.StrType():
            return f'"text"{_length(at)}'
        case _:
            return "another value"


_TABLES = (inspect.StructType, inspect.DictType)


def _range(at: inspect.IntType | inspect.FloatType) -> str:
    if at.ge is not None and at.le is not None:
        return f" {at.ge}..{at.le}"
    bounds = [
        f"{word} {bound}"
        for word, bound in (("from", at.ge), ("above", at.gt), ("up to", at.le), ("below", at.lt))
        if bound is not None
    ]
    return f" {' '.join(bounds)}" if bounds else ""


def _length(at: inspect.StrType) -> str:
    if at.pattern is not None:
        return f" matching {at.pattern}"
    if at.max_length is not None:
        return f" of {at.min_length or 0}..{at.max_length} characters"
    return f" of {at.min_length} characters or more" if at.min_length else ""
