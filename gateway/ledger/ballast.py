"""A few MiB kept back on the disk, freed for SOS and state changes when the disk is full."""

from __future__ import annotations

from pathlib import Path

from gateway.ledger.storage import Storage

BALLAST_OCTETS = 4 * 1024 * 1024
"""Room kept back: some ten thousand SOS messages or state changes, and nothing on any card of today."""

RETRY_S = 5.0
"""How often a full disk is asked whether there is room again; allocating is cheap but not free."""


class Ballast:
    """The ballast file beside a ledger; `held` tells whether its octets are allocated."""

    def __init__(self, path: Path, storage: Storage) -> None:
        self._path = path
        self._storage = storage
        self.held = False
        self.make()

    def make(self) -> bool:
        """Allocate the octets; return whether they are held now."""
        self.held = self.held or self._storage.allocate(self._path, BALLAST_OCTETS)
        return self.held

    def free(self) -> None:
        """Give the octets back to the disk."""
        self.held = False
        self._storage.free(self._path)
