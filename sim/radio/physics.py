"""The physics of sim.physics in the words of a medium: 4FSK bursts over land, and walkers' slow fading."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import expm1, log1p
from typing import Final

from sim.physics.burst import NOISE_DBM, S5_DBM, p_burst, p_capture, p_faded
from sim.physics.fading import Fader, doppler_hz
from sim.physics.ground import Ground, Place
from sim.physics.pathloss import path_loss_db
from sim.radio.reception import Antenna
from sim.radio.station import Radio
from sim.radio.timing import NS, Timeline
from sim.scenario.model import Env

FADED_STEP_DB: Final = 0.1
"""Grid of mean levels on which the average over fading is looked up: finer than any data sheet."""

FARTHEST_KM: Final = 100.0
"""Nothing of ours is heard farther away (`sim.physics.pathloss.EXTENDED_FAR_KM`)."""

REACH_STEP_KM: Final = 0.1


class FourFsk:
    """A land mobile receiver: the burst tables for 4FSK at 4 800 symbols a second, 5 % errors at `s5_dbm`.

    `faded`: bursts fade by Rayleigh, each on its own; else not at all.
    """

    def __init__(self, s5_dbm: float = S5_DBM, *, faded: bool = True) -> None:
        self.noise_dbm = NOISE_DBM + s5_dbm - S5_DBM
        self._faded = faded

    def gain(self, quantile: float) -> float:
        """Return the power gain: exponential with mean 1, or 1."""
        return -log1p(-quantile) if self._faded else 1.0

    def p_noise(self, mean_cn_db: float) -> float:
        """Return the share of bursts above the noise."""
        if not self._faded:
            return p_burst(mean_cn_db)
        return p_faded(round(mean_cn_db / FADED_STEP_DB) * FADED_STEP_DB)

    def p_capture(self, ci_db: float) -> float:
        """Return the chance beside others, by the table of two 4FSK bursts."""
        return p_capture(ci_db)


class OverLand:
    """Propagation over a Ground; heights are above ground, `losses_db` is lost on every path."""

    def __init__(self, ground: Ground, *, losses_db: float = 0.0) -> None:
        self._ground = ground
        self._losses_db = losses_db

    def rssi_dbm(self, tx: Antenna, rx: Antenna, at_s: float) -> float:
        """Return the local mean: power and gains less path loss and the shadow of the two places."""
        del at_s
        here, there = Place(tx.x_km, tx.y_km, tx.height_m), Place(rx.x_km, rx.y_km, rx.height_m)
        loss_db = self._ground.loss_db(here, there) + self._losses_db
        return tx.power_dbm + tx.gain_db + rx.gain_db - loss_db


class Reach:
    """How far two antennas may be apart and still matter to each other: the culling of neighbours.

    Beyond it the median lies `margin_sigmas` of the shadow below `floor_dbm`: of the pairs just behind that
    edge one in forty would still be felt, and barely.
    """

    def __init__(
        self, *, f_mhz: float, env: Env, sigma_db: float, floor_dbm: float, margin_sigmas: float = 2.0
    ) -> None:
        self._f_mhz = f_mhz
        self._env = env
        self._floor_dbm = floor_dbm - margin_sigmas * sigma_db
        self._known: dict[tuple[float, float, float], float] = {}

    def __call__(self, tx: Antenna, rx: Antenna) -> float:
        """Return kilometres."""
        low, high = sorted((tx.height_m, rx.height_m))
        key = (tx.power_dbm + tx.gain_db + rx.gain_db, low, high)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._search(*key)
        return found

    def _search(self, radiated_dbm: float, low_m: float, high_m: float) -> float:
        near, far = 0.0, FARTHEST_KM
        while far - near > REACH_STEP_KM:
            middle = (near + far) / 2
            loss_db = path_loss_db(self._f_mhz, middle, low_m, high_m, self._env)
            near, far = (middle, far) if radiated_dbm - loss_db >= self._floor_dbm else (near, middle)
        return far


class Walking:
    """Draws for a medium whose fades last longer than a burst: people on foot. Rayleigh only."""

    def __init__(self, timeline: Timeline, *, speed_kmh: float, f_mhz: float = 370.0) -> None:
        self._timeline = timeline
        self._doppler_hz = doppler_hz(speed_kmh, f_mhz)

    def __call__(self, tx: Radio, rx: Radio, rng: random.Random) -> Callable[[], float]:
        """Give one link its slowly moving quantile."""
        del tx, rx
        fader = Fader(rng)

        def draw() -> float:
            gain_db = fader.gain_db(self._timeline.now_ns / NS, self._doppler_hz)
            return -expm1(-float(10.0 ** (gain_db / 10.0)))

        return draw
