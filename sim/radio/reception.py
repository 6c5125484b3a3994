"""Seams between a medium and the physics: how strong a burst arrives, how it fades, whether it survives."""

from __future__ import annotations

from typing import Protocol


class Antenna(Protocol):
    """Where a station is and what it radiates: the world moves it."""

    name: str
    height_m: float
    power_dbm: float
    gain_db: float

    @property
    def x_km(self) -> float:
        """Kilometres east, now."""

    @property
    def y_km(self) -> float:
        """Kilometres north, now."""


class Propagation(Protocol):
    """Path loss and shadowing, without fading."""

    def rssi_dbm(self, tx: Antenna, rx: Antenna, at_s: float) -> float:
        """Return the local mean at the receiver's input in dBm."""


class Reception(Protocol):
    """How bursts fade, and what a receiver makes of noise and of other bursts.

    One uniform number a burst, its quantile, says how it faded: the higher the stronger.
    """

    noise_dbm: float
    """Noise at the receiver's input, its own included."""

    def gain(self, quantile: float) -> float:
        """Return the linear power gain over the local mean at a quantile 0..1; it never falls."""

    def p_noise(self, mean_cn_db: float) -> float:
        """Return the share 0..1 of bursts that survive noise at this mean C/N, averaged over fading."""

    def p_capture(self, ci_db: float) -> float:
        """Return the chance 0..1 of a burst beside others of this sum, fading included in the figure."""


class Threshold:
    """The textbook receiver without fading: needs `cn_db` over the noise and `ci_db` over interference."""

    def __init__(self, *, noise_dbm: float = -124.7, cn_db: float = 8.0, ci_db: float = 8.0) -> None:
        self.noise_dbm = noise_dbm
        self._cn_db = cn_db
        self._ci_db = ci_db

    def gain(self, quantile: float) -> float:
        """Return 1."""
        del quantile
        return 1.0

    def p_noise(self, mean_cn_db: float) -> float:
        """Return 1 or 0."""
        return float(mean_cn_db >= self._cn_db)

    def p_capture(self, ci_db: float) -> float:
        """Return 1 or 0."""
        return float(ci_db >= self._ci_db)


class Flat:
    """Everybody hears everybody equally well: worlds that are about something else."""

    def __init__(self, rssi_dbm: float = -80.0) -> None:
        self._rssi_dbm = rssi_dbm

    def rssi_dbm(self, tx: Antenna, rx: Antenna, at_s: float) -> float:
        """Return the same for every pair."""
        del tx, rx, at_s
        return self._rssi_dbm


class Spot:
    """A plain Antenna: a place in kilometres and a handheld's figures."""

    __slots__ = ("gain_db", "height_m", "name", "power_dbm", "x_km", "y_km")

    def __init__(
        self,
        name: str,
        x_km: float = 0.0,
        y_km: float = 0.0,
        *,
        height_m: float = 1.5,
        power_dbm: float = 36.0,
        gain_db: float = 0.0,
    ) -> None:
        self.name = name
        self.x_km = x_km
        self.y_km = y_km
        self.height_m = height_m
        self.power_dbm = power_dbm
        self.gain_db = gain_db
