"""Maps the records of `hytera_hdap.json` to the HDAP codec."""

from __future__ import annotations

from typing import Any

from tests.vector_adapters.hytera_common import check_hdap, records

__all__ = ["check", "records"]


def check(record: dict[str, Any]) -> str:
    """Return "right" or "refused"; AssertionError says what differs."""
    return check_hdap(bytes.fromhex(record["hex"]), record["fields"])
