"""The link's events on their way to one reader; bounded, and reading from the port never waits for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

from drivers.base import LinkEvent, Notice, Progress, StateChanged

MAX_WAITING = 1024
"""Events kept for a reader that does not read: ten minutes of a terminal that tells one or two a second. What
comes then is dropped and counted, except progress and states."""

MAX_KEPT = MAX_WAITING + 512
"""Beyond this even those are dropped: one message and a handful of states a minute need hours to get here."""


class Outbox:
    """A queue of events with one reader."""

    def __init__(self) -> None:
        self.dropped = 0
        self._events: deque[LinkEvent] = deque()
        self._more = asyncio.Event()
        self._closed = False

    def put(self, event: LinkEvent) -> None:
        """Add an event; never waits, so that it may be told from a cancelled call."""
        limit = MAX_KEPT if isinstance(event, Progress | StateChanged) else MAX_WAITING
        if len(self._events) >= limit:
            self.dropped += 1
            return
        self._events.append(event)
        self._more.set()

    def close(self) -> None:
        """End `stream` once everything waiting was read."""
        self._closed = True
        self._more.set()

    async def stream(self) -> AsyncGenerator[LinkEvent]:
        """Yield events in order until closed; a Notice says how many were dropped."""
        while True:
            while self._events:
                yield self._events.popleft()
            if self.dropped:
                dropped, self.dropped = self.dropped, 0
                yield Notice(event="events_dropped", detail=str(dropped))
            elif self._closed:
                return
            else:
                self._more.clear()
                await self._more.wait()
