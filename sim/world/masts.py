"""Antennas of a world: where they are at this moment, and what they radiate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sim.world.motion import Place

GRID: Final = 2
"""Decimals of a kilometre that count: ten metres are less than any shadow, and places repeat."""

BASE_M: Final = 10.0
"""From this height on an antenna is a base station's, on a mast."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a kind of station radiates: its power, its antenna's gain with cables and bodies, its height."""

    power_dbm: float
    gain_db: float
    height_m: float = 1.5


HANDHELD: Final = Figures(36.0, -6.0)
"""4 W, the antenna beside a body (reference page simulator-and-fault-testing §3.1)."""

VEHICLE: Final = Figures(44.0, 3.0)
"""25 W, a quarter wave on a roof; its height is the node's."""

BASE: Final = Figures(44.0, 6.0)
"""25 W, a collinear antenna on a mast, cables included."""

RELAY_GAIN_DB: Final = 6.0
"""A relay hill's antenna, cables and filters included; its power and height are the site's."""


class Mast:
    """An antenna that is wherever its bearer is: `where` tells the place at an instant."""

    __slots__ = ("_at_s", "_place", "_where", "gain_db", "height_m", "name", "power_dbm")

    def __init__(self, name: str, where: Callable[[float], Place], figures: Figures) -> None:
        self.name = name
        self.power_dbm = figures.power_dbm
        self.gain_db = figures.gain_db
        self.height_m = figures.height_m
        self._where = where
        self._at_s = -1.0
        self._place: Place = (0.0, 0.0)

    @property
    def x_km(self) -> float:
        """Kilometres east, on a grid of ten metres."""
        return self.place()[0]

    @property
    def y_km(self) -> float:
        """Kilometres north, on the same grid."""
        return self.place()[1]

    def place(self) -> Place:
        """Where it is now, on that grid."""
        now_s = asyncio.get_running_loop().time()
        if now_s != self._at_s:
            x, y = self._where(now_s)
            self._at_s, self._place = now_s, (round(x, GRID), round(y, GRID))
        return self._place


def gateway_figures(antenna_m: float) -> Figures:
    """Return what a gateway's radio radiates, by the height of its antenna."""
    kind = BASE if antenna_m >= BASE_M else VEHICLE
    return Figures(kind.power_dbm, kind.gain_db, antenna_m)
