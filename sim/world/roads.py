"""What the way does to those who travel: tunnels without sky or cells, and what stands along the road."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final

from sim.devices.beidou import Sky
from sim.loop import NEUTRAL
from sim.rng import Streams
from sim.scenario.model import Scenario, Zone
from sim.world import sky
from sim.world.motion import Path, Place
from sim.world.people import Man
from sim.world.shade import Shade
from sim.world.sites import inside
from sim.world.unit import Unit

TUNNEL: Final = "tunnel"
TERRAIN: Final = "terrain"
"""Reasons of a shade."""

STEP_KM: Final = 0.02
"""How finely a road is looked through for zones that are tunnels."""

Stretches = tuple[tuple[float, float], ...]


class Travels:
    """Hides nodes and people while the way hides them; `changed` is called when somebody's cover does.

    `hidden`: nodes in a tunnel, without sky and public network. `dishless`: those whose dish sees nothing.
    """

    def __init__(
        self,
        scenario: Scenario,
        streams: Streams,
        units: Mapping[str, Unit],
        people: Mapping[str, Man],
        changed: Callable[[Unit], None],
    ) -> None:
        self.hidden: set[str] = set()
        self.dishless: set[str] = set()
        self._changed = changed
        self._units = units
        self._people = people
        self._zones = [zone for zone in scenario.zones if zone.tunnel]
        self._tunnels = {
            road.id: (*road.tunnels, *_through(Path.along(road), self._zones)) for road in scenario.roads
        }
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._views: dict[str, list[sky.View]] = {}
        if scenario.area.model != "flat":
            for unit in units.values():
                if unit.node.route and unit.node.speed_kmh > 0:
                    self._views[unit.id] = [*self._made(scenario, streams, unit)]

    def _made(self, scenario: Scenario, streams: Streams, unit: Unit) -> Iterable[sky.View]:
        def view(bearer: str, name: str, told: Callable[[int], None]) -> sky.View:
            return sky.view(bearer, name, scenario.area, streams, unit.mover, told)

        for bearer, shade in unit.shades.items():
            yield view(bearer, unit.id, partial(_shaded, shade, len(sky.EAST_DEG[bearer])))
        if "vsat" in unit.node.links:
            yield view("vsat", unit.id, partial(self._dish, unit))
        for man in self._people.values():
            if man.shade is not None and man.mover is unit.mover:
                bearer = "tiantong" if man.group.kind == "phone" else "beidou"
                yield view(bearer, man.id, partial(_shaded, man.shade, len(sky.EAST_DEG[bearer])))

    def start(self) -> None:
        """Look at everybody."""
        for unit in self._units.values():
            self.watch(unit)
        for man in self._people.values():
            if man.shade is not None and man.mover is None and self._covered(man.place(0.0)):
                man.shade.put(TUNNEL)

    def watch(self, unit: Unit) -> None:
        """Follow what hides a node on its way; call again whenever it stops, drives on or is moved."""
        for view in self._views.get(unit.id, ()):
            view.look()
        self._gates(unit)

    def _gates(self, unit: Unit) -> None:
        if (timer := self._timers.pop(unit.id, None)) is not None:
            timer.cancel()
        leg = unit.mover.leg
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        if leg is None:
            self._hide(unit, hidden=self._covered(unit.mover.place(now_s)))
            return
        on_road = unit.mover.on_road
        tunnels = self._tunnels[unit.node.route] if on_road else _through(leg.path, self._zones)
        km = leg.km(now_s)
        self._hide(unit, hidden=any(start <= km < end for start, end in tunnels))
        gates = [leg.arrives_s(gate) for tunnel in tunnels for gate in tunnel if gate > km]
        ahead = [at_s for at_s in gates if at_s is not None and at_s > now_s]
        if ahead:
            wait_s = min(ahead) - now_s
            self._timers[unit.id] = loop.call_later(wait_s, self._gates, unit, context=NEUTRAL)

    def _hide(self, unit: Unit, *, hidden: bool) -> None:
        if hidden == (unit.id in self.hidden):
            return
        (self.hidden.add if hidden else self.hidden.discard)(unit.id)
        level = Sky.TUNNEL if hidden else Sky.OPEN
        for shade in unit.shades.values():
            shade.put(TUNNEL, level)
        for man in self._people.values():
            if man.shade is not None and man.mover is unit.mover:
                man.shade.put(TUNNEL, level)
        self._changed(unit)

    def _covered(self, place: Place) -> bool:
        return any(inside(place, zone) for zone in self._zones)

    def _dish(self, unit: Unit, seen: int) -> None:
        (self.dishless.discard if seen else self.dishless.add)(unit.id)


def _shaded(shade: Shade, total: int, seen: int) -> None:
    """Shade a device that sees so many of its satellites: one of several leaves a canyon's sky."""
    if seen == 0:
        shade.put(TERRAIN)
    else:
        shade.put(TERRAIN, Sky.CANYON if seen == 1 and total > 1 else Sky.OPEN)


def _through(path: Path, zones: Iterable[Zone]) -> Stretches:
    """Return the stretches of a road that lie in zones, to the nearest step."""
    found: list[tuple[float, float]] = []
    for zone in zones:
        start_km: float | None = None
        for step in range(int(path.length_km / STEP_KM) + 2):
            km = min(step * STEP_KM, path.length_km)
            within = inside(path.at(km), zone)
            if within and start_km is None:
                start_km = km
            elif not within and start_km is not None:
                found.append((start_km, km))
                start_km = None
        if start_km is not None:
            found.append((start_km, path.length_km + STEP_KM))
    return tuple(found)
