"""Geostationary satellites seen from the ground: distance, elevation, delay.

The earth is a sphere of its equatorial radius: an error below 22 km, 0.1 ms per leg.
"""

from __future__ import annotations

from math import asin, cos, degrees, radians, sqrt

EARTH_KM = 6378.137
"""Equatorial radius (WGS 84)."""
ORBIT_KM = 42_164.17
"""Radius of the geostationary orbit."""
LIGHT_KM_S = 299_792.458
"""Speed of light."""
TIANTONG_EAST_DEG = 101.4
"""Where Tiantong-1 01 stands."""
BEIDOU_EAST_DEG = (80.0, 110.5, 140.0)
"""Where the three that carry Beidou's short messages stand."""
VSAT_EAST_DEG = 110.5
"""Where ChinaSat 16 stands, which serves dishes on the move."""


def _cos_angle(lat_deg: float, lon_deg: float, satellite_deg: float) -> float:
    return cos(radians(lat_deg)) * cos(radians(lon_deg - satellite_deg))


def slant_km(lat_deg: float, lon_deg: float, satellite_deg: float) -> float:
    """Distance to a satellite above `satellite_deg` east: sqrt(Rg² + Re² - 2 Rg Re cos g)."""
    cosine = _cos_angle(lat_deg, lon_deg, satellite_deg)
    return sqrt(ORBIT_KM * ORBIT_KM + EARTH_KM * EARTH_KM - 2.0 * ORBIT_KM * EARTH_KM * cosine)


def elevation_deg(lat_deg: float, lon_deg: float, satellite_deg: float) -> float:
    """Angle of the satellite above the horizon; negative where the earth is in the way."""
    cosine = _cos_angle(lat_deg, lon_deg, satellite_deg)
    return degrees(asin((ORBIT_KM * cosine - EARTH_KM) / slant_km(lat_deg, lon_deg, satellite_deg)))


def hop_s(lat_deg: float, lon_deg: float, satellite_deg: float) -> float:
    """Time up and down again to the same place: one hop, 238.7 ms (zenith) to 278.1 ms (horizon)."""
    return 2.0 * slant_km(lat_deg, lon_deg, satellite_deg) / LIGHT_KM_S


def path_s(a: tuple[float, float], b: tuple[float, float], satellite_deg: float) -> float:
    """Time from one place (latitude, longitude) up and down to another."""
    return (slant_km(*a, satellite_deg) + slant_km(*b, satellite_deg)) / LIGHT_KM_S
