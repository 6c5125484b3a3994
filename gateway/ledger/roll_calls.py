"""Roll-call records: header and entries as JSON, sealed into a hash chain."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from gateway.ledger.errors import LedgerError, RollCallSealedError
from gateway.ledger.tx import Tx

MAX_LIST = 200
"""Most calls answered at once."""

FIRST_HASH = "0" * 64
"""What the first sealed record chains to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCall:
    """One roll call as kept. `hash` and `previous_hash` (SHA-256, hex) are empty until it is sealed."""

    call_id: str
    header: dict[str, Any]
    entries: dict[int, dict[str, Any]]
    """By station number."""
    seal_number: int
    """Place in the chain from 1; 0 while open."""
    previous_hash: str
    hash: str


def save_call(tx: Tx, call_id: str, header: dict[str, Any]) -> None:
    """Create a call or replace its header; raises RollCallSealedError."""
    _require_open(tx, call_id)
    tx.execute(
        "INSERT INTO roll_calls (call_id, header, updated_unix_ms) VALUES (?, ?, ?) ON CONFLICT (call_id) "
        "DO UPDATE SET header = excluded.header, updated_unix_ms = excluded.updated_unix_ms",
        (call_id, _canonical(header), tx.now_unix_ms),
    )


def save_entry(tx: Tx, call_id: str, station: int, body: dict[str, Any]) -> None:
    """Set one station's entry of an open call; raises RollCallSealedError, LedgerError (no such call)."""
    _require_open(tx, call_id)
    tx.execute(
        "INSERT INTO roll_call_entries VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body, "
        "updated_unix_ms = excluded.updated_unix_ms",
        (_row(tx, call_id), station, _canonical(body), tx.now_unix_ms),
    )


def get(tx: Tx, call_id: str) -> StoredCall | None:
    """Return a call with all its entries, or None."""
    row = tx.one(
        "SELECT row, header, seal_number, previous_hash, hash FROM roll_calls WHERE call_id = ?", call_id
    )
    if row is None:
        return None
    entries = tx.all("SELECT station, body FROM roll_call_entries WHERE call = ? ORDER BY station", row[0])
    return StoredCall(
        call_id=call_id,
        header=json.loads(row[1]),
        entries={int(station): json.loads(body) for station, body in entries},
        seal_number=row[2] or 0,
        previous_hash=row[3] or "",
        hash=row[4] or "",
    )


def open_entry(tx: Tx, call_id: str, station: int) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return header and one entry of a call that is not sealed; None if there is none."""
    row = tx.one(
        "SELECT header, body FROM roll_calls JOIN roll_call_entries ON call = row "
        "WHERE call_id = ? AND hash IS NULL AND station = ?",
        call_id,
        station,
    )
    return None if row is None else (json.loads(row[0]), json.loads(row[1]))


def list_calls(tx: Tx, *, limit: int = MAX_LIST, open_only: bool = False) -> list[StoredCall]:
    """Return calls of ours with their entries, newest first.

    `open_only`: those not sealed, to resume at start; then also what a neighbour asked us to find out.
    """
    found = tx.all(
        "SELECT call_id FROM roll_calls WHERE CASE WHEN ?1 THEN hash IS NULL "
        "ELSE hash IS NOT NULL OR coalesce(json_extract(header, '$.reply_to'), 0) = 0 END "
        "ORDER BY row DESC LIMIT ?2",
        open_only,
        max(0, min(limit, MAX_LIST)),
    )
    return [call for row in found if (call := get(tx, row[0])) is not None]


def seal(tx: Tx, call_id: str) -> str:
    """Close the record for ever and return its hash; a sealed one returns the hash it has.

    hash = SHA-256(previous hash in hex, line feed, canonical JSON of call id, header and entries).
    """
    call = get(tx, call_id)
    if call is None:
        raise _unknown(call_id)
    if call.hash:
        return call.hash
    last = tx.one(
        "SELECT seal_number, hash FROM roll_calls WHERE seal_number IS NOT NULL ORDER BY "
        "seal_number DESC LIMIT 1"
    )
    number, previous = (1, FIRST_HASH) if last is None else (last[0] + 1, last[1])
    sealed = _hash(previous, call)
    tx.execute(
        "UPDATE roll_calls SET seal_number = ?, previous_hash = ?, hash = ? WHERE call_id = ?",
        (number, previous, sealed, call_id),
    )
    return sealed


def remove(tx: Tx, call_id: str) -> None:
    """Forget a call that is not sealed, with its entries; nothing if there is none."""
    tx.execute("DELETE FROM roll_calls WHERE call_id = ? AND hash IS NULL", (call_id,))


def broken_seal(tx: Tx) -> str | None:
    """Walk the chain; return the id of the first record that was changed or does not chain, else None."""
    previous = FIRST_HASH
    for number, call_id in enumerate(_sealed_ids(tx), start=1):
        call = get(tx, call_id)
        if call is None or (call.seal_number, call.previous_hash) != (number, previous):
            return call_id
        if _hash(previous, call) != call.hash:
            return call_id
        previous = call.hash
    return None


def _sealed_ids(tx: Tx) -> list[str]:
    found = tx.all("SELECT call_id FROM roll_calls WHERE seal_number IS NOT NULL ORDER BY seal_number")
    return [str(row[0]) for row in found]


def _hash(previous: str, call: StoredCall) -> str:
    body = {
        "call": call.call_id,
        "header": call.header,
        "entries": [[station, entry] for station, entry in sorted(call.entries.items())],
    }
    return hashlib.sha256(f"{previous}\n{_canonical(body)}".encode()).hexdigest()


def _canonical(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _row(tx: Tx, call_id: str) -> int:
    row = tx.one("SELECT row FROM roll_calls WHERE call_id = ?", call_id)
    if row is None:
        raise _unknown(call_id)
    return int(row[0])


def _unknown(call_id: str) -> LedgerError:
    return LedgerError(f"roll call {call_id}: unknown", f"点名 {call_id}：不存在")


def _require_open(tx: Tx, call_id: str) -> None:
    row = tx.one("SELECT hash FROM roll_calls WHERE call_id = ?", call_id)
    if row is not None and row[0] is not None:
        raise RollCallSealedError(call_id)
