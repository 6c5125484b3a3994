"""Scaled time: virtual time held back to so many seconds in a real one."""

from __future__ import annotations

import threading
from typing import Final, Protocol

from typing_extensions import override

from drivers.io.clock import SystemClock

NS_PER_S: Final = 1_000_000_000


class Wall(Protocol):
    """Real time, as far as a paced run needs it."""

    def now_s(self) -> float:
        """Seconds since some moment."""

    def wait(self, seconds: float) -> None:
        """Let that much real time go by."""


class RealWall(Wall):
    """The machine's own time."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._never = threading.Event()

    @override
    def now_s(self) -> float:
        return self._clock.monotonic_s()

    @override
    def wait(self, seconds: float) -> None:
        self._never.wait(seconds)


class Pace:
    """Holds a loop back to `rate` virtual seconds (greater than 0) in a real one."""

    def __init__(self, rate: float, wall: Wall) -> None:
        self._rate = rate
        self._wall = wall
        self._begun_s = wall.now_s()

    def until(self, when_ns: int) -> None:
        """Wait until real time has come to a virtual moment."""
        ahead_s = when_ns / NS_PER_S / self._rate - (self._wall.now_s() - self._begun_s)
        if ahead_s > 0:
            self._wall.wait(ahead_s)
