"""Which identities were ever accepted: runs of sequences per (origin, incarnation). Never forgets."""

from __future__ import annotations

from gateway.domain import MessageId
from gateway.ledger.errors import SeenFullError
from gateway.ledger.tx import Tx

MAX_RUNS_PER_INCARNATION = 65_536
"""Runs kept per incarnation of an origin (about 2 MiB); an origin that skips so often must announce its
low-water mark. When they are full new identities are refused: forgetting one could show a message twice."""

MAX_INCARNATIONS_PER_ORIGIN = 65_535
"""Every tag there is: one for each start of a box after which it had something to say (some 3 MiB in all)."""


def is_known(tx: Tx, identity: MessageId) -> bool:
    """Whether this identity was accepted before, even if its message is long deleted."""
    row = tx.one(
        "SELECT last FROM seen WHERE origin = ? AND incarnation = ? AND first <= ? ORDER BY "
        "first DESC LIMIT 1",
        identity.origin,
        identity.incarnation,
        identity.sequence,
    )
    return row is not None and bool(row[0] >= identity.sequence)


def remember(tx: Tx, identity: MessageId) -> bool:
    """Note the identity for good; return False when it was known. Raises SeenFullError."""
    key = (identity.origin, identity.incarnation)
    below = tx.one(
        "SELECT first, last FROM seen WHERE origin = ? AND incarnation = ? AND first <= ? ORDER "
        "BY first DESC LIMIT 1",
        *key,
        identity.sequence,
    )
    if below is not None and below[1] >= identity.sequence:
        return False
    above = tx.one(
        "SELECT first, last FROM seen WHERE origin = ? AND incarnation = ? AND first = ?",
        *key,
        identity.sequence + 1,
    )
    joins_below = below is not None and below[1] == identity.sequence - 1
    if not joins_below and above is None:
        _add_run(tx, identity)
        return True
    last = identity.sequence if above is None else above[1]
    if above is not None:
        tx.execute("DELETE FROM seen WHERE origin = ? AND incarnation = ? AND first = ?", (*key, above[0]))
    if below is not None and joins_below:
        tx.execute(
            "UPDATE seen SET last = ? WHERE origin = ? AND incarnation = ? AND first = ?",
            (last, *key, below[0]),
        )
        if above is not None:
            tx.execute("UPDATE origins SET runs = runs - 1 WHERE origin = ? AND incarnation = ?", key)
    else:
        tx.execute("INSERT INTO seen VALUES (?, ?, ?, ?)", (*key, identity.sequence, last))
    return True


def raise_low_water(tx: Tx, origin: int, incarnation: int, sequence: int) -> None:
    """Take everything below `sequence` as known: the origin promised to send none of it again."""
    if sequence <= 0:
        return
    key = (origin, incarnation)
    covering = tx.one(
        "SELECT max(last) FROM seen WHERE origin = ? AND incarnation = ? AND first <= ?", *key, sequence
    )
    last = max(sequence - 1, covering[0] if covering is not None and covering[0] is not None else 0)
    tx.execute("DELETE FROM seen WHERE origin = ? AND incarnation = ? AND first <= ?", (*key, sequence))
    tx.execute("INSERT INTO seen VALUES (?, ?, 0, ?)", (*key, last))
    tx.execute(
        "INSERT INTO origins VALUES (?1, ?2, 1) ON CONFLICT DO UPDATE SET runs = "
        "(SELECT count(*) FROM seen WHERE origin = ?1 AND incarnation = ?2)",
        key,
    )


def _add_run(tx: Tx, identity: MessageId) -> None:
    key = (identity.origin, identity.incarnation)
    row = tx.one("SELECT runs FROM origins WHERE origin = ? AND incarnation = ?", *key)
    if row is None:
        count = tx.one("SELECT count(*) FROM origins WHERE origin = ?", identity.origin)
        if count is not None and count[0] >= MAX_INCARNATIONS_PER_ORIGIN:
            raise SeenFullError(identity.origin, f"{MAX_INCARNATIONS_PER_ORIGIN} incarnations")
        tx.execute("INSERT INTO origins VALUES (?, ?, 1)", key)
    elif row[0] >= MAX_RUNS_PER_INCARNATION:
        raise SeenFullError(identity.origin, f"{MAX_RUNS_PER_INCARNATION} runs")
    else:
        tx.execute("UPDATE origins SET runs = runs + 1 WHERE origin = ? AND incarnation = ?", key)
    tx.execute("INSERT INTO seen VALUES (?, ?, ?, ?)", (*key, identity.sequence, identity.sequence))
