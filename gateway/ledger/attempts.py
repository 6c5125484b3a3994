"""Attempts: every try to move one recipient's copy over one link, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from drivers.base import Handle, Stage
from gateway.domain import Attempt, MessageId
from gateway.ledger import rows
from gateway.ledger.errors import LedgerError
from gateway.ledger.tx import Tx

MAX_LIST = 1_000
"""Most attempts answered at once."""

_WEIGHT = {
    None: 0,
    Stage.AT_MODEM: 1,
    Stage.ON_AIR: 2,
    Stage.UNKNOWN: 3,
    Stage.AT_NETWORK: 4,
    Stage.FAILED: 5,
    Stage.DELIVERED: 6,
}
"""A stage counts if it weighs more: knowledge after UNKNOWN, a network's refusal after its acceptance."""

_IN_FLIGHT = frozenset({None, Stage.AT_MODEM, Stage.ON_AIR})

_COLUMNS = (
    "handle, origin, incarnation, sequence, station, link, next_hop, stage, reason, device_ref, octets, "
    "created_unix_ms, updated_unix_ms, part, parts"
)
_FROM = f"SELECT {_COLUMNS} FROM attempts JOIN messages ON row = message"  # noqa: S608 - constants


def new_handle(tx: Tx, count: int = 1) -> Handle:
    """Take `count` consecutive handles for transmissions that carry no message; return the first."""
    return Handle(tx.next_number("handle", count))


def create(  # noqa: PLR0913 - a row
    tx: Tx,
    identity: MessageId,
    station: int,
    *,
    link: str,
    next_hop: int,
    octets: int,
    native: bool = False,
    part: int = 1,
    parts: int = 1,
) -> Handle:
    """Note an attempt before anything is handed to the link; return its handle, never given twice.

    `next_hop` is the gateway addressed, `native` marks a text on a device that knows nothing of us, or the
    part of `parts` of one.
    Raises LedgerError when the message is unknown.
    """
    row = rows.row_of(tx, identity)
    if row is None:
        raise LedgerError(f"message {identity}: unknown", f"报文 {identity}：不存在")
    handle = new_handle(tx)
    tx.execute(
        "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?, NULL, '', '', ?, ?, ?, 1, ?, ?)",
        (handle, row, station, link, next_hop, native, octets, tx.now_unix_ms, tx.now_unix_ms, part, parts),
    )
    return handle


def progress(
    tx: Tx, handle: Handle, stage: Stage, *, device_ref: str = "", reason: str = ""
) -> Attempt | None:
    """Move an attempt on and return it as it is now; None when the handle is of no kept attempt.

    A stage that says less than what is known changes nothing; a device reference is kept in any case.
    """
    row = tx.one("SELECT stage FROM attempts WHERE handle = ?", handle)
    if row is None:
        return None
    if device_ref:
        tx.execute("UPDATE attempts SET device_ref = ? WHERE handle = ?", (device_ref, handle))
    current = None if row[0] is None else Stage(row[0])
    if _WEIGHT[stage] > _WEIGHT[current]:
        tx.execute(
            "UPDATE attempts SET stage = ?, reason = ?, updated_unix_ms = ?, open = ? WHERE handle = ?",
            (stage.value, reason, tx.now_unix_ms, stage in _IN_FLIGHT, handle),
        )
    return get(tx, handle)


def get(tx: Tx, handle: Handle) -> Attempt | None:
    """Return one attempt, or None."""
    row = tx.one(f"{_FROM} WHERE handle = ?", handle)
    return None if row is None else _attempt(row)


def by_device_ref(tx: Tx, link: str, device_ref: str) -> Attempt | None:
    """Return the newest attempt of this link with this reference (devices count round)."""
    if not device_ref:
        return None
    row = tx.one(
        f"{_FROM} WHERE link = ? AND device_ref = ? AND device_ref <> '' ORDER BY handle DESC LIMIT 1",
        link,
        device_ref,
    )
    return None if row is None else _attempt(row)


