"""The ledger: durable truth behind group commit. `await ledger.write(op)` returns after the fsync."""

from __future__ import annotations

import asyncio
import random as random_module
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from drivers.base import Clock
from gateway.domain import TimeQuality
from gateway.ledger import limits, store
from gateway.ledger.errors import LedgerBrokenError, LedgerClosedError, LedgerError, LedgerFaultError
from gateway.ledger.lock import DirectoryLock
from gateway.ledger.storage import DISK, Storage
from gateway.ledger.tx import Tx
from gateway.ledger.writer import Op, Stamp, Writer

T = TypeVar("T")

MAX_OPS_PER_COMMIT = 256
"""Beyond this one fsync is shared well enough, and an SOS behind the commit would wait longer."""

NORMAL_SHARE = 16
"""Places of a commit that a flood of urgent operations leaves to the others, so that they never starve."""

MAX_QUEUED_OPS = 2_048
"""Ordinary operations waiting; the next writer waits outside (back-pressure)."""

MAX_QUEUED_URGENT_OPS = 2_048
"""Urgent operations waiting, counted apart so that they never wait behind ordinary ones."""

MAX_READS = 64
"""Reads handed to the reader at once; the next one waits."""

TICK_S = 60.0
"""Ledger time is saved at least this often: what a power cut may take from an age."""


