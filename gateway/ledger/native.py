"""Native texts: which were seen before, and those of strangers, kept for an operator."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.ledger.tx import Tx

MAX_REFS_PER_SOURCE = 32
"""References remembered per link and source. Devices count round (8 bits in SMS and TMP), so an old
reference comes again with another text; repeats by a device follow within a few texts."""

MAX_REFS = 16_384
"""References remembered in all: 512 sources; forged sources push out the oldest."""

MAX_QUARANTINE = 1_000
"""Texts of strangers kept; the oldest go."""

MAX_QUARANTINE_PER_SOURCE = 50
"""Of one stranger, so that one who talks much does not push out the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedText:
    """A text from an address that is not in the roster."""

    row: int
    link: str
    source: str
    text: str
    unix_ms: int


def seen_before(tx: Tx, link: str, source: str, native_ref: str) -> bool:
    """Note a native text; return whether it is a repeat of one of the source's last 32.

    A text without reference is never a repeat.
    """
    if not native_ref:
        return False
    added = tx.execute(
        "INSERT INTO native_seen (link, source, native_ref) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (link, source, native_ref),
    )
    if added.rowcount == 0:
        return True
    tx.execute(
        "DELETE FROM native_seen WHERE link = ?1 AND source = ?2 AND row <= (SELECT row FROM native_seen "
        "WHERE link = ?1 AND source = ?2 ORDER BY row DESC LIMIT 1 OFFSET ?3)",
        (link, source, MAX_REFS_PER_SOURCE),
    )
    tx.execute("DELETE FROM native_seen WHERE row <= ?", ((added.lastrowid or 0) - MAX_REFS,))
    return False


def quarantine(tx: Tx, link: str, source: str, text: str) -> int:
    """Keep a stranger's text for the operator; return its row."""
    row = (
        tx.execute(
            "INSERT INTO quarantine (link, source, text, unix_ms) VALUES (?, ?, ?, ?)",
            (link, source, text, tx.now_unix_ms),
        ).lastrowid
        or 0
    )
    tx.execute(
        "DELETE FROM quarantine WHERE link = ?1 AND source = ?2 AND row <= (SELECT row FROM quarantine "
        "WHERE link = ?1 AND source = ?2 ORDER BY row DESC LIMIT 1 OFFSET ?3)",
        (link, source, MAX_QUARANTINE_PER_SOURCE),
    )
    tx.execute(
        "DELETE FROM quarantine WHERE row <= (SELECT row FROM quarantine ORDER BY row DESC LIMIT 1 OFFSET ?)",
        (MAX_QUARANTINE,),
    )
    return row


def list_quarantine(tx: Tx, limit: int = MAX_QUARANTINE) -> list[QuarantinedText]:
    """Return texts of strangers, newest first."""
    found = tx.all(
        "SELECT row, link, source, text, unix_ms FROM quarantine ORDER BY row DESC LIMIT ?",
        max(0, min(limit, MAX_QUARANTINE)),
    )
    return [QuarantinedText(row=r[0], link=r[1], source=r[2], text=r[3], unix_ms=r[4]) for r in found]


def drop_quarantined(tx: Tx, row: int) -> bool:
    """Remove one text after an operator dealt with it; return whether it was there."""
    return tx.execute("DELETE FROM quarantine WHERE row = ?", (row,)).rowcount > 0
