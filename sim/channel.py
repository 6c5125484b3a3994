"""A stretch of air, fibre or space segment: delay, loss, rate, blockage, the cut switch, and worse."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from sim.later import after

CLOG_ITEMS: Final = 4_096
"""What a clogged channel holds back; more is lost, as in any queue."""

Tap = Callable[[int, bool, str], None]
"""Takes octets, whether it went back, and the fate."""

_Thing = tuple[Callable[[], None], bool, int, Callable[[str], None] | None]
"""What is under way: how to deliver it, direction, octets, whom to tell of its loss."""


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
        self._cut = False
        self._blocked = False
        self.passes = True
        """Whether anything gets through now; follows `cut` and `blocked`."""
        self._watchers: list[Callable[[], None]] = []
        self.cut_there = False
        self.cut_back = False
        self.duplicate = 0.0
        self.corrupt = 0.0
        self.reorder_s = 0.0
        self.carried = 0
        self.lost = 0
        self.tap: Tap | None = None
        """Told of everything that goes through: octets, direction, fate (a word of AIR events)."""
        self._clogged = False
        self._held: deque[_Thing] = deque()
        self._rng = rng
        self._free_at_s = 0.0

    @property
    def cut(self) -> bool:
        """Whether the network cut is on. Settable."""
        return self._cut

    @cut.setter
    def cut(self, value: bool) -> None:
        self._cut = value
        self._switched()

    @property
    def blocked(self) -> bool:
        """Whether an obstacle is in the way. Settable."""
        return self._blocked

    @blocked.setter
    def blocked(self, value: bool) -> None:
        self._blocked = value
        self._switched()

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call `watcher` whenever `cut` or `blocked` is set."""
        self._watchers.append(watcher)

    def _switched(self) -> None:
        self.passes = not (self._cut or self._blocked)
        for watcher in self._watchers:
            watcher()

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
            self._arrive(self._held.popleft())

    def carry(
        self,
        size_octets: int,
        deliver: Callable[[], None],
        *,
        back: bool = False,
        spoilt: Callable[[], None] | None = None,
        lost: Callable[[str], None] | None = None,
        rng: random.Random | None = None,
    ) -> None:
        """Call `deliver` when the thing arrives, or `lost` with its fate when it is lost on the way.

        `back` names the direction where one is cut; `spoilt` delivers the thing with an octet changed. On a
        channel that many share `rng` is the sender's own, so that nobody's traffic shifts another's luck.
        """
        draw = (rng or self._rng).random
        wait_s = self.delay_s
        if self.rate_bps:
            now_s = asyncio.get_running_loop().time()
            self._free_at_s = max(now_s, self._free_at_s) + size_octets * 8 / self.rate_bps
            wait_s += self._free_at_s - now_s
        dropped = draw() < self.loss
        wait_s += draw() * self.jitter_s
        if dropped or not self.passes_way(back=back):
            self._lose((deliver, back, size_octets, lost), "lost" if dropped else "cut")
            return
        if self.reorder_s:
            wait_s += draw() * self.reorder_s
        if self.corrupt and spoilt is not None and draw() < self.corrupt:
            deliver = spoilt
        thing = (deliver, back, size_octets, lost)
        after(wait_s, self._arrive, thing)
        if self.duplicate and draw() < self.duplicate:
            after(wait_s + draw() * self.delay_s, self._arrive, thing)

    def _arrive(self, thing: _Thing) -> None:
        if self._clogged and len(self._held) < CLOG_ITEMS:
            self._held.append(thing)
        elif self._clogged or not self.passes_way(back=thing[1]):
            self._lose(thing, "lost" if self._clogged else "cut")
        else:
            self.carried += 1
            if self.tap is not None:
                self.tap(thing[2], thing[1], "carried")
            thing[0]()

    def _lose(self, thing: _Thing, fate: str) -> None:
        _, back, size_octets, lost = thing
        self.lost += 1
        if self.tap is not None:
            self.tap(size_octets, back, fate)
        if lost is not None:
            lost(fate)


def through(
    channels: Iterable[Channel],
    size_octets: int,
    deliver: Callable[[], None],
    *,
    lost: Callable[[str], None] | None = None,
    rng: random.Random | None = None,
) -> None:
    """Carry something through one channel after the other; through none it is there at once."""
    left = iter(channels)

    def onward() -> None:
        channel = next(left, None)
        if channel is None:
            deliver()
        else:
            channel.carry(size_octets, onward, lost=lost, rng=rng)

    onward()
