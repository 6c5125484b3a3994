"""Houses, trees and slopes between moving terminals and their satellites: states that change with the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from sim.loop import NEUTRAL
from sim.physics.blockage import Sky, typical
from sim.physics.geo import BEIDOU_EAST_DEG, TIANTONG_EAST_DEG, VSAT_EAST_DEG, elevation_deg
from sim.rng import Streams
from sim.scenario.model import Area
from sim.world.motion import Mover

EAST_DEG: Final = {"tiantong": (TIANTONG_EAST_DEG,), "beidou": BEIDOU_EAST_DEG, "vsat": (VSAT_EAST_DEG,)}
"""Where the satellites of a bearer stand."""

M_PER_KM: Final = 1000.0


class View:
    """What one terminal sees on its way; `told` takes how many of its satellites it sees, at each change.

    The states change only while it moves. Who is stopped on the road keeps what it had there; who stands
    where it chose to (before it sets out, at the end of its road, off the road) has looked for a clear view.
    """

    def __init__(self, skies: tuple[Sky, ...], mover: Mover, told: Callable[[int], None]) -> None:
        self._skies = skies
        self._mover = mover
        self._told = told
        self._seen = len(skies)
        self._timer: asyncio.TimerHandle | None = None

    def look(self) -> None:
        """See what is in view, and look again at the next change; call when its bearer stops or drives on."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        leg = self._mover.leg
        if leg is None or leg.speed_kmh <= 0 or leg.km(now_s) >= leg.path.length_km:
            self._tell(len(self._skies))
            return
        if now_s < leg.since_s:
            self._tell(len(self._skies))
            self._timer = loop.call_at(leg.since_s + LATER_S, self.look, context=NEUTRAL)
            return
        travelled_m = self._mover.driven_km(now_s) * M_PER_KM
        self._tell(sum(not sky.blocked(travelled_m) for sky in self._skies))
        if not self._mover.moving(now_s):
            return
        waits_s = [sky.change_s(travelled_m, leg.speed_kmh) for sky in self._skies]
        arrives_s = leg.arrives_s(leg.to_km)
        if arrives_s is not None:
            waits_s.append(max(0.0, arrives_s - now_s))
        wait_s = min(wait_s for wait_s in waits_s if wait_s is not None)
        self._timer = loop.call_later(wait_s + LATER_S, self.look, context=NEUTRAL)

    def _tell(self, seen: int) -> None:
        if seen != self._seen:
            self._seen = seen
            self._told(seen)


LATER_S: Final = 0.01
"""Looking a little late, so that rounding never looks just before the change."""


def view(
    bearer: str, name: str, area: Area, streams: Streams, mover: Mover, told: Callable[[int], None]
) -> View:
    """Return what a terminal called `name` sees on a bearer's satellites; draws from streams of its own."""
    latitude, longitude = area.origin
    skies = tuple(
        Sky(
            streams.stream(f"{name}/sky/{bearer}/{east_deg:g}"),
            typical(area.env, elevation_deg(latitude, longitude, east_deg)),
        )
        for east_deg in EAST_DEG[bearer]
    )
    return View(skies, mover, told)
