"""The heap that crowds and media share with the gateways: callbacks at integer nanoseconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from sim.loop import VirtualLoop

T = TypeVar("T")

NS: Final = 1_000_000_000
"""Nanoseconds in a second."""


class Timeline(Protocol):
    """A clock in nanoseconds and a heap of callbacks; VirtualLoop is one."""

    @property
    def now_ns(self) -> int:
        """Nanoseconds since the loop's clock stood at 0."""

    def post(self, when_ns: int, callback: Callable[[T], object], argument: T) -> None:
        """Call `callback(argument)` at `when_ns`; equal instants run in the order they were posted."""


class RealTimeline:
    """The same on any other loop (a PTY at rate 1, a scaled clock): one timer for each post."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    @property
    def now_ns(self) -> int:
        """Nanoseconds of the loop's clock."""
        return round(self._loop.time() * NS)

    def post(self, when_ns: int, callback: Callable[[T], object], argument: T) -> None:
        """Set a timer."""
        self._loop.call_at(when_ns / NS, callback, argument)


def running_timeline() -> Timeline:
    """Return the heap of the running loop."""
    loop = asyncio.get_running_loop()
    return loop if isinstance(loop, VirtualLoop) else RealTimeline(loop)


def ns(seconds: float) -> int:
    """Return whole nanoseconds."""
    return round(seconds * NS)
