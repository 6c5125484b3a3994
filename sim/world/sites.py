"""Cells, and who is attached to one: mains, battery and backhaul decide, with distance and tunnels."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable
from math import inf
from typing import Final

from sim.loop import NEUTRAL
from sim.physics.outage import Cell, CellState
from sim.physics.pathloss import path_loss_db
from sim.record import Record, What
from sim.scenario.model import Env, Site, Zone
from sim.world.motion import Place

CELL_MHZ: Final = 900.0
"""Where public networks have their widest cells."""

CELL_FLOOR_DBM: Final = -110.0
"""A phone that hears less than this is not served (3GPP TS 36.133 cell selection is about there)."""

CELL_START_S: Final = 180.0
"""A base station boots and finds its core again."""

RELAY_START_S: Final = 20.0
"""A repeater is on the air soon after its power."""

PHONE_M: Final = 1.5
"""Where a phone is held."""

RANGE_STEP_KM: Final = 0.1
MAX_RANGE_KM: Final = 35.0
"""GSM's and LTE's usual timing limit."""


class Mains:
    """One site with mains, a battery and a backhaul; a change is told to the record as `why`."""

    def __init__(self, site: Site, record: Record, *, why: str, start_s: float) -> None:
        self.site = site
        self.told: Callable[[bool], None] = _to_nobody
        """Told whenever it goes on or off the air."""
        self._cell = Cell(site.battery_h.low, start_s=start_s)
        self._why = why
        self._record = record
        self._timer: asyncio.TimerHandle | None = None
        self._told = CellState.SERVING

    def state(self) -> CellState:
        """What a phone near it finds now."""
        return self._cell.state(_now_s())

    def set_mains(self, *, on: bool) -> None:
        """Switch its mains."""
        self._cell.set_mains(_now_s(), on=on)
        self._look()

    def set_backhaul(self, *, on: bool) -> None:
        """Cut or mend its backhaul."""
        self._cell.set_backhaul(_now_s(), on=on)
        self._look()

    def _look(self) -> None:
        """Tell a change, and wake for the next that comes by itself."""
        state = self.state()
        if state is not self._told:
            self._told = state
            self._record.note(What.POWER, self.site.id, state=state.value, why=self._why)
            self.told(state is not CellState.SILENT)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wait_s = self._cell.change_s(_now_s())
        if wait_s < inf:
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._look, context=NEUTRAL)


class Tower(Mains):
    """One cell site in the world."""

    def __init__(self, site: Site, env: Env, record: Record) -> None:
        super().__init__(site, record, why="cell", start_s=CELL_START_S)
        self.range_km = site.range_km or reach_km(site, env)

    def serves(self, place: Place) -> bool:
        """Whether a phone there hears it, were it on the air."""
        return math.dist(place, self.site.at) <= self.range_km


class Hill(Mains):
    """One PDT relay site: it needs power, and no backhaul."""

    def __init__(self, site: Site, record: Record) -> None:
        super().__init__(site, record, why="relay", start_s=RELAY_START_S)


class Cells:
    """All cells. Without any, the public network is everywhere until its backhaul is cut as a whole."""

    def __init__(self, sites: Iterable[Site], env: Env, record: Record) -> None:
        self.towers = {site.id: Tower(site, env, record) for site in sites if site.kind == "cell"}
        self.backhaul = True

    def serving(self, place: Place) -> Tower | None:
        """Return the nearest cell on the air there; None where no phone is served."""
        heard = [
            tower
            for tower in self.towers.values()
            if tower.serves(place) and tower.state() is not CellState.SILENT
        ]
        return min(heard, key=lambda tower: math.dist(place, tower.site.at), default=None)

    def connected(self, a: Place, b: Place) -> bool:
        """Whether the public network carries between two places now."""
        if not self.towers:
            return self.backhaul
        one, other = self.serving(a), self.serving(b)
        if one is None or other is None:
            return False
        if one is other:
            return True
        serving = CellState.SERVING
        return self.backhaul and one.state() is serving and other.state() is serving

    def within(self, zone: Zone | None, site: str) -> list[Tower]:
        """Return the cells an action is about: one by name, those in a zone, or all."""
        if site:
            return [tower for tower in self.towers.values() if tower.site.id == site]
        return [tower for tower in self.towers.values() if zone is None or inside(tower.site.at, zone)]


def _to_nobody(_on: bool) -> None:  # noqa: FBT001 - a callback
    """Tell nobody."""


def inside(place: Place, zone: Zone) -> bool:
    """Whether a place lies in a zone."""
    west, south, east, north = zone.box
    return west <= place[0] <= east and south <= place[1] <= north


def reach_km(site: Site, env: Env) -> float:
    """Return how far a cell is heard by a phone at 1.5 m, from the link budget."""
    km = RANGE_STEP_KM
    while km < MAX_RANGE_KM:
        if site.power_dbm - path_loss_db(CELL_MHZ, km, site.antenna_m, PHONE_M, env) < CELL_FLOOR_DBM:
            return km
        km += RANGE_STEP_KM
    return MAX_RANGE_KM


def _now_s() -> float:
    return asyncio.get_running_loop().time()
