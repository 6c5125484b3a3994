"""Log-normal shadowing that belongs to a pair of places: nothing is stored, nothing drifts.

The field is a function of seed and the four coordinates of two places. Independent normal values sit on a
lattice in these four dimensions (a hash of seed and the two cells gives each); between the lattice points the
value is mixed from the five corners of the simplex (Kuhn's) around it, scaled back to unit variance. So a
parked vehicle keeps its shadow, a step much shorter than the correlation distance hardly changes it, both
directions are equal, and a replay needs only the seed.
"""

from __future__ import annotations

from hashlib import blake2b
from math import floor, log10, sqrt
from statistics import NormalDist

from sim.scenario.model import Env

CORNERS_MAX = 32_768
"""Lattice values kept (about 4 MiB); when full all are dropped, and found again from the hash."""
SPACING = 1.4
"""Lattice step over correlation distance, chosen so that one end that moves by the correlation distance
leaves a correlation of 1/e (measured: see the tests)."""

_MASK = 0xFFFF_FFFF_FFFF_FFFF
_LOW, _HIGH = 0x9E37_79B9_7F4A_7C15, 0xC2B2_AE3D_27D4_EB4F
_MIX_A, _MIX_B = 0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB
_ROW = 1 << 24
_NORMAL = NormalDist()
_LAST = (0.0, 0, 0)


def sigma_db(f_mhz: float, env: Env) -> float:
    """Spread of the median over places: Okumura's curve as fitted by CCIR Report 567, 100-3000 MHz.

    At 370 MHz 6.1 dB in the city and 7.5 dB in the suburb; open land takes the suburb's.
    """
    lg = log10(f_mhz)
    return 0.65 * lg * lg - 1.3 * lg + (5.2 if env in {Env.URBAN, Env.URBAN_LARGE} else 6.6)


def correlation_m(env: Env) -> float:
    """Distance that leaves a correlation of 1/e: 20 m between houses, 500 m over land (Gudmundson)."""
    return 20.0 if env in {Env.URBAN, Env.URBAN_LARGE} else 500.0


class Shadow:
    """Shadowing in units of sigma between any two places. `correlation_m` 0 or less: ValueError."""

    __slots__ = ("_corners", "_scale", "_seed")

    def __init__(self, seed: int | str, correlation_m: float) -> None:
        if correlation_m <= 0.0:
            raise ValueError(f"correlation_m must be above 0, found {correlation_m}")
        self._seed = int.from_bytes(blake2b(f"{seed}|shadow".encode(), digest_size=8).digest(), "big")
        self._scale = 1000.0 / (SPACING * correlation_m)
        self._corners: dict[int, float] = {}

    def at(self, ax_km: float, ay_km: float, bx_km: float, by_km: float) -> float:
        """Return the shadow between two places: mean 0, spread 1, the same in both directions."""
        if (ax_km, ay_km) > (bx_km, by_km):  # equal to the last bit in both directions
            ax_km, ay_km, bx_km, by_km = bx_km, by_km, ax_km, ay_km
        scale = self._scale
        ax, ay, bx, by = ax_km * scale, ay_km * scale, bx_km * scale, by_km * scale
        i, j, k, m = floor(ax), floor(ay), floor(bx), floor(by)
        a, b = i * _ROW + j, k * _ROW + m
        order = [(ax - i, _ROW, 0), (ay - j, 1, 0), (bx - k, 0, _ROW), (by - m, 0, 1)]
        order.sort(reverse=True)
        order.append(_LAST)
        seed, known = self._seed, self._corners
        above = 1.0
        value = power = 0.0
        for part, step_a, step_b in order:
            key = (seed + a * _LOW + b * _HIGH if a <= b else seed + b * _LOW + a * _HIGH) & _MASK
            corner = known.get(key)
            if corner is None:
                corner = self._corner(key)
            weight = above - part
            value += weight * corner
            power += weight * weight
            a += step_a
            b += step_b
            above = part
        return value / sqrt(power)

    def _corner(self, key: int) -> float:
        if len(self._corners) >= CORNERS_MAX:
            self._corners.clear()
        mixed = ((key ^ (key >> 30)) * _MIX_A) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * _MIX_B) & _MASK
        found = self._corners[key] = _NORMAL.inv_cdf((((mixed ^ (mixed >> 31)) >> 12) + 0.5) / (1 << 52))
        return found
