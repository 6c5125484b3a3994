"""The land between two antennas: median loss and shadow of a pair of places."""

from __future__ import annotations

from math import hypot
from typing import NamedTuple

from sim.physics.pathloss import MIN_KM, free_space_db, path_loss_db
from sim.physics.shadow import Shadow
from sim.scenario.model import Env

PAIRS_MAX = 32_768
"""Pairs of places remembered (about 8 MiB): 1 000 handhelds with 20 neighbours, and as much again."""


class Place(NamedTuple):
    """Where an antenna is: kilometres east and north of the area's corner, metres above ground."""

    x_km: float
    y_km: float
    h_m: float


class Ground:
    """One area at one frequency. `sigma_db` and `shadow_m` as in `Area`; `flat`: no loss at all.

    `loss_db` is a pure function of the two places and the seed; the memory only makes it fast.
    """

    __slots__ = ("_env", "_f_mhz", "_flat", "_pairs", "_shadow", "_shadow_km", "_sigma_db")

    def __init__(
        self, *, f_mhz: float, env: Env, sigma_db: float, shadow_m: float, seed: int | str, flat: bool = False
    ) -> None:
        self._f_mhz = f_mhz
        self._env = env
        self._sigma_db = sigma_db
        self._shadow_km = shadow_m / 1000.0
        self._shadow = Shadow(seed, shadow_m)
        self._flat = flat
        self._pairs: dict[tuple[Place, Place], float] = {}

    def loss_db(self, a: Place, b: Place) -> float:
        """Path loss with shadow, dB, equal in both directions, never below free space; 0 if flat.

        Nearer than the correlation distance the shadow shrinks with distance: both ends then stand behind
        the same obstacles.
        """
        pair = (a, b) if a <= b else (b, a)
        found = self._pairs.get(pair)
        if found is None:
            if len(self._pairs) >= PAIRS_MAX:
                self._pairs.clear()
            found = self._pairs[pair] = 0.0 if self._flat else self._loss_db(a, b)
        return found

    def _loss_db(self, a: Place, b: Place) -> float:
        d_km = max(hypot(a.x_km - b.x_km, a.y_km - b.y_km), MIN_KM)
        loss = path_loss_db(self._f_mhz, d_km, a.h_m, b.h_m, self._env)
        if self._sigma_db <= 0.0:
            return loss
        spread = self._sigma_db if d_km >= self._shadow_km else self._sigma_db * d_km / self._shadow_km
        shadow = spread * self._shadow.at(a.x_km, a.y_km, b.x_km, b.y_km)
        if shadow >= 0.0:
            return loss + shadow
        return max(loss + shadow, free_space_db(self._f_mhz, hypot(d_km, (a.h_m - b.h_m) / 1000.0)))
