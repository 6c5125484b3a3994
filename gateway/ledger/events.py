"""The durable stream of events that programs and pages resume from."""

from __future__ import annotations

import json
from typing import Any

from gateway.ledger.tx import Tx

MAX_EVENTS = 100_000
"""Newest events kept: days of a busy gateway; a client further behind reads the state anew."""

MAX_READ = 500
"""Most events answered at once."""

TRIM_EVERY = 256
"""Dropping old events is shared by so many new ones."""


def append(tx: Tx, kind: str, body: dict[str, Any]) -> int:
    """Add an event; return its cursor (greater than all before). Subscribers wake after the commit."""
    cursor = tx.execute(
        "INSERT INTO events (kind, body, unix_ms) VALUES (?, ?, ?)",
        (kind, json.dumps(body, ensure_ascii=False, separators=(",", ":")), tx.now_unix_ms),
    ).lastrowid
    newest = cursor or 0
    if newest % TRIM_EVERY == 0:
        tx.execute("DELETE FROM events WHERE cursor <= ?", (newest - MAX_EVENTS,))
    tx.newest_cursor = newest
    return newest


def after(tx: Tx, cursor: int, limit: int = MAX_READ) -> list[tuple[int, str, dict[str, Any], int]]:
    """Return up to `limit` events behind `cursor` as (cursor, kind, body, unix ms), in order.

    Ask `missed` first: a client behind the oldest kept event must be told.
    """
    found = tx.all(
        "SELECT cursor, kind, body, unix_ms FROM events WHERE cursor > ? ORDER BY cursor LIMIT ?",
        cursor,
        max(0, min(limit, MAX_READ)),
    )
    return [(int(row[0]), str(row[1]), json.loads(row[2]), int(row[3])) for row in found]


def oldest_cursor(tx: Tx) -> int:
    """Cursor of the oldest event kept; when there is none, of the one that comes next (1 in a new ledger)."""
    row = tx.one(
        "SELECT coalesce((SELECT min(cursor) FROM events), "
        "(SELECT seq + 1 FROM sqlite_sequence WHERE name = 'events'), 1)"
    )
    return 1 if row is None else int(row[0])


def newest_cursor(tx: Tx) -> int:
    """Cursor of the newest event; 0 when there is none."""
    row = tx.one("SELECT coalesce(max(cursor), 0) FROM events")
    return 0 if row is None else int(row[0])


def missed(tx: Tx, cursor: int) -> bool:
    """Whether events behind `cursor` are no longer kept, or the cursor is of another ledger's life."""
    return cursor < oldest_cursor(tx) - 1 or cursor > newest_cursor(tx)
