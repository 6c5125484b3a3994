"""Small durable facts: a link's own notes, the gateway's flags, and who did what."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.ledger.engine import Ledger
from gateway.ledger.errors import LedgerError
from gateway.ledger.tx import Tx

MAX_NOTES_PER_LINK = 1_024
"""A driver keeps sequence numbers and a transmit clock or two; more is a leak in the driver."""

MAX_AUDIT = 100_000
"""Newest acts kept: months of a busy seat."""

MAX_AUDIT_READ = 500
"""Most acts answered at once."""

TRIM_EVERY = 256
"""Dropping old acts is shared by so many new ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who (`name` of a token or seat) did what, when."""

    row: int
    name: str
    act: str
    detail: str
    unix_ms: int


class LinkMemory:
    """A link's DriverMemory, kept in the ledger; its notes are saved as urgent: a transmit clock is state."""

    def __init__(self, ledger: Ledger, link: str) -> None:
        self._ledger = ledger
        self._link = link

    async def load(self) -> dict[str, str]:
        """All notes of this link."""
        return await self._ledger.read(lambda tx: link_notes(tx, self._link))

    async def save(self, notes: dict[str, str]) -> None:
        """Merge these notes; on disk when it returns. Empty values are removed. Raises LedgerError."""
        copy = dict(notes)
        await self._ledger.write(lambda tx: save_link_notes(tx, self._link, copy), urgent=True, note=True)


def link_notes(tx: Tx, link: str) -> dict[str, str]:
    """Return the notes of a link."""
    return {
        str(key): str(value)
        for key, value in tx.all("SELECT key, value FROM link_notes WHERE link = ?", link)
    }


def save_link_notes(tx: Tx, link: str, notes: dict[str, str]) -> None:
    """Merge notes of a link; empty values are removed. Raises LedgerError beyond MAX_NOTES_PER_LINK."""
    for key, value in notes.items():
        if value:
            tx.execute(
                "INSERT INTO link_notes VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                (link, key, value),
            )
        else:
            tx.execute("DELETE FROM link_notes WHERE link = ? AND key = ?", (link, key))
    count = tx.one("SELECT count(*) FROM link_notes WHERE link = ?", link)
    if count is not None and count[0] > MAX_NOTES_PER_LINK:
        raise LedgerError(
            f"link {link}: too many notes (limit: {MAX_NOTES_PER_LINK}; found: {count[0]})",
            f"链路 {link}：备注过多（限制：{MAX_NOTES_PER_LINK}；实际：{count[0]}）",
        )


def meta_get(tx: Tx, key: str, default: str = "") -> str:
    """Return a flag of the gateway as last set."""
    row = tx.one("SELECT value FROM meta WHERE key = ?", f"flag.{key}")
    return default if row is None else str(row[0])


def meta_set(tx: Tx, key: str, value: str) -> None:
    """Set a flag of the gateway (stop transmitting, and the like); an empty value removes it."""
    if value:
        tx.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (f"flag.{key}", value))
    else:
        tx.execute("DELETE FROM meta WHERE key = ?", (f"flag.{key}",))


def meta_list(tx: Tx, prefix: str = "") -> dict[str, str]:
    """Return all flags whose key begins with `prefix`."""
    found = tx.all("SELECT substr(key, 6), value FROM meta WHERE substr(key, 1, 5) = 'flag.' ORDER BY key")
    return {str(key): str(value) for key, value in found if str(key).startswith(prefix)}


def audit(tx: Tx, name: str, act: str, detail: str = "") -> int:
    """Record an act under the name of the one who did it; return its row."""
    row = (
        tx.execute(
            "INSERT INTO audit (name, act, detail, unix_ms) VALUES (?, ?, ?, ?)",
            (name, act, detail, tx.now_unix_ms),
        ).lastrowid
        or 0
    )
    if row % TRIM_EVERY == 0:
        tx.execute("DELETE FROM audit WHERE row <= ?", (row - MAX_AUDIT,))
    return row


def list_audit(tx: Tx, *, limit: int = MAX_AUDIT_READ, before_row: int | None = None) -> list[Act]:
    """Return acts, newest first; `before_row` continues behind the last one of the page before."""
    found = tx.all(
        "SELECT row, name, act, detail, unix_ms FROM audit WHERE row < ? ORDER BY row DESC LIMIT ?",
        before_row if before_row is not None else 1 << 62,
        max(0, min(limit, MAX_AUDIT_READ)),
    )
    return [Act(row=row[0], name=row[1], act=row[2], detail=row[3], unix_ms=row[4]) for row in found]