def open_attempts(tx: Tx, *, limit: int = MAX_LIST) -> list[Attempt]:
    """Return attempts still in flight (queued, at modem, on air), oldest first."""
    return [
        _attempt(row)
        for row in tx.all(f"{_FROM} WHERE open = 1 ORDER BY handle LIMIT ?", min(limit, MAX_LIST))
    ]


def of_message(tx: Tx, identity: MessageId, station: int | None = None) -> list[Attempt]:
    """Return the newest attempts for a message (for one recipient), in the order they were made."""
    row = rows.row_of(tx, identity)
    if row is None:
        return []
    found = tx.all(
        f"{_FROM} WHERE message = ?1 AND (?2 IS NULL OR station = ?2) ORDER BY handle DESC LIMIT ?3",
        row,
        station,
        MAX_LIST,
    )
    return [_attempt(one) for one in reversed(found)]


def settle_after_restart(tx: Tx) -> list[Attempt]:
    """Make every attempt that was in flight UNKNOWN and return up to MAX_LIST of them; call until empty.

    Whether the device got them before the power went nobody can tell, so none of them is "failed".
    """
    found = open_attempts(tx)
    for attempt in found:
        progress(tx, Handle(attempt.handle), Stage.UNKNOWN, reason="restart")
    return [settled for attempt in found if (settled := get(tx, Handle(attempt.handle))) is not None]


def unknown_count(tx: Tx, identity: MessageId, station: int, *, part: int = 1, parts: int = 1) -> int:
    """Count native attempts for this copy with unknown outcome; such a text is repeated at most twice.

    Of one in parts each part is counted by itself.
    """
    row = rows.row_of(tx, identity)
    found = tx.one(
        "SELECT count(*) FROM attempts WHERE message = ? AND station = ? AND native = 1 AND stage = ? "
        "AND part = ? AND parts = ?",
        row,
        station,
        Stage.UNKNOWN.value,
        part,
        parts,
    )
    return 0 if found is None else int(found[0])


@dataclass(frozen=True, slots=True)
class PartsDone:
    """A native text in parts as last tried: of how many, and which have got so far."""

    parts: int
    handed_on: frozenset[int]
    """Parts that a network or the device has."""
    delivered: frozenset[int]

    @property
    def first(self) -> int:
        """How many parts from the first one on need no more tries."""
        return next((done for done in range(self.parts) if done + 1 not in self.handed_on), self.parts)


def parts_done(tx: Tx, identity: MessageId, station: int) -> PartsDone:
    """How far a native text is, as its newest attempt parted it; 0 parts when there was none."""
    row = rows.row_of(tx, identity)
    where = "FROM attempts WHERE message = ? AND station = ? AND native = 1"
    newest = tx.one(f"SELECT parts {where} ORDER BY handle DESC LIMIT 1", row, station)
    if newest is None:
        return PartsDone(0, frozenset(), frozenset())
    found = tx.all(
        f"SELECT DISTINCT part, stage {where} AND parts = ? AND stage IN (?, ?)",
        row,
        station,
        newest[0],
        Stage.AT_NETWORK.value,
        Stage.DELIVERED.value,
    )
    delivered = frozenset(part for part, stage in found if stage == Stage.DELIVERED.value)
    return PartsDone(newest[0], frozenset(part for part, _ in found), delivered)


def _attempt(row: Sequence[Any]) -> Attempt:
    return Attempt(
        handle=row[0],
        message=MessageId(row[1], row[2], row[3]),
        station=row[4],
        link=row[5],
        next_hop=row[6],
        stage=None if row[7] is None else Stage(row[7]),
        reason=row[8],
        device_ref=row[9],
        octets=row[10],
        created_unix_ms=row[11],
        updated_unix_ms=row[12],
        part=row[13],
        parts=row[14],
    )
