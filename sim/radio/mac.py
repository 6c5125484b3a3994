"""A station's transmit queue: one burst at a time, in order, when its rule of taking turns lets it."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sim.radio.csma import Access
from sim.radio.medium import Medium
from sim.radio.station import Radio

QUEUE_BURSTS: Final = 32
"""What a modem keeps for a busy channel; more is refused, as by real modems of this class."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A burst to send. `sent` is called when it is over (not when it arrived)."""

    frame: object
    octets: int
    airtime_ns: int
    to: Radio | None = None
    sent: Callable[[Outgoing], None] | None = None
    wanted: Callable[[], bool] | None = None
    """Asked right before transmitting: False drops it unsent."""


class Mac:
    """Sends what it is offered, first come first served."""

    def __init__(self, medium: Medium, radio: Radio, access: Access, rng: random.Random) -> None:
        self.refused = 0
        self._medium = medium
        self._radio = radio
        self._access = access
        self._rng = rng
        self._queue: deque[Outgoing] = deque()

    @property
    def waiting(self) -> int:
        """Bursts not yet over."""
        return len(self._queue)

    def offer(self, out: Outgoing, *, after_ns: int = 0) -> bool:
        """Queue a burst; False when the queue is full. `after_ns` delays the first look of an idle queue."""
        if len(self._queue) >= QUEUE_BURSTS:
            self.refused += 1
            return False
        self._queue.append(out)
        if len(self._queue) == 1:
            self._later(after_ns)
        return True

    def clear(self) -> None:
        """Forget everything that waits."""
        while len(self._queue) > 1:
            self._queue.pop()
        if self._queue:
            self._queue[0] = Outgoing(None, 0, 0, wanted=_no)

    def _later(self, wait_ns: int) -> None:
        timeline = self._medium.timeline
        timeline.post(timeline.now_ns + wait_ns, self._ask, None)

    def _ask(self, _: None) -> None:
        out = self._queue[0]
        if out.wanted is not None and not out.wanted():
            self._next()
            return
        medium, radio = self._medium, self._radio
        wait_ns = self._access.wait_ns(medium, radio, self._rng, medium.timeline.now_ns)
        if wait_ns:
            self._later(wait_ns)
            return
        if medium.transmit(radio, out.frame, octets=out.octets, airtime_ns=out.airtime_ns, to=out.to):
            medium.timeline.post(radio.until_ns, self._over, out)
        elif radio.on:
            self._later(max(1, radio.until_ns - medium.timeline.now_ns))
        else:
            self._next()

    def _over(self, out: Outgoing) -> None:
        self._next()
        if out.sent is not None:
            out.sent(out)

    def _next(self) -> None:
        self._queue.popleft()
        if self._queue:
            self._later(0)


def _no() -> bool:
    return False
