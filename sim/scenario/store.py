"""Schedules and drawn runs as JSON and back, for replay files."""

from __future__ import annotations

import math
from typing import Any, Final, TypeVar

import msgspec

from protocols.errors import BadInputError
from sim.faults.model import Schedule
from sim.scenario.draw import Drawn

Kind = TypeVar("Kind")

MAX_OCTETS: Final = 50_000_000
"""Longest JSON read: a county of messages for a year."""


def schedule_to_json(schedule: Schedule) -> bytes:
    """Return a schedule as one JSON object."""
    return _encode(schedule)


def schedule_from_json(octets: bytes) -> Schedule:
    """Read a schedule; raises BadInputError."""
    return _decode(octets, Schedule)


def drawn_to_json(drawn: Drawn) -> bytes:
    """Return a drawn run as one JSON object."""
    return _encode(drawn)


def drawn_from_json(octets: bytes) -> Drawn:
    """Read a drawn run; raises BadInputError."""
    return _decode(octets, Drawn)


def _encode(value: object) -> bytes:
    return msgspec.json.encode(_finite(msgspec.to_builtins(value)))


def _decode(octets: bytes, kind: type[Kind]) -> Kind:
    if len(octets) > MAX_OCTETS:
        raise BadInputError(
            "replay", limit=f"{MAX_OCTETS} octets", found=len(octets), en="too long", zh="过长"
        )
    try:
        return msgspec.json.decode(octets, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInputError(
            "replay",
            limit="a replay file of this version",
            found=str(error),
            en="cannot be read",
            zh="无法读取",
        ) from error


def _finite(value: Any) -> Any:
    """Leave out what JSON cannot say: the open ends of a metric's bounds, which are the default."""
    match value:
        case dict():
            return {k: _finite(v) for k, v in value.items() if not isinstance(v, float) or math.isfinite(v)}
        case list() | tuple():
            return [_finite(item) for item in value]
        case _:
            return value
