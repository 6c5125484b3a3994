"""Messages and their recipients: identity, acceptance, delivery state, age."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drivers.base import Precedence
from gateway.domain import Evidence, Message, MessageId, Recipient, RecipientState
from gateway.ledger import limits, rows, seen, times
from gateway.ledger.tx import Tx

MAX_LIST = 500
"""Most messages answered at once; a page of an API, and a bound of what one read holds."""

MAX_EXPIRED = 256
"""Most recipients expired in one operation; more follow in the next."""

MAX_READERS = 64
"""Names kept of those who read one message; the first ones count."""

_EVIDENCE_RANK = {Evidence.INFERRED: 0, Evidence.OBSERVED: 1, Evidence.OPERATOR: 2, Evidence.PROTOCOL: 3}


@dataclass(frozen=True, slots=True)
class Age:
    """How old a message is now, in seconds, and whether it may be older (off-time not known)."""

    seconds: float
    is_lower_bound: bool


def next_id(tx: Tx, origin: int) -> MessageId:
    """Take the next identity of messages made here for `origin` (our own number); never given twice."""
    return MessageId(origin, tx.incarnation, tx.next_number(f"message.{origin}.{tx.incarnation}"))


def insert(tx: Tx, message: Message) -> bool:
    """Accept the message with its recipients; return False, changing nothing, when its identity is known.

    Its life begins now with `message.age_s`. Raises LedgerFullError (no room for this precedence) and
    SeenFullError; both mean: refused, do not acknowledge.
    """
    limits.require_room(tx, message.precedence, len(message.text.encode()))
    if not seen.remember(tx, message.id):
        return False
    born_s = tx.now_s - message.age_s
    cursor = tx.execute(
        "INSERT INTO messages (origin, incarnation, sequence, kind, precedence, text, sender, "
        "sender_address, "
        "unauthenticated, exercise, ack_wanted, lifetime_s, age_s, age_is_lower_bound, "
        "hops_left, accepted_unix_ms, "
        "time_quality, keep_for_bigger, came_from, session, accepted_s, born_s) "
        "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            message.id.origin,
            message.id.incarnation,
            message.id.sequence,
            message.kind.value,
            int(message.precedence),
            message.text,
            message.sender,
            message.sender_address,
            message.unauthenticated,
            message.exercise,
            message.ack_wanted,
            message.lifetime_s,
            message.age_s,
            message.age_is_lower_bound,
            message.hops_left,
            message.accepted_unix_ms or tx.now_unix_ms,
            message.time_quality.value,
            message.keep_for_bigger,
            message.came_from,
            tx.session,
            tx.now_s,
            born_s,
        ),
    )
    row = cursor.lastrowid
    expires_s = born_s + message.lifetime_s
    for recipient in message.recipients:
        _insert_recipient(tx, row, recipient, int(message.precedence), born_s, expires_s)
    return True


def add_recipients(tx: Tx, identity: MessageId, recipients: Iterable[Recipient]) -> tuple[int, ...]:
    """Add recipients to a kept message (a second copy named others); return the stations that were new."""
    found = tx.one(
        "SELECT row, precedence, born_s, lifetime_s FROM messages "
        "WHERE origin = ? AND incarnation = ? AND sequence = ?",
        identity.origin,
        identity.incarnation,
        identity.sequence,
    )
    if found is None:
        return ()
    row, precedence, born_s, lifetime_s = found
    added = [r for r in recipients if tx.one(_HAS_RECIPIENT, row, r.station) is None]
    for recipient in added:
        _insert_recipient(tx, row, recipient, precedence, born_s, born_s + lifetime_s)
    return tuple(recipient.station for recipient in added)


def get(tx: Tx, identity: MessageId) -> Message | None:
    """Return the message with all its recipients, or None when it is unknown or no longer kept."""
    row = rows.row_of(tx, identity)
    return None if row is None else rows.load(tx, [row])[row]


def list_messages(
    tx: Tx,
    *,
    limit: int = 100,
    before_row: int | None = None,
    state: RecipientState | None = None,
    station: int | None = None,
) -> list[tuple[int, Message]]:
    """Return up to `limit` (at most MAX_LIST) messages with their row numbers, newest first.

    `before_row` continues behind the last row of the page before. `state` and `station` want a recipient
    that is both.
    """
    before = before_row if before_row is not None else 1 << 62
    count = max(0, min(limit, MAX_LIST))
    values: list[object] = [before]
    if state is None and station is None:
        sql = "SELECT row FROM messages WHERE row < ? ORDER BY row DESC LIMIT ?"
    else:
        sql = "SELECT DISTINCT message FROM recipients WHERE message < ?"
        if station is not None:
            sql += " AND station = ?"
            values.append(station)
        if state is not None:
            sql += " AND state = ?"
            values.append(state.value)
        sql += " ORDER BY message DESC LIMIT ?"
    numbers = [int(row[0]) for row in tx.execute(sql, (*values, count))]
    loaded = rows.load(tx, numbers)
    return [(number, loaded[number]) for number in numbers]


def set_state(
    tx: Tx,
    identity: MessageId,
    station: int,
    state: RecipientState,
    evidence: Evidence,
    *,
    by: str = "",
    detail: str = "",
) -> bool:
    """Move one recipient's copy forward; return whether that changed anything.

    A state of greater rank wins, and of equal states the better evidence (inferred < observed < operator <
    protocol). So an end never hides a delivery, and a receipt after an end still counts.
    """
    row = rows.row_of(tx, identity)
    if row is None:
        return False
    found = tx.one("SELECT state, evidence FROM recipients WHERE message = ? AND station = ?", row, station)
    if found is None:
        return False
    current = RecipientState(found[0])
    better = state is current and _EVIDENCE_RANK[evidence] > _EVIDENCE_RANK[Evidence(found[1])]
    if not better and state.rank <= current.rank:
        return False
    tx.execute(
        "UPDATE recipients SET state = ?, evidence = ?, by = ?, detail = ?, updated_unix_ms = ?, settled = ? "
        "WHERE message = ? AND station = ?",
        (state.value, evidence.value, by, detail, tx.now_unix_ms, state.settled, row, station),
    )
    return True


@dataclass(frozen=True, slots=True)
class Copy:
    """One recipient's copy of a message, by name only."""

    row: int
    id: MessageId
    station: int


