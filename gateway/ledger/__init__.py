"""The ledger: the gateway's durable truth. `Ledger` runs operations; the modules beside it are operations.

An operation is a plain function on a `Tx`; several of them in one lambda are one transaction:

    await ledger.write(lambda tx: (messages.insert(tx, message), events.append(tx, "accepted", {...})))
"""

from __future__ import annotations

from gateway.ledger.engine import Ledger
from gateway.ledger.errors import (
    IdempotencyConflictError,
    LedgerBrokenError,
    LedgerClosedError,
    LedgerError,
    LedgerFaultError,
    LedgerFullError,
    LedgerLockedError,
    LedgerNewerError,
    RollCallSealedError,
    SeenFullError,
)
from gateway.ledger.notes import LinkMemory
from gateway.ledger.tx import Tx

__all__ = [
    "IdempotencyConflictError",
    "Ledger",
    "LedgerBrokenError",
    "LedgerClosedError",
    "LedgerError",
    "LedgerFaultError",
    "LedgerFullError",
    "LedgerLockedError",
    "LedgerNewerError",
    "LinkMemory",
    "RollCallSealedError",
    "SeenFullError",
    "Tx",
]
