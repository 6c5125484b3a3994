"""How long a set in somebody's hand lives: its own hours of battery, and perhaps a charger at a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from typing import Final

from sim.loop import NEUTRAL
from sim.physics.energy import Battery
from sim.scenario.model import Group

CHARGE_H: Final = 3.0
"""A charger fills an empty set in so many hours, while it is used."""


class Life:
    """One set's battery: `dark` is called when it is empty, `lit` when it has power again.

    Without a charger (`Group.mains`) its hours run from the start, with one only while the mains are cut.
    """

    def __init__(self, group: Group, dark: Callable[[], None], lit: Callable[[], None]) -> None:
        hours = group.battery_h.low
        self._charger = group.mains
        # one watt of load makes watt-hours hours
        self._battery = Battery(hours, 1.0, charge_w=hours / CHARGE_H, supply_w=inf if group.mains else 0.0)
        self._dark, self._lit = dark, lit
        self._is_dark = False
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Let the battery run."""
        self._look()

    def set_mains(self, *, on: bool) -> None:
        """Switch the mains where its charger is."""
        if self._charger:
            self._battery.set_supply(_now_s(), inf if on else 0.0)
            self._look()

    def renew(self) -> None:
        """Put a full battery in."""
        self._battery.swap(_now_s())
        self._look()

    def _look(self) -> None:
        """Tell a change, and wake when the battery will be empty."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now_s = _now_s()
        if (alive := self._battery.alive(now_s)) is self._is_dark:
            self._is_dark = not alive
            (self._lit if alive else self._dark)()
        if alive and (left_s := self._battery.empty_in_s(now_s)) < inf:
            self._timer = asyncio.get_running_loop().call_later(left_s, self._look, context=NEUTRAL)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
