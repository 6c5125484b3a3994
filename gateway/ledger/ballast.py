"""A few MiB kept back on the disk, freed for SOS and state changes when the disk is full."""

from __future__ import annotations

import os
from pathlib import Path

BALLAST_OCTETS = 4 * 1024 * 1024
"""Room kept back: some ten thousand SOS messages or state changes, and nothing on any card of today."""

RETRY_S = 5.0
"""How often a full disk is asked whether there is room again; allocating is cheap but not free."""


class Ballast:
    """The ballast file beside a ledger; `held` tells whether its octets are allocated."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.held = False
        self.make()

    def make(self) -> bool:
        """Allocate the octets; return whether they are held now."""
        if self.held:
            return True
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            try:
                os.posix_fallocate(descriptor, 0, BALLAST_OCTETS)
            finally:
                os.close(descriptor)
        except OSError:
            self.free()
            return False
        self.held = True
        return True

    def free(self) -> None:
        """Give the octets back to the disk."""
        self.held = False
        try:
            self._path.unlink(missing_ok=True)
        except OSError:
            return  # a read-only file system: there is nothing to free
