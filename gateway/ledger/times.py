"""Ledger time: seconds that never jump, so that nothing expires early whatever the wall clock does.

Ledger seconds count the time this ledger was open (the monotonic clock, never the wall clock) over all
its sessions. They are saved with every commit and at least once a minute; what ran after the last save
before a power cut is missed, so an age is a lower bound there. Off-time is added only when the wall clock
was trusted at an *anchor* before it and is trusted again now, and only to messages accepted up to that
anchor; until then those messages' age is marked a lower bound.
"""

from __future__ import annotations

import sqlite3

from gateway.domain import MAX_LIFETIME_S
from gateway.ledger.tx import Tx

MIN_CREDIT_S = 1.0
"""Less off-time than this is clock drift, not off-time."""

MAX_DISAGREEMENT_S = 60.0
"""Two trusted clocks that disagree backwards by more than this are not both right: nothing is credited."""

MAX_CREDIT_S = float(MAX_LIFETIME_S)
"""More off-time than the longest lifetime changes nothing, and a mad clock could claim centuries."""


def start_session(connection: sqlite3.Connection) -> tuple[int, float]:
    """Begin a new session of the file; return its number and the ledger time it starts at."""
    row = connection.execute(
        "UPDATE clock SET session = session + 1, "
        "uncertain_session = CASE WHEN session > 0 THEN session + 1 ELSE 0 END RETURNING session, ledger_s"
    ).fetchone()
    return int(row[0]), float(row[1])


def save(tx: Tx, *, trusted: bool) -> None:
    """Note how far ledger time is; with a trusted wall clock also set the anchor."""
    if trusted:
        tx.execute(
            "UPDATE clock SET ledger_s = ?, anchor_s = ?, anchor_unix_ms = ?, anchor_session = ?",
            (tx.now_s, tx.now_s, tx.now_unix_ms, tx.session),
        )
    else:
        tx.execute("UPDATE clock SET ledger_s = ?", (tx.now_s,))


def credit_off_time(tx: Tx) -> float:
    """Add the off-time since the last anchor, now that the clock is trusted; return the seconds added.

    Messages accepted after the anchor get nothing: how much of the off-time they saw is not known.
    """
    row = tx.one("SELECT anchor_session, anchor_s, anchor_unix_ms FROM clock")
    if row is None or not 0 < row[0] < tx.session:
        return 0.0
    anchor_session, anchor_s, anchor_unix_ms = row
    missed_s = (tx.now_unix_ms - anchor_unix_ms) / 1000 - (tx.now_s - anchor_s)
    if missed_s < -MAX_DISAGREEMENT_S:
        return 0.0
    credit_s = min(missed_s, MAX_CREDIT_S) if missed_s >= MIN_CREDIT_S else 0.0
    tx.execute(
        "UPDATE recipients SET born_s = born_s - ?1, expires_s = expires_s - ?1 WHERE settled = "
        "0 AND message IN "
        "(SELECT row FROM messages WHERE accepted_s <= ?2 AND session <= ?3)",
        (credit_s, anchor_s, anchor_session),
    )
    tx.execute(
        "UPDATE messages SET born_s = born_s - ?1, session = ?4 WHERE accepted_s <= ?2 AND "
        "session <= ?3 AND row IN "
        "(SELECT message FROM recipients WHERE settled = 0)",
        (credit_s, anchor_s, anchor_session, tx.session),
    )
    return credit_s


def is_uncertain(tx: Tx, accepted_session: int) -> bool:
    """Whether off-time of unknown length lies between that session and now."""
    row = tx.one("SELECT uncertain_session FROM clock")
    return row is not None and accepted_session < row[0]
