"""What neighbours owe each other: counters, replay windows, learnt addresses, receipts under way."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain import Evidence, MessageId, RecipientState
from gateway.ledger.errors import LedgerError
from gateway.ledger.tx import Tx

COUNTER_BLOCK = 64
"""Counters reserved at once: one durable write in 64 frames; a power cut skips at most 64 of 2^48."""

MAX_COUNTER = (1 << 48) - 1
"""Frame counters have 48 bits; a stream that used them up needs new keys."""

MAX_OWED = 500
"""Most receipts answered at once."""

OWED_GRACE_S = 86_400.0
"""A receipt outlives its message by a day: a delivery just before the end is news while a path is mended."""

MAX_ENDED = 256
"""Receipts ended in one operation; more follow in the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedReceipt:
    """A receipt to be handed to gateway `to_station`: what became of `message` at `recipient`."""

    row: int
    to_station: int
    message: MessageId
    recipient: int
    state: RecipientState
    evidence: Evidence
    by: str


def load_window(tx: Tx, stream: str) -> bytes | None:
    """Return the replay window of a stream as it was saved, or None."""
    row = tx.one("SELECT window FROM windows WHERE stream = ?", stream)
    return None if row is None else bytes(row[0])


def save_window(tx: Tx, stream: str, window: bytes) -> None:
    """Keep the replay window of a stream, in the commit of what the frame brought."""
    tx.execute(
        "INSERT INTO windows VALUES (?, ?) ON CONFLICT DO UPDATE SET window = excluded.window",
        (stream, window),
    )


def reserve(tx: Tx, stream: str, block: int = COUNTER_BLOCK) -> tuple[int, int]:
    """Reserve counters of a stream for good; return (next, limit): use next..limit - 1, then reserve again.

    Counting begins at 0. Raises LedgerError when 48 bits are used up.
    """
    first = tx.next_number(f"counter.{stream}", block, start=0)
    if first + block - 1 > MAX_COUNTER:
        raise LedgerError(f"stream {stream}: counters used up", f"数据流 {stream}：计数器已用尽")
    return first, first + block


def unreserved(tx: Tx, stream: str) -> int:
    """Return the first counter of a stream that was never reserved."""
    row = tx.one("SELECT next FROM sequences WHERE name = ?", f"counter.{stream}")
    return 0 if row is None else int(row[0])


def learn_address(tx: Tx, station: int, link: str, address: str) -> bool:
    """Note where a station was last reached on a link; return whether that is news."""
    return (
        tx.execute(
            "INSERT INTO addresses VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET address = excluded.address, "
            "learnt_unix_ms = excluded.learnt_unix_ms WHERE address <> excluded.address",
            (station, link, address, tx.now_unix_ms),
        ).rowcount
        > 0
    )


def learnt_address(tx: Tx, station: int, link: str) -> str:
    """Return the address learnt of a station on a link, or ""."""
    row = tx.one("SELECT address FROM addresses WHERE station = ? AND link = ?", station, link)
    return "" if row is None else str(row[0])


def owe_receipt(
    tx: Tx,
    to_station: int,
    identity: MessageId,
    recipient: int,
    state: RecipientState,
    *,
    by: str = "",
    evidence: Evidence,
) -> int | None:
    """Owe gateway `to_station` a receipt; return its row, or None when one as good is already owed.

    A better state replaces the one owed under a new row, so that an acknowledgement of the old frame
    cannot clear it.
    """
    key = (to_station, identity.origin, identity.incarnation, identity.sequence, recipient)
    found = tx.one(
        "SELECT row, state FROM owed WHERE to_station = ? AND origin = ? AND incarnation = ? AND "
        "sequence = ? "
        "AND recipient = ?",
        *key,
    )
    if found is not None:
        if state.rank <= RecipientState(found[1]).rank:
            return None
        tx.execute("DELETE FROM owed WHERE row = ?", (found[0],))
    return tx.execute(
        "INSERT INTO owed (to_station, origin, incarnation, sequence, recipient, state, "
        "evidence, by, owed_s) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*key, state.value, evidence.value, by, tx.now_s),
    ).lastrowid


def newest_owed(tx: Tx) -> int:
    """Return the newest row owed; every receipt owed later has a greater one."""
    row = tx.one("SELECT coalesce(max(row), 0) FROM owed")
    return 0 if row is None else int(row[0])


def owed(
    tx: Tx, to_station: int | None = None, limit: int = MAX_OWED, *, above: int = 0
) -> list[OwedReceipt]:
    """Return up to `limit` receipts owed (to one gateway) under rows greater than `above`, oldest first."""
    found = tx.all(
        "SELECT row, to_station, origin, incarnation, sequence, recipient, state, evidence, by FROM owed "
        "WHERE row > ?3 AND (?1 IS NULL OR to_station = ?1) ORDER BY row LIMIT ?2",
        to_station,
        max(0, min(limit, MAX_OWED)),
        above,
    )
    return [
        OwedReceipt(
            row=row[0],
            to_station=row[1],
            message=MessageId(row[2], row[3], row[4]),
            recipient=row[5],
            state=RecipientState(row[6]),
            evidence=Evidence(row[7]),
            by=row[8],
        )
        for row in found
    ]


def owed_counts(tx: Tx) -> dict[int, int]:
    """Count the receipts owed to each gateway that is owed any."""
    return dict(tx.all("SELECT to_station, count(*) FROM owed GROUP BY to_station"))


def end_owed(tx: Tx) -> list[int]:
    """Forget up to MAX_ENDED receipts whose message's life ended OWED_GRACE_S ago; return their rows.

    Those of a message that is no longer kept end with `limits.OWED_RETAIN_S`.
    """
    found = tx.all(
        "SELECT owed.row FROM owed JOIN messages USING (origin, incarnation, sequence) "
        "WHERE born_s + lifetime_s < ?1 AND owed_s < ?1 LIMIT ?2",
        tx.now_s - OWED_GRACE_S,
        MAX_ENDED,
    )
    numbers = [int(row[0]) for row in found]
    receipt_acked(tx, numbers)
    return numbers


def receipt_acked(tx: Tx, numbers: list[int]) -> int:
    """Forget receipts that the neighbour has on its disk; return how many were still owed."""
    return sum(tx.execute("DELETE FROM owed WHERE row = ?", (number,)).rowcount for number in numbers)
