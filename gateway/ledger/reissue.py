"""A new identity for a message whose own turned out to name another one elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gateway.domain import Evidence, Message, MessageId, Recipient, RecipientState
from gateway.ledger import messages, rows
from gateway.ledger.tx import Tx


def reissue(tx: Tx, identity: MessageId, wanted: Callable[[int], bool]) -> Message | None:
    """Accept the message anew, under this transaction's incarnation, for the wanted stations that still wait.

    Their old copies are superseded by the new identity. A copy that was ever handed to a native device keeps
    the old one: no identity goes on that air, and a second text would be read twice. None: nothing waits.
    """
    row = rows.row_of(tx, identity)
    if row is None:
        return None
    message = rows.load(tx, [row])[row]
    moved = [
        recipient.station
        for recipient in message.recipients
        if not recipient.state.settled
        and wanted(recipient.station)
        and not _went_native(tx, row, recipient.station)
    ]
    return _again(tx, message, moved) if moved else None


def _again(tx: Tx, message: Message, stations: list[int]) -> Message:
    age = messages.age_s(tx, message.id)
    identity = messages.next_id(tx, tx.station)
    again = replace(
        message,
        id=identity,
        age_s=age.seconds if age is not None else message.age_s,
        recipients=tuple(Recipient(station=station) for station in stations),
    )
    messages.insert(tx, again)
    for station in stations:
        state, evidence = RecipientState.SUPERSEDED, Evidence.PROTOCOL
        messages.set_state(tx, message.id, station, state, evidence, by=str(identity))
    return again


def _went_native(tx: Tx, row: int, station: int) -> bool:
    sql = "SELECT 1 FROM attempts WHERE message = ? AND station = ? AND native = 1"
    return tx.one(sql, row, station) is not None
