"""New identities for what a restored box accepted before it learnt that it was restored."""

from __future__ import annotations

from dataclasses import replace

from gateway.domain import Evidence, Message, MessageId, Recipient, RecipientState
from gateway.ledger import messages, rows
from gateway.ledger.tx import Tx

MAX_REISSUED = 1_000
"""Messages given a new identity at most: a box learns that it was restored from its first frames."""


def reissue(tx: Tx, old: int, first_row: int) -> list[tuple[MessageId, Message]]:
    """Accept anew, under this transaction's incarnation, what waits from row `first_row` on under `old`.

    The old copies are superseded by the new identity. A copy that was ever handed to a native device keeps
    the old one: no identity goes on that air, and a second text would be read twice.
    """
    found = tx.all(
        "SELECT row FROM messages WHERE row >= ? AND origin = ? AND incarnation = ? AND EXISTS "
        "(SELECT 1 FROM recipients WHERE message = row AND settled = 0) ORDER BY row LIMIT ?",
        first_row,
        tx.station,
        old,
        MAX_REISSUED,
    )
    numbers = [int(row[0]) for row in found]
    loaded = rows.load(tx, numbers)
    made: list[tuple[MessageId, Message]] = []
    for number in numbers:
        message = loaded[number]
        moved = [
            recipient.station
            for recipient in message.recipients
            if not recipient.state.settled and not _went_native(tx, number, recipient.station)
        ]
        if moved:
            made.append((message.id, _again(tx, message, moved)))
    return made


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
