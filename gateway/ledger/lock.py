"""One daemon per data directory: an flock'd file that names its owner."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from gateway.ledger.errors import LedgerFaultError, LedgerLockedError

LOCK_NAME = "fieldgate.lock"


class DirectoryLock:
    """Holds a data directory until `release`; the kernel frees it when the process dies, however it dies."""

    def __init__(self, directory: Path) -> None:
        """Take the lock or raise LedgerLockedError naming the owner's pid."""
        path = directory / LOCK_NAME
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise LedgerFaultError(
                f"{path}: {error.strerror}", f"{path}：无法打开（{error.strerror}）"
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(self._descriptor, 32).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise LedgerLockedError(str(directory), owner) from None
        self._name_owner()

    def release(self) -> None:
        """Free the directory; safe to repeat."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _name_owner(self) -> None:
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, b"%d\n" % os.getpid(), 0)
        except OSError:
            return  # a full disk must not keep the gateway from starting; only the pid is missing
