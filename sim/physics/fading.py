"""Multipath fading: one gain per burst, in dB around the local mean."""

from __future__ import annotations

from math import cos, log, log10, pi, sqrt
from random import Random

LIGHT_KM_S = 299_792.458
"""Speed of light (exact by the definition of the metre)."""
RESTING_HZ = 0.1
"""Doppler of a terminal that stands still: leaves, people and cars around it still move, so that nobody
parks in a fade for ever (our figure: a changed fade every few seconds)."""
DEEPEST_DB = -60.0
"""Deeper fades count as this deep; one burst in a million."""

_DEEPEST = 10.0 ** (DEEPEST_DB / 10.0)
_J0_SMALL = (1.0, -2.2499997, 1.2656208, -0.3163866, 0.0444479, -0.0039444, 0.0002100)
_J0_SIZE = (0.79788456, -0.00000077, -0.00552740, -0.00009512, 0.00137237, -0.00072805, 0.00014476)
_J0_PHASE = (-0.78539816, -0.04166397, -0.00003954, 0.00262573, -0.00054125, -0.00029333, 0.00013558)
_J0_JOIN = 3.0


def doppler_hz(speed_kmh: float, f_mhz: float) -> float:
    """Greatest Doppler shift v f / c: 17.1 Hz at 50 km/h and 370 MHz."""
    return speed_kmh / 3600.0 * f_mhz * 1e6 / LIGHT_KM_S


def coherence_s(doppler: float) -> float:
    """Time over which the channel stays about the same: 0.423 / fd (Rappaport)."""
    return 0.423 / doppler


def bessel_j0(x: float) -> float:
    """Return J0(x), error below 1e-7 (Abramowitz and Stegun 9.4.1, 9.4.3)."""
    x = abs(x)
    if x <= _J0_JOIN:
        return _polynomial(_J0_SMALL, (x / 3.0) ** 2)
    inverse = 3.0 / x
    return _polynomial(_J0_SIZE, inverse) * cos(x + _polynomial(_J0_PHASE, inverse)) / sqrt(x)


def correlation(doppler: float, apart_s: float) -> float:
    """How far two bursts `apart_s` apart fade together: J0(2 pi fd T) (Clarke, 1968)."""
    return bessel_j0(2.0 * pi * doppler * apart_s)


def rayleigh_db(random: Random) -> float:
    """Gain of one burst where no path dominates: mean power 1, independent of every other burst."""
    power = -log(1.0 - random.random())
    return 10.0 * log10(power) if power > _DEEPEST else DEEPEST_DB


def rice_db(random: Random, k_db: float) -> float:
    """Gain of one burst with a direct path `k_db` above the rest: mean power 1."""
    k = 10.0 ** (k_db / 10.0)
    spread = sqrt(0.5 / (k + 1.0))
    real = sqrt(k / (k + 1.0)) + spread * random.gauss(0.0, 1.0)
    imaginary = spread * random.gauss(0.0, 1.0)
    return _decibels(real * real + imaginary * imaginary)


class Fader:
    """Fading of one path over time: an AR(1) walk whose steps have the correlation J0(2 pi fd T).

    `k_db` None: Rayleigh. Asked twice for the same instant it gives the same gain and draws nothing.
    """

    __slots__ = ("_at_s", "_direct", "_imaginary", "_random", "_real", "_spread")

    def __init__(self, random: Random, k_db: float | None = None) -> None:
        k = 0.0 if k_db is None else 10.0 ** (k_db / 10.0)
        self._random = random
        self._direct = sqrt(k / (k + 1.0))
        self._spread = sqrt(0.5 / (k + 1.0))
        self._real = random.gauss(0.0, 1.0)
        self._imaginary = random.gauss(0.0, 1.0)
        self._at_s = 0.0

    def gain_db(self, now_s: float, doppler: float) -> float:
        """Gain of a burst at `now_s`, the terminal having moved with this Doppler since the last one."""
        apart_s = now_s - self._at_s
        if apart_s > 0.0:
            rho = correlation(max(doppler, RESTING_HZ), apart_s)
            fresh = sqrt(max(0.0, 1.0 - rho * rho))
            self._real = rho * self._real + fresh * self._random.gauss(0.0, 1.0)
            self._imaginary = rho * self._imaginary + fresh * self._random.gauss(0.0, 1.0)
            self._at_s = now_s
        real = self._direct + self._spread * self._real
        imaginary = self._spread * self._imaginary
        return _decibels(real * real + imaginary * imaginary)


def _decibels(power: float) -> float:
    return 10.0 * log10(power) if power > _DEEPEST else DEEPEST_DB


def _polynomial(coefficients: tuple[float, ...], x: float) -> float:
    value = 0.0
    for coefficient in reversed(coefficients):
        value = value * x + coefficient
    return value
