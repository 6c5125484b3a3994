"""Maps the records of `hytera_capture_rd985_ptt.json`, a real dialogue of HDAP inside HSTRP."""

from __future__ import annotations

from tests.vector_adapters.hytera_hstrp import check, records

__all__ = ["check", "records"]
