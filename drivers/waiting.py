"""Waiting for what is next: a moment, or somebody who rings before it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


class Bell:
    """One task sleeps until a deadline or until anybody rings; a ring that nobody hears is kept.

    Costs one timer a sleep, where a time-out around an `asyncio.Event` costs a cancellation as well.
    """

    __slots__ = ("_rung", "_sleeper", "_timer")

    def __init__(self) -> None:
        self._rung = False
        self._sleeper: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def ring(self) -> None:
        """Wake the sleeper, or let the next sleep end at once."""
        self._rung = True
        _wake(self._sleeper)

    async def wait(self, limit_s: float | None, more_s: Callable[[], float] | None = None) -> bool:
        """Sleep at most `limit_s` seconds (None: until it rings); return whether it rang.

        `more_s` is asked when that time is over: how much longer to sleep, 0 or less to wake.
        """
        if not self._rung:
            loop = asyncio.get_running_loop()
            sleeper = self._sleeper = loop.create_future()
            if limit_s is not None:
                self._timer = loop.call_later(limit_s, self._over, sleeper, more_s)
            try:
                await sleeper
            finally:
                self._sleeper = None
                if self._timer is not None:
                    self._timer.cancel()
                    self._timer = None
        rang, self._rung = self._rung, False
        return rang

    def _over(self, sleeper: asyncio.Future[None], more_s: Callable[[], float] | None) -> None:
        left_s = 0.0 if more_s is None else more_s()
        if left_s > 0:
            self._timer = asyncio.get_running_loop().call_later(left_s, self._over, sleeper, more_s)
        else:
            self._timer = None
            _wake(sleeper)


async def until(done: asyncio.Future[Any], limit_s: float) -> bool:
    """Wait at most `limit_s` seconds until a future is done, which it stays free to be; return whether it is.

    A caller that is cancelled leaves it as it was.
    """
    if not done.done():
        loop = asyncio.get_running_loop()
        sleeper: asyncio.Future[None] = loop.create_future()

        def wake(_done: asyncio.Future[Any]) -> None:
            _wake(sleeper)

        done.add_done_callback(wake)
        timer = loop.call_later(limit_s, _wake, sleeper)
        try:
            await sleeper
        finally:
            timer.cancel()
            done.remove_done_callback(wake)
    return done.done()


def _wake(sleeper: asyncio.Future[None] | None) -> None:
    if sleeper is not None and not sleeper.done():
        sleeper.set_result(None)
