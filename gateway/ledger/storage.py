"""The disk under a ledger: where SQLite opens files, where room is kept, and who does the work."""

from __future__ import annotations

import os
import sqlite3
from concurrent.futures import Executor
from pathlib import Path
from typing import Protocol

from typing_extensions import override

BUSY_TIMEOUT_S = 5.0
"""A person's sqlite3 shell may hold the file for a moment; longer is a fault."""


class Storage(Protocol):
    """What a ledger stands on; the simulator hands in disks that fill up and lose power."""

    @property
    def executor(self) -> Executor | None:
        """Where blocking work runs, one job at a time; None: the ledger makes its own threads."""

    def connect(self, path: Path) -> sqlite3.Connection:
        """Open SQLite on a file. Raises sqlite3.Error."""

    def allocate(self, path: Path, octets: int) -> bool:
        """Keep room for a file of this size, allocated to the last octet; False when there is none."""

    def free(self, path: Path) -> None:
        """Give that room back; safe to repeat."""


class Disk(Storage):
    """The machine's own file system."""

    @property
    @override
    def executor(self) -> Executor | None:
        return None

    @override
    def connect(self, path: Path) -> sqlite3.Connection:
        return sqlite3.connect(
            path,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )

    @override
    def allocate(self, path: Path, octets: int) -> bool:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            try:
                os.posix_fallocate(descriptor, 0, octets)
            finally:
                os.close(descriptor)
        except OSError:
            self.free(path)
            return False
        return True

    @override
    def free(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError:
            return  # a read-only file system: there is nothing to free


DISK = Disk()
"""The machine's own."""
