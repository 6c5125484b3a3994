"""The link's events on their way to the gateway: in order, bounded, for one reader."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

from drivers.base import ChannelBusy, Emergency, LinkEvent, Progress, StateChanged
from drivers.hytera.config import MAX_EVENTS

KEPT = (Progress, StateChanged, Emergency, ChannelBusy)
"""Never dropped: they are few, for each is bounded by what the gateway or the radio has under way."""


class EventQueue:
    """Holds events until they are read; drops what may be lost when nobody reads."""

    def __init__(self) -> None:
        self._events: deque[LinkEvent] = deque()
        self._news = asyncio.Event()
        self._closed = False
        self.dropped = 0

    def put(self, event: LinkEvent) -> bool:
        """Append an event; False when there was no room for it."""
        if len(self._events) >= MAX_EVENTS and not isinstance(event, KEPT):
            self.dropped += 1
            return False
        self._events.append(event)
        self._news.set()
        return True

    def close(self) -> None:
        """Let the reader end after what is left."""
        self._closed = True
        self._news.set()

    async def read(self) -> AsyncGenerator[LinkEvent]:
        """Yield events until the queue is closed."""
        while True:
            while self._events:
                yield self._events.popleft()
            if self._closed:
                return
            self._news.clear()
            await self._news.wait()
