"""Numbers that must never be used twice, not even after a power cut: reserved ahead in memory."""

from __future__ import annotations

import asyncio

from drivers.base import DriverMemory


class Counter:
    """Counts modulo 2**bits from where the last run's reservation ended."""

    def __init__(self, memory: DriverMemory, key: str, *, bits: int, block: int) -> None:
        self._memory = memory
        self._key = key
        self._mask = (1 << bits) - 1
        self._block = block
        self._next = 0
        self._reserved = 0
        self._lock = asyncio.Lock()

    def start(self, notes: dict[str, str], first: int) -> None:
        """Begin behind the last reservation found in the notes, at `first` without any."""
        kept = notes.get(self._key, "")
        self._next = self._reserved = int(kept) if kept.isascii() and kept.isdigit() else first

    async def take(self) -> int:
        """Return the next number; it is reserved on disk before it is used."""
        async with self._lock:
            if self._next >= self._reserved:
                end = self._next + self._block
                await self._memory.save({self._key: str(end)})
                self._reserved = end
            self._next += 1
            return (self._next - 1) & self._mask
