"""A stretch of air, fibre or space segment: delay, loss, rate, blockage, the cut switch, and worse."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import Final

from sim.loop import NEUTRAL

CLOG_ITEMS: Final = 4_096
"""What a clogged channel holds back; more is lost, as in any queue."""


class Channel:
    """Carries things from one end to the other, or loses them; both directions share one rate and one switch.

    `delay_s` and `jitter_s` add up (jitter uniform), `loss` is the share lost (0..1), `rate_bps` serialises
    (0: no limit). `cut` is the network cut; `blocked` is an obstacle such as a tunnel. What is under way when
    the switch falls is lost. `cut_there` and `cut_back` cut one direction. `duplicate` and `corrupt` are
    shares (0..1), `reorder_s` the longest extra delay; while `clogged` nothing arrives, then all of it does.
    """

    def __init__(
        self,
        name: str,
        *,
        rng: random.Random,
        delay_s: float = 0.0,
        jitter_s: float = 0.0,
        loss: float = 0.0,
        rate_bps: float = 0.0,
    ) -> None:
        self.name = name
        self.delay_s = delay_s
        self.jitter_s = jitter_s
        self.loss = loss
        self.rate_bps = rate_bps
        self.cut = False
        self.blocked = False
        self.cut_there = False
        self.cut_back = False
        self.duplicate = 0.0
        self.corrupt = 0.0
        self.reorder_s = 0.0
        self.carried = 0
        self.lost = 0
        self._clogged = False
        self._held: deque[tuple[Callable[[], None], bool]] = deque()
        self._rng = rng
        self._free_at_s = 0.0

    @property
    def passes(self) -> bool:
        """Whether anything gets through now."""
        return not (self.cut or self.blocked)

    def passes_way(self, *, back: bool) -> bool:
        """Whether anything gets through in one direction now."""
        return self.passes and not (self.cut_back if back else self.cut_there)

    @property
    def clogged(self) -> bool:
        """Whether what arrives is held back. Settable; what was held arrives when it ends, in order."""
        return self._clogged

    @clogged.setter
    def clogged(self, value: bool) -> None:
        self._clogged = value
        while not value and self._held:
            self._arrive(*self._held.popleft())

    def carry(
        self,
        size_octets: int,
        deliver: Callable[[], None],
        *,
        back: bool = False,
        spoilt: Callable[[], None] | None = None,
    ) -> None:
        """Call `deliver` when the thing arrives; never, if it is lost on the way.

        `back` names the direction where one is cut; `spoilt` delivers the thing with an octet changed.
        """
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        airtime_s = size_octets * 8 / self.rate_bps if self.rate_bps else 0.0
        start_s = max(now_s, self._free_at_s)
        self._free_at_s = start_s + airtime_s
        draw = self._rng.random
        lost = draw() < self.loss
        wait_s = start_s + airtime_s - now_s + self.delay_s + draw() * self.jitter_s
        if lost or not self.passes_way(back=back):
            self.lost += 1
            return
        if self.reorder_s:
            wait_s += draw() * self.reorder_s
        if self.corrupt and spoilt is not None and draw() < self.corrupt:
            deliver = spoilt
        loop.call_later(wait_s, self._arrive, deliver, back, context=NEUTRAL)
        if self.duplicate and draw() < self.duplicate:
            loop.call_later(wait_s + draw() * self.delay_s, self._arrive, deliver, back, context=NEUTRAL)

    def _arrive(self, deliver: Callable[[], None], back: bool) -> None:  # noqa: FBT001 - a callback's argument
        if self._clogged and len(self._held) < CLOG_ITEMS:
            self._held.append((deliver, back))
        elif self._clogged or not self.passes_way(back=back):
            self.lost += 1
        else:
            self.carried += 1
            deliver()
