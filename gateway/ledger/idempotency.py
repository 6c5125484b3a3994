"""Idempotency keys: a program that asks twice gets the first answer, across restarts."""

from __future__ import annotations

from gateway.domain import MessageId
from gateway.ledger.errors import IdempotencyConflictError
from gateway.ledger.tx import Tx

MAX_KEYS_PER_TOKEN = 4_096
"""Newest keys kept of one token: hours of a busy program's retries; the oldest are dropped."""

TRIM_EVERY = 64
"""Dropping old keys is shared by so many new ones."""


def idempotent(tx: Tx, token_name: str, key: str, digest: bytes) -> MessageId | None:
    """Return the message that this key made before, or None; raises IdempotencyConflictError.

    `digest` identifies the request's content. Ask and `remember_idempotency` in the same operation.
    """
    row = tx.one(
        "SELECT digest, origin, incarnation, sequence FROM idempotency WHERE token = ? AND key = ?",
        token_name,
        key,
    )
    if row is None:
        return None
    if row[0] != digest:
        raise IdempotencyConflictError(key)
    return MessageId(row[1], row[2], row[3])


def remember_idempotency(tx: Tx, token_name: str, key: str, digest: bytes, identity: MessageId) -> None:
    """Note which message this key of this token made; raises IdempotencyConflictError if it made another."""
    if idempotent(tx, token_name, key, digest) is not None:
        return
    row = tx.execute(
        "INSERT INTO idempotency (token, key, digest, origin, incarnation, sequence) VALUES (?, "
        "?, ?, ?, ?, ?)",
        (token_name, key, digest, identity.origin, identity.incarnation, identity.sequence),
    ).lastrowid
    if row is not None and row % TRIM_EVERY == 0:
        tx.execute(
            "DELETE FROM idempotency WHERE token = ?1 AND row <= (SELECT row FROM idempotency WHERE "
            "token = ?1 "
            "ORDER BY row DESC LIMIT 1 OFFSET ?2)",
            (token_name, MAX_KEYS_PER_TOKEN),
        )
