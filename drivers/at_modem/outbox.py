"""The link's events on their way to one reader; bounded."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

from drivers.base import LinkEvent, Notice, Progress, Quality, Received, StateChanged

MAX_WAITING = 512
"""Events held for a gateway that does not read. Beyond it measurements and notices are dropped (newer ones
will come) and received messages stay in the terminal's store; progress and states are few by nature."""

MAX_HELD = 2 * MAX_WAITING
"""Beyond this the oldest event goes, whatever it is: a gateway that reads nothing for days."""


class Outbox:
    """A queue of events with one reader."""

    def __init__(self) -> None:
        self.dropped = 0
        self._events: deque[LinkEvent] = deque(maxlen=MAX_HELD)
        self._changed = asyncio.Event()
        self._closed = False

    @property
    def room(self) -> bool:
        """Whether received messages may be put now."""
        return len(self._events) < MAX_WAITING

    def put(self, event: LinkEvent) -> None:
        """Add an event; never waits."""
        if not self.room:
            if isinstance(event, Quality | Notice):
                self.dropped += 1
                return
            if isinstance(event, StateChanged):
                self._forget_states()
        self._events.append(event)
        self._changed.set()

    def close(self) -> None:
        """End the stream once everything waiting was read."""
        self._closed = True
        self._changed.set()

    async def stream(self) -> AsyncGenerator[LinkEvent]:
        """Yield events in order until closed."""
        while True:
            while self._events:
                yield self._events.popleft()
            if self._closed:
                return
            self._changed.clear()
            await self._changed.wait()

    def _forget_states(self) -> None:
        """Only the newest state matters to somebody who has not read the older ones."""
        kept = [event for event in self._events if isinstance(event, Progress | Received)]
        self.dropped += len(self._events) - len(kept)
        self._events.clear()
        self._events.extend(kept)
