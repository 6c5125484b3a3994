"""Energy of a battery as straight pieces between changes of load: watt-hours, exact, no ticks."""

from __future__ import annotations

from math import inf

HOUR_S = 3600.0
ROUNDING_WH = 1e-9
"""Less than this is nothing: an event set for the moment of emptiness then finds it empty."""


class Battery:
    """A store of `capacity_wh` with a load and perhaps a supply (mains, generator, sun).

    With a supply on, it feeds the load and charges with what is left, at most `charge_w`; a supply weaker
    than the load leaves the rest to the battery. An empty battery's load stays off until a supply carries it
    or the battery is swapped. Calls come in order of `now_s`.
    """

    __slots__ = ("_at_s", "_left_wh", "capacity_wh", "charge_w", "load_w", "supply_w", "used_wh")

    def __init__(
        self,
        capacity_wh: float,
        load_w: float,
        *,
        charge_w: float = 0.0,
        supply_w: float = 0.0,
        left_wh: float | None = None,
        now_s: float = 0.0,
    ) -> None:
        self.capacity_wh = capacity_wh
        self.load_w = load_w
        self.charge_w = charge_w
        self.supply_w = supply_w
        self.used_wh = 0.0
        """What the load has drawn so far, from wherever."""
        self._left_wh = capacity_wh if left_wh is None else min(left_wh, capacity_wh)
        self._at_s = now_s

    def left_wh(self, now_s: float) -> float:
        """Watt-hours left now."""
        self._advance(now_s)
        return self._left_wh

    def alive(self, now_s: float) -> bool:
        """Whether the load is fed: a supply that carries it, or something left."""
        self._advance(now_s)
        return self._fed()

    def set_load(self, now_s: float, load_w: float) -> None:
        """Draw `load_w` from now on."""
        self._advance(now_s)
        self.load_w = load_w

    def set_supply(self, now_s: float, supply_w: float) -> None:
        """Have `supply_w` from outside from now on; 0: mains off, inf: mains that carry anything."""
        self._advance(now_s)
        self.supply_w = supply_w

    def spend(self, now_s: float, wh: float) -> None:
        """Draw one lump, such as a transmitted burst, without two changes of load."""
        self._advance(now_s)
        if self._fed():
            self.used_wh += wh
            if self.supply_w <= self.load_w:
                self._left_wh = max(0.0, self._left_wh - wh)

    def swap(self, now_s: float, left_wh: float | None = None) -> None:
        """Put another battery in, full unless said otherwise."""
        self._advance(now_s)
        self._left_wh = self.capacity_wh if left_wh is None else min(left_wh, self.capacity_wh)

    def empty_in_s(self, now_s: float) -> float:
        """Seconds until nothing is left if nothing changes; inf if that never comes, 0 if it has."""
        self._advance(now_s)
        rate_w = self._rate_w()
        if rate_w >= 0.0:
            return inf if self._fed() else 0.0
        return self._left_wh / -rate_w * HOUR_S

    def full_in_s(self, now_s: float) -> float:
        """Seconds until it is full if nothing changes; inf if that never comes."""
        self._advance(now_s)
        missing_wh = self.capacity_wh - self._left_wh
        if missing_wh <= 0.0:
            return 0.0
        rate_w = self._rate_w()
        return missing_wh / rate_w * HOUR_S if rate_w > 0.0 else inf

    def _fed(self) -> bool:
        return self._left_wh > 0.0 or (self.supply_w > 0.0 and self.supply_w >= self.load_w)

    def _rate_w(self) -> float:
        """Watts into the battery; negative while it is drained."""
        over_w = self.supply_w - self.load_w
        if over_w >= 0.0:
            return min(over_w, self.charge_w) if self._left_wh < self.capacity_wh else 0.0
        return over_w if self._left_wh > 0.0 else 0.0

    def _advance(self, now_s: float) -> None:
        hours = (now_s - self._at_s) / HOUR_S
        if hours <= 0.0:
            return
        rate_w = self._rate_w()
        fed_hours = hours if self._fed() else 0.0
        if rate_w < 0.0 and self._left_wh <= -rate_w * hours + ROUNDING_WH:
            fed_hours = self._left_wh / -rate_w
            self._left_wh = 0.0
        else:
            self._left_wh += rate_w * hours
            if self._left_wh >= self.capacity_wh - ROUNDING_WH:
                self._left_wh = self.capacity_wh
        self.used_wh += self.load_w * fed_hours
        self._at_s = now_s
