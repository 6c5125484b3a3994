"""A box whose storage refuses for a while, and what lies in a ledger that nobody can collect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.domain import Evidence, MessageId, RecipientState
from gateway.ledger import hops
from gateway.ledger.tx import Tx
from sim.fleet import Box


@contextmanager
def refusing(box: Box) -> Iterator[None]:
    """Every commit of this box fails, as on a file system that went read-only; reading goes on."""
    connection = box.gateway.core.ledger._writer._connection
    connection.execute("PRAGMA query_only = ON")
    try:
        yield
    finally:
        connection.execute("PRAGMA query_only = OFF")


async def owe(box: Box, to_station: int, count: int) -> None:
    """Put so many receipts for a gateway into the ledger, of messages long gone."""

    def put(tx: Tx) -> None:
        for number in range(1, count + 1):
            identity = MessageId(to_station, 7, number)
            hops.owe_receipt(
                tx, to_station, identity, 4001, RecipientState.DELIVERED, evidence=Evidence.OBSERVED
            )

    await box.gateway.core.ledger.write(put)
