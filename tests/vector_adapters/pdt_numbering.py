"""Maps the records of `pdt_numbering.json` to the national numbering rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from protocols.pdt.numbers import AirId, air_id, dial_number


def records(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every record of the file, with a label."""
    for record in document["vectors"]:
        yield f"{record['air_hex']} {'group' if record['group'] else 'individual'}", record


def check(record: dict[str, Any]) -> str:
    """Return "right"; AssertionError says what differs."""
    air = AirId(record["air_id"], record["group"])
    assert f"0x{air.id:06X}" == record["air_hex"]
    dial = dial_number(air)
    assert dial == record["dial"], f"{dial}, expected {record['dial']}"
    if dial is not None:
        assert air_id(dial) == air
    return "right"
