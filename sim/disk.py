"""A box's disk: it takes its time, may be full, and after a power cut holds what was synced, torn if unlucky.

SQLite writes real files in a folder. A power cut turns them into bytes: what SQLite had synced when the power
went, and of a commit under way as much as reached the medium. Facts: reference page
simulator-and-fault-testing §2.8-2.9.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from typing_extensions import override

from gateway.ledger.storage import Storage
from sim.loop import VirtualExecutor

T = TypeVar("T")

SECTOR_OCTETS: Final = 512
"""What a disk writes whole or not at all."""

FULL_SYNC: Final = 2
"""`PRAGMA synchronous` of a connection that syncs every commit (sqlite.org/pragma.html)."""

PAGE_OCTETS: Final = 1024
"""SQLite's pages on simulated disks, as SQLite was for a decade: a commit copies a quarter of the octets that
4096 mean, which is a tenth of what a small world costs. Files of boxes in the field keep the usual size."""

SYNC_S: Final = (0.002, 0.012)
"""How long a commit takes on a good SD card or eMMC, uniform: one fsync."""

LAG_S: Final = (0.2, 2.0)
"""How long one takes while the card moves its blocks about; cheap SD cards take seconds."""

ROOM_OCTETS: Final = 256 * 1024 * 1024
"""Free room of a disk that is not full."""

COMMIT_OCTETS: Final = 16 * 1024
"""Room a commit takes on a full disk: some pages of WAL."""

VOLATILE: Final = ("-shm", ".lock", ".ballast")
"""Ends of the names of files that do not outlive the power, or hold nothing."""

Image = Mapping[str, bytes]
"""A disk as bytes: file name and content."""


class SimDisk(VirtualExecutor, Storage):
    """The disk of one box, and the executor its ledger works in; a commit lasts as long as its sync.

    Set `tear_next` (0..1) and the next commit is the one that the power cut hits: `on_torn` is called in the
    middle of it, and that share of what it wrote is on the disk afterwards.
    """

    def __init__(self, folder: Path, rng: random.Random) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.commits = 0
        self.tear_next: float | None = None
        self.on_torn: Callable[[], None] = lambda: None
        self.on_commit: Callable[[], None] = lambda: None
        self.lags: Callable[[], bool] = lambda: False
        """Whether a commit takes long: a card that moves its blocks about."""
        self._rng = rng
        self._room_octets = ROOM_OCTETS
        self._held: dict[Path, int] = {}
        self._writer: _Connection | None = None
        self._at_open: Image = {}
        self._torn: Image | None = None
        self._committed = False
        self._life = 0
        self._untold: list[Callable[[], None]] = []
        """Ends what waits for a commit in which the power went; a client that asked is to see that it did."""

    # --- what the ledger stands on -----------------------------------------------------------------------

    @property
    @override
    def executor(self) -> VirtualExecutor:
        return self

    @override
    def connect(self, path: Path) -> sqlite3.Connection:
        if self._writer is None:
            self._at_open = self.image()
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, cached_statements=256, factory=_Connection
        )
        connection.disk = self
        connection.execute(f"PRAGMA page_size = {PAGE_OCTETS}")
        return connection

    @override
    def allocate(self, path: Path, octets: int) -> bool:
        if path in self._held:
            return True
        if self._room_octets < octets or path.is_dir():
            return False
        self._room_octets -= octets
        self._held[path] = octets
        return True

    @override
    def free(self, path: Path) -> None:
        self._room_octets += self._held.pop(path, 0)

    @override
    def start(self, work: Callable[[], T], done: asyncio.Future[T]) -> None:
        """Do the ledger's work; when it committed something, let the sync take its time."""
        if done.done():
            return
        before = self.image() if self.tear_next is not None else None
        self._committed = False
        try:
            value = work()
        except Exception as error:  # noqa: BLE001 - whoever waits is told, as by every executor
            done.set_exception(error)
            return
        if not self._committed:
            done.set_result(value)
            return
        wanted_s = LAG_S if self.tear_next is None and self.lags() else SYNC_S
        sync_s, later = self._rng.uniform(*wanted_s), asyncio.get_running_loop().call_later
        if before is None:
            later(sync_s, self._synced_now, self._life, value, done)
        else:
            later(sync_s / 2, self._half_synced, before, sync_s / 2, self._life, value, done)

    def _half_synced(
        self, before: Image, left_s: float, life: int, value: T, done: asyncio.Future[T]
    ) -> None:
        if self.tear_next is None:  # the fault is over
            asyncio.get_running_loop().call_later(left_s, self._synced_now, life, value, done)
        else:
            self._tear(before)  # the power goes now: no gateway is told of this commit
            self._untold.append(partial(self._synced_now, -1, value, done))

    def _synced_now(self, life: int, value: T, done: asyncio.Future[T]) -> None:
        if life == self._life:
            self.commits += 1
            self.on_commit()
        if not done.done():
            done.set_result(value)

    def _tear(self, before: Image) -> None:
        share, self.tear_next = self.tear_next or 0.0, None
        self._torn = torn(before, self.image(), share)
        self.on_torn()

    # --- what happens to it ------------------------------------------------------------------------------

    @property
    def full(self) -> bool:
        """Whether no room is left but what is given back. Settable."""
        return self._room_octets < COMMIT_OCTETS

    @full.setter
    def full(self, value: bool) -> None:
        self._room_octets = 0 if value else ROOM_OCTETS

    def image(self) -> Image:
        """Return what the files hold now."""
        return {
            file.name: file.read_bytes()
            for file in sorted(self.folder.iterdir())
            if file.is_file() and not file.name.endswith(VOLATILE)
        }

    def surviving(self) -> Image:
        """Return what would be left if the power went now. Ask before the files are closed."""
        if self._torn is not None:
            return self._torn
        return self.image() if self._synced() else self._at_open

    def put_back(self, image: Image) -> None:
        """Make the disk hold exactly this; nobody may have a file open."""
        for file in self.folder.iterdir():
            if file.is_file():
                file.unlink()
        for name, content in image.items():
            (self.folder / name).write_bytes(content)
        self._life += 1
        while self._untold:
            self._untold.pop()()
        self._held.clear()
        self._writer, self._torn, self.tear_next = None, None, None

    def spend(self, connection: _Connection) -> None:
        """Take the room of a commit, or refuse it as a full disk does."""
        if self._room_octets < COMMIT_OCTETS:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_FULL, "SQLITE_FULL"
            raise error
        if self._room_octets < ROOM_OCTETS // 2:
            self._room_octets -= COMMIT_OCTETS
        self._writer, self._committed = connection, True

    def _synced(self) -> bool:
        if self._writer is None:
            return True
        try:
            level = sqlite3.Connection.execute(self._writer, "PRAGMA synchronous").fetchone()[0]
        except sqlite3.ProgrammingError:
            return True  # closed in good order: closing syncs
        return int(level) >= FULL_SYNC


class _Connection(sqlite3.Connection):
    """A connection that asks its disk before it commits."""

    disk: SimDisk

    @override
    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if sql == "COMMIT":
            self.disk.spend(self)
        return super().execute(sql, *parameters)


def torn(before: Image, after: Image, share: float) -> Image:
    """Mix two images: of what changed, the first `share` in whole sectors is new, the rest still old."""
    mixed: dict[str, bytes] = {}
    for name, new in after.items():
        old = before.get(name, b"")
        first = _first_difference(old, new)
        if first == len(new) and len(old) == len(new):
            mixed[name] = new
            continue
        start = first // SECTOR_OCTETS * SECTOR_OCTETS
        written = round((len(new) - start) * share) // SECTOR_OCTETS * SECTOR_OCTETS
        end = len(new) if share >= 1 else min(len(new), start + written)
        mixed[name] = new[:end] + old[end:]
    return mixed


def _first_difference(old: bytes, new: bytes) -> int:
    shared = min(len(old), len(new))
    if old[:shared] == new[:shared]:
        return shared
    low, high = 0, shared
    while low < high:
        middle = (low + high) // 2
        if old[low : middle + 1] == new[low : middle + 1]:
            low = middle + 1
        else:
            high = middle
    return low
