"""Message rows and domain values, both ways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drivers.base import Precedence
from gateway.domain import (
    Evidence,
    Message,
    MessageId,
    MessageKind,
    Recipient,
    RecipientState,
    TimeQuality,
)
from gateway.ledger.tx import Tx

MESSAGE_COLUMNS = (
    "row, origin, incarnation, sequence, kind, precedence, text, sender, sender_address, "
    "unauthenticated, exercise, "
    "ack_wanted, lifetime_s, age_s, age_is_lower_bound, hops_left, accepted_unix_ms, "
    "time_quality, keep_for_bigger, "
    "came_from"
)
"""In the order that `message` reads."""

RECIPIENT_COLUMNS = "station, state, evidence, by, detail, updated_unix_ms, read_wanted"
"""In the order that `recipient` reads."""


# an enumeration takes its time to find a member: half of what a message costs to build
_KINDS = {kind.value: kind for kind in MessageKind}
_STATES = {state.value: state for state in RecipientState}
_EVIDENCE = {evidence.value: evidence for evidence in Evidence}
_QUALITIES = {quality.value: quality for quality in TimeQuality}


def message(row: Sequence[Any], recipients: tuple[Recipient, ...]) -> Message:
    """Build the message of a MESSAGE_COLUMNS row."""
    return Message(
        id=MessageId(row[1], row[2], row[3]),
        kind=_KINDS[row[4]],
        precedence=Precedence(row[5]),
        text=row[6],
        sender=row[7],
        sender_address=row[8],
        unauthenticated=bool(row[9]),
        exercise=bool(row[10]),
        ack_wanted=bool(row[11]),
        lifetime_s=row[12],
        age_s=row[13],
        age_is_lower_bound=bool(row[14]),
        hops_left=row[15],
        accepted_unix_ms=row[16],
        time_quality=_QUALITIES[row[17]],
        keep_for_bigger=bool(row[18]),
        came_from=row[19],
        recipients=recipients,
    )


def recipient(row: Sequence[Any]) -> Recipient:
    """Build the recipient of a RECIPIENT_COLUMNS row."""
    return Recipient(
        station=row[0],
        state=_STATES[row[1]],
        evidence=_EVIDENCE[row[2]],
        by=row[3],
        detail=row[4],
        updated_unix_ms=row[5],
        read_wanted=bool(row[6]),
    )


def load(tx: Tx, numbers: Sequence[int]) -> dict[int, Message]:
    """Return the messages of these rows, each with its recipients by station number."""
    marks = ",".join("?" * len(numbers))
    recipients: dict[int, list[Recipient]] = {}
    for row in tx.execute(
        f"SELECT {RECIPIENT_COLUMNS}, message FROM recipients WHERE message IN ({marks}) ORDER BY "  # noqa: S608 - only question marks
        f"message, station",
        numbers,
    ):
        recipients.setdefault(row[7], []).append(recipient(row))
    found = tx.execute(f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE row IN ({marks})", numbers)  # noqa: S608 - same
    return {row[0]: message(row, tuple(recipients.get(row[0], ()))) for row in found}


def row_of(tx: Tx, identity: MessageId) -> int | None:
    """Row of a message that is still kept, or None."""
    row = tx.one(
        "SELECT row FROM messages WHERE origin = ? AND incarnation = ? AND sequence = ?",
        identity.origin,
        identity.incarnation,
        identity.sequence,
    )
    return None if row is None else int(row[0])
