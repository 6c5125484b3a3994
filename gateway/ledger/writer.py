"""Runs batches of operations in one commit each. Blocking; used by one thread at a time."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from gateway.ledger import store, times
from gateway.ledger.ballast import RETRY_S, Ballast
from gateway.ledger.errors import (
    LedgerBrokenError,
    LedgerError,
    LedgerFullError,
    damage,
    from_sqlite,
    is_storage_fault,
    lacks_space,
)
from gateway.ledger.storage import Storage
from gateway.ledger.tx import Tx

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stamp:
    """The times of one transaction, taken on the loop; `trusted` says how good the wall clock is."""

    monotonic_s: float
    unix_ms: int
    trusted: bool


@dataclass(slots=True)
class Op:
    """One operation waiting for its commit; `future` is only ever touched on the loop."""

    call: Callable[[Tx], Any]
    future: asyncio.Future[Any]
    urgent: bool
    note: bool = False
    """Only about the world outside: messages, receipts and lifetimes stay as they are."""
    value: Any = None
    error: Exception | None = field(default=None)


class Writer:
    """The one writer connection of a ledger, with its ballast and its running time."""

    def __init__(
        self,
        path: Path,
        *,
        rng: random.Random,
        station: int,
        max_octets: int,
        stamp: Stamp,
        storage: Storage,
    ) -> None:
        """Open the file; raises LedgerError as `store.open_file` does."""
        self._path = path
        self._storage = storage
        self._station = station
        self._max_octets = max_octets
        self.in_memory = str(path) == ":memory:"
        self._ballast = None if self.in_memory else Ballast(path.with_name(f"{path.name}.ballast"), storage)
        self.full = self._ballast is not None and not self._ballast.held
        self._retry_at_s = stamp.monotonic_s + RETRY_S
        self.credited = False
        """Whether off-time was added to the ages of what waited."""
        self.newest_cursor = 0
        self.set_aside: Path | None = None
        self._connection, self.set_aside = store.open_file(path, rng, storage)
        self._must_reopen = False
        self.damage = ""
        """What is wrong with the file, from when either thread finds it damaged; then nothing is written."""
        try:
            self.session, base_s = self._begin_session()
            self.incarnation = self._begin_life(rng)
            self.epoch = int(self._meta("epoch"))
            row = self._connection.execute("SELECT coalesce(max(cursor), 0) FROM events").fetchone()
            self.newest_cursor = int(row[0])
        except sqlite3.Error as error:
            self._connection.close()
            raise from_sqlite(error) from error
        self._offset_s = base_s - stamp.monotonic_s

    def run(self, ops: Sequence[Op], stamp: Stamp) -> None:
        """Run `ops` in one commit; leaves each one's value or error in it. Durable when it returns.

        When the disk is full the urgent ones are tried again on the ballast, the others get LedgerFullError;
        those that do not fit together enter as far as they fit.
        """
        if self.damage:
            self._refuse(ops, partial(LedgerBrokenError, self.damage))
            return
        self._regain(stamp)
        if self.full:
            self._refuse([op for op in ops if not op.urgent], _full)
            ops = [op for op in ops if op.urgent]
        if not ops:
            return
        error = self._commit(ops, stamp)
        if error is None:
            return
        if not lacks_space(error) or self._ballast is None:
            self._fail(ops, error)
            return
        if self._ballast.held:
            self._ballast.free()
            self.full = True
            self._retry_at_s = stamp.monotonic_s + RETRY_S
        self._fail([op for op in ops if not op.urgent], error)
        self._as_far_as_they_fit([op for op in ops if op.urgent], stamp)

    def read(self, call: Callable[[Tx], Any], connection: sqlite3.Connection | None, stamp: Stamp) -> Any:
        """Run a reading operation on `connection`, or between commits on the writer's own."""
        reading = connection or self._connection
        try:
            reading.execute("BEGIN")
            try:
                return call(self._tx(reading, stamp))
            finally:
                if reading.in_transaction:
                    reading.execute("ROLLBACK")
        except sqlite3.DatabaseError as error:
            if is_storage_fault(error):
                raise self._told(error) from error
            raise

    def reader(self) -> sqlite3.Connection | None:
        """Open a connection that only reads; None in memory, where only the writer's sees the data."""
        try:
            return None if self.in_memory else store.connect(self._path, self._storage, reader=True)
        except sqlite3.Error as error:
            raise from_sqlite(error) from error

    def leave_quiet(self, links: Sequence[str]) -> None:
        """Leave word of the links that may not transmit beside the file."""
        if not self.in_memory:
            store.leave_quiet(self._path, links)

    def close(self) -> None:
        """Close the file as it is."""
        self._connection.close()

    def finish(self, stamp: Stamp) -> None:
        """Save ledger time, empty the WAL and close the file; the ballast stays."""
        try:
            if self.damage:
                return  # as it is: the next start looks at it
            self._commit((), stamp)
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error:
            return  # a full disk or a reader: the next opening replays the WAL
        finally:
            self._connection.close()

    def _commit(self, ops: Sequence[Op], stamp: Stamp) -> sqlite3.Error | None:
        connection = self._connection
        for op in ops:
            op.value, op.error = None, None
        try:
            if self._must_reopen:
                self._reopen()
                connection = self._connection
            connection.execute("BEGIN IMMEDIATE")
            tx = self._tx(connection, stamp)
            if stamp.trusted and not self.credited:
                times.credit_off_time(tx)
            if len(ops) == 1:
                if not _run_alone(tx, ops[0]):
                    connection.execute("ROLLBACK")
                    return None
            else:
                for op in ops:
                    _run_one(tx, op)
            times.save(tx, trusted=stamp.trusted)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            return error
        except BaseException:
            self._roll_back()
            raise
        self.credited = self.credited or stamp.trusted
        self.incarnation, self.epoch = tx.incarnation, tx.epoch
        self.newest_cursor = max(self.newest_cursor, tx.newest_cursor)
        return None

    def _tx(self, connection: sqlite3.Connection, stamp: Stamp) -> Tx:
        return Tx(
            connection=connection,
            station=self._station,
            incarnation=self.incarnation,
            epoch=self.epoch,
            session=self.session,
            now_unix_ms=stamp.unix_ms,
            now_s=stamp.monotonic_s + self._offset_s,
            max_octets=self._max_octets,
        )

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._must_reopen = not self.in_memory

    def _reopen(self) -> None:
        self._connection.close()
        self._connection = store.connect(self._path, self._storage)
        self._must_reopen = False

    def _begin_session(self) -> tuple[int, float]:
        return self._on_ballast(lambda: times.start_session(self._connection))

    def _begin_life(self, rng: random.Random) -> int:
        return self._on_ballast(lambda: store.draw_incarnation(self._connection, rng, self._station))

    def _on_ballast(self, begin: Callable[[], T]) -> T:
        """Do what every start must; a full disk gives up its ballast for it."""
        try:
            return begin()
        except sqlite3.Error as error:
            if self._ballast is None or not lacks_space(error):
                raise
            self._ballast.free()
            self.full = True
            return begin()

    def _meta(self, key: str) -> str:
        row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(row[0])

    def _regain(self, stamp: Stamp) -> None:
        if self.full and self._ballast is not None and stamp.monotonic_s >= self._retry_at_s:
            self._retry_at_s = stamp.monotonic_s + RETRY_S
            self.full = not self._ballast.make()

    def _as_far_as_they_fit(self, ops: Sequence[Op], stamp: Stamp) -> None:
        """Commit urgent operations; when they do not fit together, in halves, so that one SOS always may."""
        error = self._commit(ops, stamp) if ops else None
        if error is None:
            return
        if len(ops) == 1 or not lacks_space(error):
            self._fail(ops, error)
            return
        half = len(ops) // 2
        self._as_far_as_they_fit(ops[:half], stamp)
        self._as_far_as_they_fit(ops[half:], stamp)

    def _refuse(self, ops: Sequence[Op], error: Callable[[], LedgerError]) -> None:
        for op in ops:
            op.value, op.error = None, error()

    def _fail(self, ops: Sequence[Op], error: sqlite3.Error) -> None:
        self._refuse(ops, partial(self._told, error))

    def _told(self, error: sqlite3.Error) -> LedgerError:
        """Put a storage failure in words; damage of the file ends all writing and is marked beside it."""
        found = damage(error)
        if not found:
            return from_sqlite(error)
        if not self.damage:
            self.damage = found
            if not self.in_memory:
                store.mark_suspect(self._path)
        return LedgerBrokenError(self.damage)


