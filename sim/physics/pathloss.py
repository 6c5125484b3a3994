"""How much weaker a signal gets on its way over land: dB from MHz, kilometres and antenna heights in metres.

Each formula stands alone, unclamped, for whoever wants to check it; `path_loss_db` is the one to use.
"""

from __future__ import annotations

from math import log10, sqrt

from sim.scenario.model import Env

LARGE_CITY_MHZ = 200.0
"""Hata's large-city height gain is given up to 200 MHz and from 400 MHz; between them we take the upper form,
as ns-3 does. At 370 MHz and 1.5 m the two differ by 0.003 dB, at 3 m by 0.13 dB."""
HATA_TOP_MHZ = 1500.0
"""Above, COST 231's form of the same formula holds (to 2 000 MHz)."""
HATA_FAR_KM = 20.0
"""Hata's own reach; beyond it the slope steepens after ITU-R P.529."""
EXTENDED_FAR_KM = 100.0
"""Reach of P.529's extension; nothing of ours is heard farther away."""
BASE_LOW_M = 30.0
"""Lowest base antenna of Hata's measurements."""
BASE_HIGH_M = 200.0
"""Highest; a relay hill above it counts as this high."""
MOBILE_HIGH_M = 10.0
"""Highest mobile antenna of Hata and of Egli's first branch; above it, 6 dB per doubling of height."""
LOW_M = 3.0
"""Up to this height (vehicle roof) an antenna stands among the clutter: Hata says nothing about it."""
LOWEST_M = 1.0
"""Lower antennas count as this high: a handheld on the ground is not modelled."""
NEAR_KM = 0.04
"""Nearer than this there is nothing between the antennas: free space (CEPT ERC Report 68)."""
FREE_KM = 0.1
"""From here on the models hold; between `NEAR_KM` and this, a straight line over lg d (same report)."""
MIN_KM = 0.001
"""Nearer antennas count as one metre apart."""


def free_space_db(f_mhz: float, d_km: float) -> float:
    """Loss between isotropic antennas in free space (ITU-R P.525)."""
    return 32.448 + 20.0 * log10(f_mhz) + 20.0 * log10(d_km)


def mobile_gain_db(f_mhz: float, h_m: float, env: Env) -> float:
    """What a mobile antenna of height `h_m` gains over one of 1.5 m: Hata's a(hm), 1-10 m.

    The large city has its own; every other environment uses that of the small and medium city.
    """
    if env is Env.URBAN_LARGE:
        if f_mhz <= LARGE_CITY_MHZ:
            return 8.29 * log10(1.54 * h_m) ** 2 - 1.1
        return 3.2 * log10(11.75 * h_m) ** 2 - 4.97
    lg = log10(f_mhz)
    return (1.1 * lg - 0.7) * h_m - (1.56 * lg - 0.8)


def clutter_db(f_mhz: float, env: Env) -> float:
    """What an environment takes from the urban loss (0 or less): Hata's suburban and open corrections."""
    if env is Env.SUBURBAN:
        return -2.0 * log10(f_mhz / 28.0) ** 2 - 5.4
    if env is Env.OPEN:
        lg = log10(f_mhz)
        return -4.78 * lg * lg + 18.33 * lg - 40.94
    return 0.0


def hata_db(f_mhz: float, d_km: float, base_m: float, mobile_m: float, env: Env) -> float:
    """Median loss after Hata (IEEE Trans. VT-29, 1980): 150-1500 MHz, base 30-200 m, mobile 1-10 m, 1-20 km.

    Above 1500 MHz COST 231's coefficients; beyond 20 km the steeper slope of ITU-R P.529 (`_reach`).
    """
    lg = log10(f_mhz)
    lg_base = log10(base_m)
    if f_mhz <= HATA_TOP_MHZ:
        urban = 69.55 + 26.16 * lg
    else:
        urban = 46.3 + 33.9 * lg + (3.0 if env is Env.URBAN_LARGE else 0.0)
    lg_d = log10(d_km) if d_km <= HATA_FAR_KM else _reach(f_mhz, d_km, base_m)
    urban += -13.82 * lg_base - mobile_gain_db(f_mhz, mobile_m, env) + (44.9 - 6.55 * lg_base) * lg_d
    return urban + clutter_db(f_mhz, env)


