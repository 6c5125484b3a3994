"""What every simulated device on a serial line is: octets in, octets out, timers on the running loop."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol


class SerialDevice(ABC):
    """A byte-level device; the same object runs on an in-memory port (virtual time) and on a PTY (real time).

    Timers come from `asyncio.get_running_loop().call_later`, randomness from a named stream given to the
    constructor. A subclass answers with `self.write(...)`; what nobody reads is lost, as on a real line.
    """

    baud_bps: int = 115_200
    """The rate the device listens at; a host at another rate exchanges garbage with it."""

    def __init__(self) -> None:
        self._write: Callable[[bytes], None] | None = None

    def attach(self, write: Callable[[bytes], None] | None) -> None:
        """Connect the line (None: the host let go). Called by the port; extend it to react to that."""
        self._write = write

    @property
    def attached(self) -> bool:
        """Whether a host has the port open."""
        return self._write is not None

    def write(self, data: bytes) -> None:
        """Send octets to the host; silently lost while nobody has the port open."""
        if self._write is not None:
            self._write(data)

    @abstractmethod
    def receive(self, data: bytes) -> None:
        """Take octets from the host, in chunks of any size."""


class SerialPort(Protocol):
    """What can be done to a port a device is plugged into, in memory or on a PTY."""

    stuck: bool
    """Nothing passes and writes block, as when flow control never lets go."""
    deaf: bool
    """The device hears nothing of what the host writes."""
    slowness: float
    """Octets take this many times as long."""

    def unplug(self) -> None:
        """Take the port away: the host reads end of stream, its writes fail."""

    def replug(self) -> None:
        """Bring the port back."""

    def garble(self, rng: random.Random, octets: int) -> None:
        """Let noise arrive at the host."""