class Ledger:
    """One gateway's ledger. Open it with `await Ledger.open(...)`, end it with `await ledger.close()`."""

    def __init__(
        self, writer: Writer, *, clock: Clock, random: random_module.Random, lock: DirectoryLock | None
    ) -> None:
        self._writer = writer
        self._random = random
        self._clock = clock
        self._lock = lock
        self._loop = asyncio.get_running_loop()
        self._executor: Executor | None = None
        self._read_executor: Executor | None = None
        self._owned: list[ThreadPoolExecutor] = []
        self._reader: sqlite3.Connection | None = None
        self._urgent: deque[Op] = deque()
        self._normal: deque[Op] = deque()
        self._urgent_room = asyncio.Semaphore(MAX_QUEUED_URGENT_OPS)
        self._normal_room = asyncio.Semaphore(MAX_QUEUED_OPS)
        self._read_room = asyncio.Semaphore(MAX_READS)
        self._busy = False
        self._scheduled = False
        self._closing = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._changed = asyncio.Event()
        self._broken = asyncio.Event()
        self._quality = TimeQuality.UNKNOWN
        self._drawn = writer.session == 1
        self._newest_cursor = writer.newest_cursor
        self.changes = 0
        """Commits since this opening, failed ones too, that may have changed what waits: while it stands, the
        ledger holds the messages, receipts and lifetimes that it held."""
        self.on_change: Callable[[], None] = _nobody
        """Called after each of them."""
        self._credited = False
        self.on_full: Callable[[], None] = _nobody
        """Called when `disk_full` may have changed."""
        self._told_full = writer.full

    @classmethod
    async def open(
        cls,
        path: Path | str,
        *,
        clock: Clock,
        random: random_module.Random,
        station: int,
        storage: Storage = DISK,
        max_octets: int = limits.MAX_LEDGER_OCTETS,
        time_quality: TimeQuality = TimeQuality.UNKNOWN,
    ) -> Ledger:
        """Open or create the ledger file at `path` (":memory:" for none), in a directory of its own.

        All SQLite work goes through `loop.run_in_executor`, in the storage's executor or in threads of the
        ledger's own. `random` draws the incarnation of a new file: outside tests it must not be seeded, or a
        file set aside is followed by its namesake.
        Raises LedgerLockedError (another daemon), LedgerNewerError, LedgerFullError, LedgerFaultError.
        A damaged file is set aside, see `set_aside`.
        """
        path = Path(path)
        in_memory = str(path) == ":memory:"
        lock = None if in_memory else DirectoryLock(path.parent)
        loop = asyncio.get_running_loop()
        owned: list[ThreadPoolExecutor] = []
        executor = storage.executor
        if executor is None:
            owned = [ThreadPoolExecutor(1, "ledger-write"), ThreadPoolExecutor(1, "ledger-read")]
        write_executor = executor or owned[0]
        stamp = Stamp(clock.monotonic_s(), clock.unix_ms(), trusted=time_quality is TimeQuality.NTP)
        opening = partial(
            Writer, path, rng=random, station=station, max_octets=max_octets, stamp=stamp, storage=storage
        )
        try:
            writer = await loop.run_in_executor(write_executor, opening)
            ledger = cls(writer, clock=clock, random=random, lock=lock)
            ledger._reader = await loop.run_in_executor(write_executor, writer.reader)
        except BaseException:
            for pool in owned:
                pool.shutdown(wait=False)
            if lock is not None:
                lock.release()
            raise
        ledger._executor = write_executor
        ledger._read_executor = owned[1] if owned and not in_memory else write_executor
        ledger._owned = owned
        ledger._quality = time_quality
        return ledger

    @property
    def incarnation(self) -> int:
        """The 16-bit tag drawn at this opening, part of every identity made since."""
        return self._writer.incarnation

    @property
    def session(self) -> int:
        """How many times this ledger was opened, this time included."""
        return self._writer.session

    @property
    def set_aside(self) -> Path | None:
        """Where the damaged file lies now that was found at opening; None when there was none."""
        return self._writer.set_aside

    @property
    def disk_full(self) -> bool:
        """Whether the ballast is in use: only urgent operations are taken."""
        return self._writer.full

    @property
    def broken(self) -> bool:
        """Whether the file was found damaged while running: nothing is written any more."""
        return bool(self._writer.damage)

    async def until_broken(self) -> LedgerBrokenError:
        """Return once the file is found damaged, with what to say; its owner must end and start anew."""
        await self._broken.wait()
        return LedgerBrokenError(self._writer.damage)

    async def leave_quiet(self, links: Sequence[str]) -> None:
        """Leave to the ledger that follows a broken one which links may not transmit."""
        await self._loop.run_in_executor(self._executor, self._writer.leave_quiet, links)

    @property
    def newest_cursor(self) -> int:
        """Cursor of the newest durable event; 0 before the first."""
        return self._newest_cursor

    def set_time_quality(self, quality: TimeQuality) -> None:
        """Tell how good the wall clock is now; NTP lets off-time be added at the next commit."""
        self._quality = quality

    async def write(self, op: Callable[[Tx], T], *, urgent: bool = False, note: bool = False) -> T:
        """Run `op` inside the next commit and return its value once that commit is on disk.

        `urgent` (SOS, acknowledgements, state changes) goes first and may use the ballast of a full disk.
        `note`: it changes no message, receipt or lifetime, so nobody need look for work.
        An exception of `op` undoes `op` alone and is raised here. LedgerFullError, LedgerFaultError: nothing
        was acknowledged; LedgerBrokenError: nor will anything be. Cancelled before its commit begins, `op`
        never runs; later it is done all the same. It runs again when its commit must be tried again.
        `op` must not keep the Tx and must not run for long.
        """
        room = self._urgent_room if urgent else self._normal_room
        await room.acquire()
        if self._closing:
            room.release()
            raise LedgerClosedError
        waiting = Op(op, self._loop.create_future(), urgent, note)
        (self._urgent if urgent else self._normal).append(waiting)
        self._idle.clear()
        self._schedule()
        value: T = await waiting.future
        return value

    async def read(self, op: Callable[[Tx], T]) -> T:
        """Run `op` on a snapshot of what is durable and return its value; it must not write."""
        async with self._read_room:
            if self._closing:
                raise LedgerClosedError
            work = partial(self._writer.read, op, self._reader, self._stamp())
            try:
                value: T = await self._loop.run_in_executor(self._read_executor, work)
            finally:
                self._look_for_damage()
            return value

    async def wait_events(self, after: int) -> int:
        """Return the newest durable cursor as soon as it is greater than `after`.

        Any number may wait; nothing is queued for them, each reads `events.after` at its own pace.
        """
        while self._newest_cursor <= after:
            if self._closing:
                raise LedgerClosedError
            await self._changed.wait()
        return self._newest_cursor

    async def new_epoch(self) -> bool:
        """Draw another epoch, once in an opening; return whether that was done.

        Call it when it turns out that the file was restored from a backup or copied.
        """
        if self._drawn:
            return False

        def op(tx: Tx) -> None:
            tx.epoch = store.draw_epoch(tx.connection, self._random)

        await self.write(op, urgent=True)
        self._drawn = True
        return True

    async def new_incarnation(self, then: Callable[[Tx], T]) -> T:
        """Draw another incarnation tag and run `then` in the same commit; return its value.

        Call it when it turns out that an identity made since this opening was used before.
        """

        def op(tx: Tx) -> T:
            tx.incarnation = store.draw_incarnation(tx.connection, self._random, tx.station)
            return then(tx)

        return await self.write(op, urgent=True)

    async def run(self) -> None:
        """Keep house until cancelled: save ledger time, thin out what is old, in slices that yield."""
        while True:
            await self._clock.sleep(TICK_S)
            try:
                while await self.write(limits.retain) >= limits.RETENTION_SLICE:
                    pass  # each slice waits its turn among the others' operations
            except LedgerClosedError:
                return
            except LedgerError:
                continue  # full or faulty: every caller is told; here there is only the next minute

    async def close(self) -> None:
        """Finish what was accepted into the queue, then free file and directory; safe to repeat."""
        if self._closing:
            return
        self._closing = True
        self._wake()
        await self._idle.wait()
        if self._reader is not None:
            await self._loop.run_in_executor(self._read_executor, self._reader.close)
        await self._loop.run_in_executor(self._executor, self._writer.finish, self._stamp())
        for pool in self._owned:
            pool.shutdown(wait=True)
        if self._lock is not None:
            self._lock.release()

    def abandon(self) -> None:
        """Let go at once, as a power cut does: what was not committed is gone. For the simulator."""
        self._closing = True
        for op in (*self._urgent, *self._normal):
            op.future.cancel()
        for pool in self._owned:
            pool.shutdown(wait=True, cancel_futures=True)
        if self._reader is not None:
            self._reader.close()
        self._writer.close()
        if self._lock is not None:
            self._lock.release()

    def _stamp(self) -> Stamp:
        trusted = self._quality is TimeQuality.NTP
        return Stamp(self._clock.monotonic_s(), self._clock.unix_ms(), trusted)

    def _schedule(self) -> None:
        if not self._scheduled and not self._busy:
            self._scheduled = True
            self._loop.call_soon(self._start_commit)  # all writers of this turn share the commit

    def _start_commit(self) -> None:
        self._scheduled = False
        if self._busy:
            return
        batch = self._take()
        if not batch:
            self._idle.set()
            return
        self._busy = True
        work = self._loop.run_in_executor(self._executor, self._writer.run, batch, self._stamp())
        work.add_done_callback(partial(self._finish_commit, batch))

    def _take(self) -> list[Op]:
        batch: list[Op] = []
        reserved = min(NORMAL_SHARE, len(self._normal))
        for queue, room, limit in (
            (self._urgent, self._urgent_room, MAX_OPS_PER_COMMIT - reserved),
            (self._normal, self._normal_room, MAX_OPS_PER_COMMIT),
        ):
            while queue and len(batch) < limit:
                op = queue.popleft()
                room.release()
                if not op.future.done():
                    batch.append(op)
        return batch

    def _finish_commit(self, batch: list[Op], work: asyncio.Future[None]) -> None:
        self._busy = False
        if self._writer.credited is not self._credited or not all(op.note for op in batch):
            self._credited = self._writer.credited
            self.changes += 1
            self.on_change()
        if self._writer.full is not self._told_full:
            self._told_full = self._writer.full
            self.on_full()
        failure: BaseException | None = None
        if work.cancelled():
            failure = LedgerFaultError("ledger: its executor was stopped", "台账：执行器已停止")
        else:
            failure = work.exception()
        for op in batch:
            if op.future.done():
                continue
            error = failure or op.error
            if error is None:
                op.future.set_result(op.value)
            else:
                op.future.set_exception(error)
        self._look_for_damage()
        if self._writer.newest_cursor > self._newest_cursor:
            self._newest_cursor = self._writer.newest_cursor
            self._wake()
        self._start_commit()

    def _look_for_damage(self) -> None:
        if self._writer.damage:
            self._broken.set()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _nobody() -> None:
    """Nobody is told."""