def egli_db(f_mhz: float, d_km: float, base_m: float, mobile_m: float) -> float:
    """Median loss over irregular land after Egli (Proc. IRE 45, 1957): 40-900 MHz, mobile antenna to 10 m."""
    return 20.0 * log10(f_mhz) + 40.0 * log10(d_km) - 20.0 * log10(base_m) + 76.3 - 10.0 * log10(mobile_m)


def two_ray_db(f_mhz: float, d_km: float, a_m: float, b_m: float) -> float:
    """Loss over flat ground, never below free space (which holds inside the breakpoint)."""
    plane = 40.0 * log10(d_km * 1000.0) - 20.0 * log10(a_m * b_m)
    return max(plane, free_space_db(f_mhz, d_km))


def breakpoint_m(f_mhz: float, a_m: float, b_m: float) -> float:
    """Distance from which the ground reflection counts: 4 ha hb / wavelength."""
    return 4.0 * a_m * b_m * f_mhz / 299.792458


def path_loss_db(f_mhz: float, d_km: float, h_a_m: float, h_b_m: float, env: Env) -> float:
    """Median loss between two antennas anywhere; symmetric, rising with distance, never below free space.

    One antenna at 30 m or more: Hata. Both at 3 m or less: Egli (open land: two-ray; city: Egli and the
    city's excess over the suburb). Between, the two are mixed by lg(height), so that no step is left. Below
    100 m a straight line over lg d leads to free space at 40 m.
    """
    high, low = (h_a_m, h_b_m) if h_a_m >= h_b_m else (h_b_m, h_a_m)
    high, low = max(high, LOWEST_M), max(low, LOWEST_M)
    d_km = max(d_km, MIN_KM)
    apart_km = (high - low) / 1000.0
    free = free_space_db(f_mhz, sqrt(d_km * d_km + apart_km * apart_km))
    if d_km >= FREE_KM:
        return max(free, _land_db(f_mhz, d_km, high, low, env))
    if d_km <= NEAR_KM:
        return free
    near, far = free_space_db(f_mhz, NEAR_KM), _land_db(f_mhz, FREE_KM, high, low, env)
    share = log10(d_km / NEAR_KM) / log10(FREE_KM / NEAR_KM)
    return max(free, near + share * (far - near))


def _land_db(f_mhz: float, d_km: float, high_m: float, low_m: float, env: Env) -> float:
    mobile_m = min(low_m, MOBILE_HIGH_M)
    if high_m >= BASE_LOW_M:
        loss = hata_db(f_mhz, d_km, min(high_m, BASE_HIGH_M), mobile_m, env)
    else:
        loss = _low_db(f_mhz, d_km, high_m, mobile_m, env)
        if high_m > LOW_M:
            step = hata_db(f_mhz, d_km, BASE_LOW_M, mobile_m, env)
            step -= _low_db(f_mhz, d_km, BASE_LOW_M, mobile_m, env)
            loss += step * log10(high_m / LOW_M)  # BASE_LOW_M is one decade above LOW_M
    if low_m > MOBILE_HIGH_M:
        loss -= 20.0 * log10(low_m / MOBILE_HIGH_M)
    return loss


def _low_db(f_mhz: float, d_km: float, high_m: float, low_m: float, env: Env) -> float:
    if env is Env.OPEN:
        return two_ray_db(f_mhz, d_km, high_m, low_m)
    loss = egli_db(f_mhz, d_km, high_m, low_m)
    return loss if env is Env.SUBURBAN else loss - clutter_db(f_mhz, Env.SUBURBAN)


def _reach(f_mhz: float, d_km: float, base_m: float) -> float:
    """Stand in for lg d beyond 20 km: (lg d)^b of ITU-R P.529-3, which stands for the earth's bulge."""
    beyond = log10(min(d_km, EXTENDED_FAR_KM) / HATA_FAR_KM)
    effective_m = base_m / sqrt(1.0 + 7e-6 * base_m * base_m)
    exponent = 1.0 + (0.14 + 1.87e-4 * f_mhz + 1.07e-3 * effective_m) * beyond**0.8
    return float(log10(d_km) ** exponent)
