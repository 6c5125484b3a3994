"""The view of one transaction that operations work on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, kw_only=True, eq=False)
class Tx:
    """One transaction: SQL, and the one time that all its operations share (never an SQL clock).

    `now_s` is in ledger seconds (times.py), `now_unix_ms` is what this box's clock says. Only for use
    inside an operation handed to `Ledger.write` or `Ledger.read`; not kept beyond it.
    """

    connection: sqlite3.Connection
    station: int
    """The number of this gateway."""
    incarnation: int
    """The 16-bit tag of this opening, part of every identity made since."""
    epoch: int
    """The 16-bit tag of this ledger, beside which event cursors count."""
    session: int
    """How many times this ledger was opened."""
    now_unix_ms: int
    now_s: float
    max_octets: int
    """Bound of the ledger's size."""
    newest_cursor: int = 0
    """Newest event of this transaction; wakes the subscribers after the commit."""
    added_octets: int = 0
    base_octets: int = -1

    def execute(self, sql: str, values: Iterable[Any] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        return self.connection.execute(sql, tuple(values))

    def one(self, sql: str, *values: Any) -> tuple[Any, ...] | None:
        """Return the first row, or None."""
        row: tuple[Any, ...] | None = self.connection.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return all rows; the statement itself must bound them."""
        return self.connection.execute(sql, values).fetchall()

    def used_octets(self) -> int:
        """Octets of the ledger in use: pages minus free pages, plus what this transaction added."""
        if self.base_octets < 0:
            pages, free, size = (
                int(self.connection.execute(f"PRAGMA {name}").fetchone()[0])
                for name in ("page_count", "freelist_count", "page_size")
            )
            self.base_octets = (pages - free) * size
        return self.base_octets + self.added_octets

    def next_number(self, name: str, count: int = 1, *, start: int = 1) -> int:
        """Take `count` consecutive numbers of a named sequence for good; return the first."""
        row = self.one(
            "INSERT INTO sequences (name, next) VALUES (?1, ?3 + ?2) "
            "ON CONFLICT (name) DO UPDATE SET next = next + ?2 RETURNING next",
            name,
            count,
            start,
        )
        assert row is not None  # noqa: S101 - RETURNING always yields the row
        return int(row[0]) - count
