"""When a station may transmit: at once (ALOHA), at a slot's beginning, or when it hears nobody (CSMA)."""

from __future__ import annotations

import random
from typing import Final, Protocol

from sim.radio.medium import Medium
from sim.radio.station import Radio
from sim.radio.timing import ns

SLOT_S: Final = 0.005
"""Least wait between two looks of an idle station: longer than carrier detection and turnaround together."""


class Access(Protocol):
    """A rule of taking turns; it holds no state of any one station."""

    def wait_ns(self, medium: Medium, radio: Radio, rng: random.Random, now_ns: int) -> int:
        """Return 0 to transmit now, else after how many nanoseconds to ask again."""


class Aloha:
    """Transmit whenever there is something to say."""

    def wait_ns(self, medium: Medium, radio: Radio, rng: random.Random, now_ns: int) -> int:
        """Return 0."""
        del medium, radio, rng, now_ns
        return 0


class SlottedAloha:
    """Transmit at the beginning of the next slot, without listening."""

    def __init__(self, slot_s: float) -> None:
        self._slot_ns = ns(slot_s)

    def wait_ns(self, medium: Medium, radio: Radio, rng: random.Random, now_ns: int) -> int:
        """Return what is left of the slot."""
        del medium, radio, rng
        return -now_ns % self._slot_ns


class Csma:
    """p-persistent: wait until nobody is heard, then transmit with probability `p`, else look a slot later.

    What others begin within the detection delay is not heard yet: that is how bursts still collide.
    """

    def __init__(self, *, p: float = 0.3, slot_s: float = SLOT_S) -> None:
        self._p = p
        self._slot_ns = ns(slot_s)

    def wait_ns(self, medium: Medium, radio: Radio, rng: random.Random, now_ns: int) -> int:
        """Return 0, a slot, or what is left of the carriers heard."""
        if medium.busy(radio, now_ns):
            return max(1, medium.clear_ns(radio) - now_ns)
        return 0 if rng.random() < self._p else self._slot_ns
