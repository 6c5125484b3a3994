"""A clock that follows the running loop, and whose date may be as wrong as a cold boot makes it."""

from __future__ import annotations

import asyncio
from asyncio import get_running_loop
from typing import Final

from typing_extensions import override

from drivers.base import Clock

EPOCH_UNIX_MS: Final = 1_790_000_000_000
"""Where simulated dates start: 2026-09-21 14:13:20 UTC."""

SECONDS_PER_YEAR: Final = 31_556_952.0
"""The mean Gregorian year."""

PPM: Final = 1_000_000

BOOT_S: Final = 5.0
"""What the kernel's clock shows when the gateway starts after a power loss."""


class SimClock(Clock):
    """Monotonic time is the running loop's time; the date is `epoch_unix_ms` plus what went by.

    `drift_ppm` makes the date run fast (greater than 0) or slow; `step` moves it, by years if need be.
    Neither touches monotonic time; `cold_boot` lets that begin anew.
    """

    def __init__(self, *, epoch_unix_ms: int = EPOCH_UNIX_MS, drift_ppm: float = 0.0) -> None:
        self._epoch_unix_ms = epoch_unix_ms
        self._offset_ms = 0
        self._drift_ppm = drift_ppm
        self._start_s: float | None = None
        self._booted_s = 0.0

    @override
    def monotonic_s(self) -> float:
        return get_running_loop().time() - self._booted_s

    @override
    def unix_ms(self) -> int:
        now_s = get_running_loop().time()
        if self._start_s is None:
            self._start_s = now_s
        passed_ms = (now_s - self._start_s) * 1000 * (1 + self._drift_ppm / PPM)
        return self._epoch_unix_ms + self._offset_ms + round(passed_ms)

    @override
    async def sleep(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)

    def step(self, *, years: float = 0.0, seconds: float = 0.0) -> None:
        """Move the date; monotonic time does not notice."""
        self._offset_ms += round((years * SECONDS_PER_YEAR + seconds) * 1000)

    def cold_boot(self, *, keeps_date: bool = True) -> None:
        """Begin monotonic time anew, as after a power loss; without a battery of its own the date is 1970."""
        self._booted_s = get_running_loop().time() - BOOT_S
        if not keeps_date:
            self._offset_ms -= self.unix_ms()