def waiting_counts(tx: Tx) -> dict[int, int]:
    """Count the unsettled copies that are alive, by station."""
    return dict(
        tx.all(
            "SELECT station, count(*) FROM recipients INDEXED BY recipients_due "
            "WHERE settled = 0 AND expires_s > ? GROUP BY station",
            tx.now_s,
        )
    )


def due(tx: Tx, *, least: int, most: int, limit: int) -> list[Copy]:
    """Name up to `limit` unsettled copies, at most `most` of one station: most urgent first, then oldest.

    The first `least` of every station go before all others, so that no station hides another.
    """
    found = tx.all(
        "SELECT copy.message, origin, incarnation, sequence, copy.station FROM ("
        "SELECT message, station, precedence, born_s, row_number() OVER ("
        "PARTITION BY station ORDER BY precedence DESC, born_s, message) AS place "
        "FROM recipients INDEXED BY recipients_due WHERE settled = 0 AND expires_s > ?1) AS copy "
        "JOIN messages ON messages.row = copy.message WHERE place <= ?3 "
        "ORDER BY place > ?2, copy.precedence DESC, copy.born_s, copy.message, copy.station LIMIT ?4",
        tx.now_s,
        least,
        most,
        limit,
    )
    return [Copy(row[0], MessageId(*row[1:4]), row[4]) for row in found]


def load(tx: Tx, copies: Sequence[Copy]) -> list[tuple[Message, int]]:
    """Return up to MAX_LIST of these copies as (message, station); what was settled meanwhile is left out."""
    wanted = copies[:MAX_LIST]
    loaded = rows.load(tx, sorted({copy.row for copy in wanted}))
    found = [(loaded[copy.row], copy.station) for copy in wanted if copy.row in loaded]
    return [
        (message, station)
        for message, station in found
        if any(r.station == station and not r.state.settled for r in message.recipients)
    ]


