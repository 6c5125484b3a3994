"""Numbers that must never be used twice: reserved ahead in memory, or from a place that dice choose."""

from __future__ import annotations

import asyncio
import random

from drivers.base import DriverMemory

ID_BASE = 0x3000_0000
"""Request ids of programs begin with 3, those of radios are small."""

ID_BITS = 28
"""Of 2**28 places to begin at, a handset remembers the last few ids it has seen."""


class RequestIds:
    """Counts from a random place in every run, so that a box with an older disk repeats nothing.

    A handset takes a known id for the same text again: it acknowledges it and shows nothing.
    """

    def __init__(self, rng: random.Random) -> None:
        self._next = rng.getrandbits(ID_BITS)

    def take(self) -> int:
        """Return the next id, 32 bits."""
        self._next = (self._next + 1) % (1 << ID_BITS)
        return ID_BASE | self._next


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
