"""From signal level to the fate of one burst: 4FSK, 4800 symbols/s, 27.5 ms, BPTC(196,96).

Every table is the outcome of waveform and Monte-Carlo runs (docs/simulator-physics.md §3): a 4FSK modem with
root-raised-cosine filters, deviations 648/1944 Hz, a 9.3 kHz receive filter and a discriminator; BPTC with
five passes. Bit error rates are in per cent, levels in dB.

A burst is decided once per receiver: add the fade of the burst to the level, look up `p_burst`, draw.
The Rayleigh curve is the *average* over fading; never feed it a level that already has a fade in it.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from math import exp, inf, log, log10

S5_DBM = -119.0
"""Level at which a receiver has 5 % bit errors without fading: the sensitivity of the data sheets."""
S5_CN_DB = 5.7
"""C/N at that level."""
NOISE_DBM = S5_DBM - S5_CN_DB
"""Noise the receiver then has: kT, 9.3 kHz and a noise figure of 9.6 dB."""
SYNC_BITS, SYNC_ERRORS = 48, 4
"""A receiver finds a burst whose sync word has at most 4 errors."""
SLOT_TYPE_BITS, SLOT_TYPE_ERRORS = 20, 3
"""Golay(20,8) mends 3."""

Curve = tuple[tuple[float, float], ...]

STATIC: Curve = (
    *((-10.0, 50.0), (-5.0, 45.0), (0.0, 33.0), (2.0, 20.5)),  # ours: agrees with the block-fading average
    *((4.0, 12.2), (5.0, 7.3), (6.0, 4.3), (7.0, 2.26), (8.0, 1.18), (9.0, 0.53), (10.0, 0.20)),
    *((11.0, 0.07), (12.0, 0.02), (14.0, 0.0)),
)
"""C/N → bit errors without fading."""
RAYLEIGH: Curve = (
    *((-10.0, 50.0), (0.0, 27.0)),  # ours: below 4 dB nothing gets through
    *((4.0, 18.1), (5.0, 16.4), (6.0, 14.0), (7.0, 11.4), (8.0, 9.8), (9.0, 7.6), (10.0, 6.1)),
    *((11.0, 4.8), (12.0, 4.2), (14.0, 3.0), (16.0, 1.9), (18.0, 1.1), (20.0, 0.87), (25.0, 0.24)),
    *((35.0, 0.024), (45.0, 0.0024)),  # ours: a decade per 10 dB
)
"""Mean C/N → mean bit errors with Rayleigh fading of 17 Hz (50 km/h)."""
CAPTURE: Curve = (
    *((-10.0, 50.0), (-5.0, 45.0)),  # ours: the other one is heard
    *((0.0, 33.0), (2.0, 13.0), (4.0, 8.7), (5.0, 6.3), (6.0, 4.3), (7.0, 2.4), (8.0, 1.0)),
    *((9.0, 0.28), (10.0, 0.04), (12.0, 0.0)),
)
"""C/I → bit errors under one other burst 150 Hz off, C/N 30 dB."""
BPTC: Curve = (
    *((0.0, 0.0), (0.5, 3e-5), (1.0, 8e-4), (2.0, 0.011), (3.0, 0.051), (4.0, 0.141), (5.0, 0.284)),
    *((6.0, 0.443), (7.0, 0.605), (8.0, 0.749), (10.0, 0.921), (13.0, 1.0)),
)
"""Bit errors → share of BPTC(196,96) blocks lost, five passes."""
BURST_OK: Curve = (
    *((0.0, 1.0), (0.5, 1.0), (1.0, 0.999), (2.0, 0.986), (3.0, 0.933), (4.0, 0.816), (5.0, 0.641)),
    *((6.0, 0.455), (7.0, 0.284), (8.0, 0.154), (10.0, 0.032), (12.2, 0.004), (15.0, 0.0)),
)
"""Bit errors → share of bursts whose sync, slot type and block all survive."""

_GRID_DB, _PER_DB = 15, 20
_FADE_STEPS = 400


def ber_static(cn_db: float) -> float:
    """Bit errors without fading, per cent."""
    return _logarithmic(STATIC, cn_db)


def ber_rayleigh(mean_cn_db: float) -> float:
    """Mean bit errors over Rayleigh fading, per cent; for tables, not for single bursts."""
    return _logarithmic(RAYLEIGH, mean_cn_db)


def ber_capture(ci_db: float) -> float:
    """Bit errors under an interferer `ci_db` weaker, per cent."""
    return _logarithmic(CAPTURE, ci_db)


def bptc_loss(ber: float) -> float:
    """Share of BPTC blocks lost at `ber` per cent bit errors."""
    return _linear(BPTC, ber)


def burst_ok(ber: float) -> float:
    """Share of bursts received at `ber` per cent bit errors."""
    return _linear(BURST_OK, ber)


def cn_db(rssi_dbm: float, s5_dbm: float = S5_DBM) -> float:
    """C/N of a level at a receiver of this sensitivity: 5.7 + (RSSI - S5)."""
    return S5_CN_DB + rssi_dbm - s5_dbm


def capture_cn_db(ci_db: float) -> float:
    """Return the C/N that gives as many bit errors as this C/I does, so that one table serves both."""
    ber = ber_capture(ci_db)
    return inf if ber <= 0.0 else _inverse(STATIC, ber)


def sinr_eff_db(cn: float, ci_db: float) -> float:
    """Return what noise and interference leave together: the worse of the two (docs §3)."""
    return cn if ci_db >= CAPTURE[-1][0] else min(cn, capture_cn_db(ci_db))


def p_burst(cn: float) -> float:
    """Chance that a burst at this C/N (its own fade included) is received, 0 to 1."""
    place = cn * _PER_DB
    if place <= 0.0:
        return 0.0
    if place >= _STEPS:
        return 1.0
    step = int(place)
    low = _NOISE_GRID[step]
    return low + (_NOISE_GRID[step + 1] - low) * (place - step)


def p_capture(ci_db: float) -> float:
    """Chance that a burst is received beside an interferer `ci_db` weaker, noise apart, 0 to 1."""
    place = ci_db * _PER_DB
    if place <= 0.0:
        return 0.0
    if place >= _STEPS:
        return 1.0
    step = int(place)
    low = _CAPTURE_GRID[step]
    return low + (_CAPTURE_GRID[step + 1] - low) * (place - step)


def p_received(rssi_dbm: float, interference_dbm: float = -inf, s5_dbm: float = S5_DBM) -> float:
    """Chance that a burst of this level (its fade included) is received beside others of this sum."""
    clean = p_burst(S5_CN_DB + rssi_dbm - s5_dbm)
    if interference_dbm == -inf:
        return clean
    return min(clean, p_capture(rssi_dbm - interference_dbm))


def power_sum_dbm(*levels_dbm: float) -> float:
    """Level of several signals together; -inf for none."""
    watts = sum(10.0 ** (level / 10.0) for level in levels_dbm)
    return 10.0 * log10(watts) if watts > 0.0 else -inf


def p_message(p: float, bursts: int) -> float:
    """Chance that all of `bursts` bursts arrive without a repeat: p^n."""
    return p**bursts


@lru_cache(maxsize=1024)
def p_faded(mean_cn_db: float) -> float:
    """Chance that a burst arrives, averaged over block Rayleigh fading around `mean_cn_db`."""
    total = 0.0
    for step in range(_FADE_STEPS):
        total += p_burst(mean_cn_db + 10.0 * log10(-log(1.0 - (step + 0.5) / _FADE_STEPS)))
    return total / _FADE_STEPS


@lru_cache(maxsize=64)
def needed_db(p: float) -> float:
    """Level above S5 at which a share `p` (0 to 1, both excluded) of bursts arrives without fading."""
    low, high = 0.0, float(_GRID_DB)
    while high - low > 1e-6:  # noqa: PLR2004 - far below what any radio resolves
        middle = (low + high) / 2.0
        low, high = (middle, high) if p_burst(middle) < p else (low, middle)
    return high - S5_CN_DB


def _linear(curve: Curve, x: float) -> float:
    """Read a curve, straight between its points, flat beyond them."""
    if x <= curve[0][0]:
        return curve[0][1]
    if x >= curve[-1][0]:
        return curve[-1][1]
    place = bisect_right(curve, (x, inf))
    (x0, y0), (x1, y1) = curve[place - 1], curve[place]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)


def _logarithmic(curve: Curve, x: float) -> float:
    """Read a curve of bit errors, straight over their logarithm where neither end is 0."""
    place = bisect_right(curve, (x, inf))
    if not 0 < place < len(curve) or curve[place][1] <= 0.0:
        return _linear(curve, x)
    (x0, y0), (x1, y1) = curve[place - 1], curve[place]
    return y0 * exp(log(y1 / y0) * (x - x0) / (x1 - x0))


def _inverse(curve: Curve, ber: float) -> float:
    """Find where a falling curve of bit errors has this value."""
    low, high = curve[0][0], curve[-1][0]
    for _ in range(30):
        middle = (low + high) / 2.0
        low, high = (middle, high) if _logarithmic(curve, middle) > ber else (low, middle)
    return high


_STEPS = _GRID_DB * _PER_DB
_NOISE_GRID = tuple(burst_ok(ber_static(step / _PER_DB)) for step in range(_STEPS + 1))
_CAPTURE_GRID = tuple(burst_ok(ber_capture(step / _PER_DB)) for step in range(_STEPS + 1))
