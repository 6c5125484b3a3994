"""The ledger's bound in octets: who is refused when it fills, and what is thinned out first."""

from __future__ import annotations

from drivers.base import Precedence
from gateway.domain import MAX_LIFETIME_S
from gateway.ledger.errors import LedgerFullError
from gateway.ledger.tx import Tx

MAX_LEDGER_OCTETS = 128 * 1024 * 1024
"""Default bound: some 150 000 messages with all that belongs to them; the check at start takes 4.4 ms a
MiB on a small server, so the gateway is ready in time, and any card has the room."""

REFUSE_ABOVE = {
    Precedence.DEFERRED: 0.80,
    Precedence.ROUTINE: 0.85,
    Precedence.PRIORITY: 0.92,
    Precedence.IMMEDIATE: 0.96,
    Precedence.FLASH: 0.98,
}
"""Share of the bound above which a class is refused: the least urgent first, SOS never."""

MESSAGE_OVERHEAD_OCTETS = 800
"""Rows, indexes, attempts and events of one message beside its text, measured, rounded up."""

RETAIN_S = 30 * 86_400
"""Settled messages are kept a month of ledger time."""

RETAIN_BELOW = 0.70
"""Above this share of the bound settled messages go sooner, so that DEFERRED is not refused for history."""

RETENTION_SLICE = 64
"""Messages deleted in one operation: a millisecond or two, so that no SOS waits for housekeeping."""

RETENTION_SCAN = 4_096
"""Oldest messages looked at in one operation; beyond so many unsettled ones nothing old is left to delete."""

OWED_RETAIN_S = MAX_LIFETIME_S
"""A receipt owed for longer than any message lives interests nobody: custody ended with the lifetime."""


def room_for(tx: Tx, precedence: Precedence, octets: int) -> bool:
    """Whether a message of this precedence with `octets` of text may enter now."""
    share = REFUSE_ABOVE.get(precedence)
    if share is None:
        return True
    return tx.used_octets() + octets + MESSAGE_OVERHEAD_OCTETS <= share * tx.max_octets


def require_room(tx: Tx, precedence: Precedence, octets: int) -> None:
    """Raise LedgerFullError unless `room_for`; else count the octets against this transaction."""
    if not room_for(tx, precedence, octets):
        used = tx.used_octets() // 1024
        bound = int(REFUSE_ABOVE[precedence] * tx.max_octets) // 1024
        raise LedgerFullError(
            f"ledger: no room for {precedence.name} (limit: {bound} KiB; found: {used} KiB used)",
            f"台账：{precedence.name} 级报文已无空间（限制：{bound} KiB；实际：已用 {used} KiB）",
        )
    tx.added_octets += octets + MESSAGE_OVERHEAD_OCTETS


def retain(tx: Tx) -> int:
    """Delete one slice of settled messages, oldest first; return how many (RETENTION_SLICE: there is more).

    A message goes when it is settled for all recipients and is older than RETAIN_S, or when the ledger is
    more than RETAIN_BELOW full. Its identity stays known. Attempts and readers go with it.
    """
    tx.execute("DELETE FROM owed WHERE owed_s < ?", (tx.now_s - OWED_RETAIN_S,))
    crowded = tx.used_octets() > RETAIN_BELOW * tx.max_octets
    before_s = tx.now_s if crowded else tx.now_s - RETAIN_S
    deleted = tx.execute(
        "DELETE FROM messages WHERE row IN ("
        "SELECT row FROM (SELECT row, accepted_s FROM messages ORDER BY row LIMIT ?1) AS oldest "
        "WHERE accepted_s < ?2 "
        "AND NOT EXISTS (SELECT 1 FROM recipients WHERE message = oldest.row AND settled = 0) LIMIT ?3)",
        (RETENTION_SCAN, before_s, RETENTION_SLICE),
    ).rowcount
    tx.base_octets = -1
    return deleted