def _full() -> LedgerFullError:
    return LedgerFullError(
        "ledger: disk full, only urgent entries are taken", "台账：磁盘已满，只接受紧急条目"
    )


def _run_alone(tx: Tx, op: Op) -> bool:
    """Run the only operation of a commit; return False if its exception undoes all of it."""
    try:
        op.value = op.call(tx)
    except Exception as error:
        if _is_fault(tx, error):
            raise
        op.error = error
        return False
    return True


def _is_fault(tx: Tx, error: Exception) -> bool:
    """Whether this is not the operation's own: a storage fault, or a lost transaction."""
    if not isinstance(error, sqlite3.Error):
        return False
    return is_storage_fault(error) or not tx.connection.in_transaction


def _run_one(tx: Tx, op: Op) -> None:
    """Run one operation so that its exception undoes and reaches only itself; a storage fault is raised."""
    cursor_before, octets_before, tags_before = tx.newest_cursor, tx.added_octets, (tx.incarnation, tx.epoch)
    tx.execute("SAVEPOINT op")
    try:
        op.value = op.call(tx)
    except Exception as error:
        if _is_fault(tx, error):
            raise
        op.error = error
        tx.newest_cursor, tx.added_octets = cursor_before, octets_before
        tx.incarnation, tx.epoch = tags_before
        tx.execute("ROLLBACK TO op")
    tx.execute("RELEASE op")