def waiting_count_by_precedence(tx: Tx) -> dict[Precedence, int]:
    """Count the unsettled copies of every precedence; all six are there."""
    counts = dict.fromkeys(Precedence, 0)
    for precedence, count in tx.all(
        "SELECT precedence, count(*) FROM recipients INDEXED BY recipients_due WHERE settled = 0 "
        "GROUP BY precedence"
    ):
        counts[Precedence(precedence)] = int(count)
    return counts


def age_s(tx: Tx, identity: MessageId) -> Age | None:
    """Age of a message now: at acceptance plus the time spent here, whatever the wall clock did."""
    found = tx.one(
        "SELECT born_s, age_is_lower_bound, session FROM messages "
        "WHERE origin = ? AND incarnation = ? AND sequence = ?",
        identity.origin,
        identity.incarnation,
        identity.sequence,
    )
    if found is None:
        return None
    uncertain = bool(found[1]) or times.is_uncertain(tx, found[2])
    return Age(tx.now_s - float(found[0]), uncertain)


def next_expiry_s(tx: Tx) -> float | None:
    """Seconds until the next lifetime ends (0 when one already has), or None when nothing waits."""
    row = tx.one("SELECT min(expires_s) FROM recipients INDEXED BY recipients_expiry WHERE settled = 0")
    return None if row is None or row[0] is None else max(0.0, float(row[0]) - tx.now_s)


def expire(tx: Tx, *, limit: int = MAX_EXPIRED) -> list[tuple[MessageId, int]]:
    """Set up to `limit` unsettled copies whose lifetime ended to EXPIRED; return which they were."""
    found = tx.all(
        "SELECT message, station, origin, incarnation, sequence FROM recipients INDEXED BY recipients_expiry "
        "JOIN messages ON row = message WHERE settled = 0 AND expires_s <= ? ORDER BY expires_s LIMIT ?",
        tx.now_s,
        max(0, min(limit, MAX_EXPIRED)),
    )
    expired = [(MessageId(row[2], row[3], row[4]), int(row[1])) for row in found]
    for identity, station in expired:
        set_state(tx, identity, station, RecipientState.EXPIRED, Evidence.PROTOCOL, detail="lifetime ended")
    return expired


def read_by(tx: Tx, identity: MessageId, station: int, name: str) -> bool:
    """Note that `name` read the message at `station`; return whether that was new.

    Sets the recipient's state to READ; every name is kept once, up to MAX_READERS.
    """
    row = rows.row_of(tx, identity)
    if row is None:
        return False
    added = tx.execute(
        "INSERT INTO readers SELECT ?1, ?2, ?3 WHERE (SELECT count(*) FROM readers WHERE message = ?1) < ?4 "
        "ON CONFLICT DO NOTHING",
        (row, name, tx.now_unix_ms, MAX_READERS),
    ).rowcount
    changed = set_state(tx, identity, station, RecipientState.READ, Evidence.OPERATOR, by=name)
    return changed or added > 0


def readers(tx: Tx, identity: MessageId) -> list[tuple[str, int]]:
    """Return who read the message and when (unix ms), in order of name."""
    row = rows.row_of(tx, identity)
    return (
        []
        if row is None
        else [
            (str(name), int(at))
            for name, at in tx.all("SELECT name, unix_ms FROM readers WHERE message = ?", row)
        ]
    )


_HAS_RECIPIENT = "SELECT 1 FROM recipients WHERE message = ? AND station = ?"


def _insert_recipient(
    tx: Tx, row: int | None, recipient: Recipient, precedence: int, born_s: float, expires_s: float
) -> None:
    values: Sequence[object] = (
        row,
        recipient.station,
        recipient.state.value,
        recipient.evidence.value,
        recipient.by,
        recipient.detail,
        recipient.updated_unix_ms or tx.now_unix_ms,
        recipient.read_wanted,
        precedence,
        born_s,
        expires_s,
        recipient.state.settled,
    )
    tx.execute("INSERT INTO recipients VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", values)
