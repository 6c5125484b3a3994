"""What stands between a vehicle and a satellite: two states by metres travelled.

After Lutz et al. (IEEE Trans. VT-40, 1991): clear stretches of `clear_m`, blocked ones of `blocked_m` on
average; at speed v the states are left at v/clear_m and v/blocked_m per second. A parked vehicle
keeps its state.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from sim.physics.fading import rayleigh_db, rice_db
from sim.physics.twostate import TwoState
from sim.scenario.model import Env


@dataclass(frozen=True, slots=True)
class Blockage:
    """A stretch of country. Blocked, the level is log-normal (mean, spread) with Rayleigh fading on top."""

    clear_m: float
    blocked_m: float
    rice_db: float = 10.0
    shadow_db: float = -8.9
    shadow_sigma_db: float = 5.1

    @property
    def blocked_share(self) -> float:
        """Share of the road that is blocked: Lutz's A."""
        return self.blocked_m / (self.clear_m + self.blocked_m)


HIGHWAY = Blockage(90.0, 29.0)
"""Lutz, highway, elevation 24°: A = 0.24."""
CITY = Blockage(9.0, 70.0, 3.9, -11.5, 2.0)
"""Lutz, city, elevation 13°: A = 0.89."""
OPEN_SKY = Blockage(1.0, 0.0)
"""Nothing in the way."""

ELEVATIONS_DEG = (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0)
LOS_DENSE_URBAN = (28.2, 33.1, 39.8, 46.8, 53.7, 61.2, 73.8, 82.0, 98.1)
LOS_URBAN = (24.6, 38.6, 49.3, 61.3, 72.6, 80.5, 91.9, 96.8, 99.2)
LOS_SUBURBAN = (78.2, 86.9, 91.9, 92.9, 93.5, 94.0, 94.9, 95.2, 99.8)
"""Chance of a clear view, per cent, for suburb and open country (3GPP TR 38.811, table 6.6.1-1)."""


def clear_share(env: Env, elevation_deg: float) -> float:
    """Chance (0 to 1) of a clear view of a satellite: TR 38.811, straight between its rows, flat beyond."""
    rows = {Env.URBAN_LARGE: LOS_DENSE_URBAN, Env.URBAN: LOS_URBAN}.get(env, LOS_SUBURBAN)
    place = min(max((elevation_deg - ELEVATIONS_DEG[0]) / 10.0, 0.0), len(rows) - 1.0)
    row = min(int(place), len(rows) - 2)
    return (rows[row] + (rows[row + 1] - rows[row]) * (place - row)) / 100.0


def typical(env: Env, elevation_deg: float) -> Blockage:
    """Return what to expect in `env`: Lutz's blocked stretches, clear ones to fit `clear_share`."""
    like = CITY if env in {Env.URBAN, Env.URBAN_LARGE} else HIGHWAY
    clear = clear_share(env, elevation_deg)
    clear_m = like.blocked_m * clear / (1.0 - clear)
    return Blockage(clear_m, like.blocked_m, like.rice_db, like.shadow_db, like.shadow_sigma_db)


class Sky:
    """One vehicle's view of one satellite along its way."""

    __slots__ = ("_country", "_random", "_state")

    def __init__(self, random: Random, country: Blockage) -> None:
        self._random = random
        self._country = country
        self._state = TwoState(random, country.clear_m, country.blocked_m)

    def blocked(self, travelled_m: float) -> bool:
        """Whether the view is blocked after `travelled_m` metres (which never fall)."""
        return self._state.bad(travelled_m)

    def change_s(self, travelled_m: float, speed_kmh: float) -> float | None:
        """Seconds until the view changes at this speed; None if it stays (parked, or nothing in the way)."""
        ahead_m = self._state.next_change - travelled_m
        if speed_kmh <= 0.0 or self._country.blocked_m == 0.0 or self._country.clear_m == 0.0:
            return None
        return max(0.0, ahead_m) / (speed_kmh / 3.6)

    def gain_db(self, travelled_m: float) -> float:
        """Gain of one burst over the unblocked mean."""
        country = self._country
        if not self.blocked(travelled_m):
            return rice_db(self._random, country.rice_db)
        return self._random.gauss(country.shadow_db, country.shadow_sigma_db) + rayleigh_db(self._random)
