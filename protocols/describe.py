"""Any value of a codec as JSON: a dataclass by its fields and properties, octets as hex, enums by name."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Any

Json = dict[str, Any] | list[Any] | str | int | float | bool | None


def describe(value: object) -> Json:
    """Return what `json.dumps` takes; a value of an unknown type by its `str`."""
    if isinstance(value, Enum):
        return value.name.lower() if value.name else int(value.value)
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, bytes | bytearray):
        return value.hex()
    if isinstance(value, dict):
        return {str(describe(key)): describe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [describe(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((describe(item) for item in value), key=str)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return _members(value) if is_dataclass(value) else str(value)


def describe_event(value: object) -> dict[str, Any]:
    """Return one event of a decoder with the name of its type first."""
    told = describe(value)
    return {"event": type(value).__name__} | (told if isinstance(told, dict) else {"value": told})


def _members(value: Any) -> dict[str, Any]:
    stored = {item.name: describe(getattr(value, item.name)) for item in fields(value)}
    derived = [name for name in dir(type(value)) if isinstance(getattr(type(value), name), property)]
    return stored | {name: describe(getattr(value, name)) for name in derived if not name.startswith("_")}
