"""A stretch of air, fibre or space segment: delay, loss, rate, blockage and the cut switch."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable


class Channel:
    """Carries things from one end to the other, or loses them; both directions share one rate and one switch.

    `delay_s` and `jitter_s` add up (jitter uniform), `loss` is the share lost (0..1), `rate_bps` serialises
    (0: no limit). `cut` is the network cut; `blocked` is an obstacle such as a tunnel. What is under way when
    the switch falls is lost.
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
        self.carried = 0
        self.lost = 0
        self._rng = rng
        self._free_at_s = 0.0

    @property
    def passes(self) -> bool:
        """Whether anything gets through now."""
        return not (self.cut or self.blocked)

    def carry(self, size_octets: int, deliver: Callable[[], None]) -> None:
        """Call `deliver` when the thing arrives; never, if it is lost on the way."""
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        airtime_s = size_octets * 8 / self.rate_bps if self.rate_bps else 0.0
        start_s = max(now_s, self._free_at_s)
        self._free_at_s = start_s + airtime_s
        lost = self._rng.random() < self.loss
        wait_s = start_s + airtime_s - now_s + self.delay_s + self._rng.random() * self.jitter_s
        if lost or not self.passes:
            self.lost += 1
            return
        loop.call_later(wait_s, self._arrive, deliver)

    def _arrive(self, deliver: Callable[[], None]) -> None:
        if not self.passes:
            self.lost += 1
            return
        self.carried += 1
        deliver()
