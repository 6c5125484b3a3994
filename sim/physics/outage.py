"""Why a cell goes silent: its mains, then its battery; and why it talks to nobody: its backhaul."""

from __future__ import annotations

from enum import Enum
from math import inf

from sim.physics.energy import Battery


class CellState(Enum):
    """What a phone near the cell finds."""

    SERVING = "serving"
    ISOLATED = "isolated"
    """The cell is on the air, but nothing goes beyond it."""
    SILENT = "silent"
    """Nothing is on the air."""


class Cell:
    """A cell site: mains, `battery_h` hours of battery, backhaul; pure, driven by `now_s` in order.

    When power comes back to a silent site it starts again within `start_s`; its battery charges in `charge_h`
    hours (telecom rectifiers commonly need about ten).
    """

    __slots__ = ("_backhaul", "_battery", "_start_s", "_up_at_s")

    def __init__(self, battery_h: float, *, start_s: float = 180.0, charge_h: float = 10.0) -> None:
        # one watt of load makes watt-hours hours
        self._battery = Battery(battery_h, 1.0, charge_w=battery_h / charge_h, supply_w=inf)
        self._start_s = start_s
        self._up_at_s = -inf
        self._backhaul = True

    def set_mains(self, now_s: float, *, on: bool) -> None:
        """Switch the mains."""
        was_dead = not self._battery.alive(now_s)
        self._battery.set_supply(now_s, inf if on else 0.0)
        if was_dead and on:
            self._up_at_s = now_s + self._start_s

    def set_backhaul(self, now_s: float, *, on: bool) -> None:
        """Cut or mend the fibre."""
        self._battery.left_wh(now_s)
        self._backhaul = on

    def state(self, now_s: float) -> CellState:
        """Return the state now."""
        if not self._battery.alive(now_s) or now_s < self._up_at_s:
            return CellState.SILENT
        return CellState.SERVING if self._backhaul else CellState.ISOLATED

    def change_s(self, now_s: float) -> float:
        """Seconds until the state changes by itself (battery empty, start finished); inf if it will not."""
        empty_in_s = self._battery.empty_in_s(now_s)
        if now_s < self._up_at_s:
            return min(self._up_at_s - now_s, empty_in_s if empty_in_s > 0.0 else inf)
        return empty_in_s if empty_in_s > 0.0 else inf

    def battery_h(self, now_s: float) -> float:
        """Hours the battery would still last."""
        return self._battery.left_wh(now_s)
