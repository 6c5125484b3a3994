"""The published Hytera and PDT vectors, through the adapters that any further collection goes through."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.vector_adapters import (
    hytera_capture_rd985_ptt,
    hytera_hdap,
    hytera_hrnp,
    hytera_hstrp,
    pdt_numbering,
)

VECTORS = Path(__file__).parent / "vectors"
ADAPTERS = (hytera_hrnp, hytera_hdap, hytera_hstrp, hytera_capture_rd985_ptt, pdt_numbering)


def document(adapter: ModuleType) -> dict[str, Any]:
    path = VECTORS / f"{adapter.__name__.rpartition('.')[2]}.json"
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


CASES = [
    pytest.param(adapter, record, id=f"{adapter.__name__.rpartition('.')[2]}-{number}")
    for adapter in ADAPTERS
    for number, (_, record) in enumerate(adapter.records(document(adapter)))
]


@pytest.mark.parametrize(("adapter", "record"), CASES)
def test_vector(adapter: ModuleType, record: dict[str, Any]) -> None:
    """Decoding gives every listed field and encoding gives the octets; a record marked wrong is refused."""
    marked_wrong = '"checksum_ok": false' in json.dumps(record)

    assert adapter.check(record) == ("refused" if marked_wrong else "right")


@pytest.mark.parametrize("adapter", ADAPTERS[:4])
def test_changed_octet_is_noticed(adapter: ModuleType) -> None:
    """A record with one octet of its frame changed no longer passes for the original."""
    for _, record in adapter.records(document(adapter)):
        octets = bytearray.fromhex(record["hex"])
        octets[len(octets) // 2] ^= 0x10

        with pytest.raises((AssertionError, ValueError)):
            adapter.check(record | {"hex": octets.hex()})
