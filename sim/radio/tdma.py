"""Two slots of 30 ms on one frequency, a burst of 27.5 ms in each: 264 bits at 9 600 bit/s, every 60 ms.

Reference page "simulator", section 3.3. A superframe of more slots is how a net gives each station its own.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sim.radio.medium import Medium
from sim.radio.station import Radio
from sim.radio.timing import NS

SLOT_NS: Final = 30_000_000
BURST_NS: Final = 27_500_000
"""Shorter than its slot: transmitters ramp up and down in what is left."""
FRAME_SLOTS: Final = 2


@dataclass(frozen=True, slots=True)
class SlotPlan:
    """A frame of `slots` slots. Slots count from the loop's 0; `slot % slots` is a place in the frame."""

    slots: int = FRAME_SLOTS
    slot_ns: int = SLOT_NS

    def slot_at(self, now_ns: int) -> int:
        """Return the number of the slot that runs now."""
        return now_ns // self.slot_ns

    def start_ns(self, slot: int) -> int:
        """Return when a slot begins."""
        return slot * self.slot_ns

    def next_slot(self, now_ns: int, places: Collection[int]) -> int:
        """Return the first slot at one of these places of the frame that begins now or later."""
        first = -(-now_ns // self.slot_ns)
        return next(slot for slot in range(first, first + self.slots) if slot % self.slots in places)

    @property
    def frame_s(self) -> float:
        """Seconds from a place to the same place in the next frame."""
        return self.slots * self.slot_ns / NS


class Tdma:
    """Transmit only at the beginning of a slot at one of `places` of the frame, there with probability `p`.

    `p` 1 is a slot of one's own; less is a slot that several share. `offset_ns` is how wrong the station's
    slot clock is.
    """

    def __init__(
        self, plan: SlotPlan, places: Collection[int], *, p: float = 1.0, offset_ns: int = 0
    ) -> None:
        if not any(0 <= place < plan.slots for place in places):
            raise ValueError(f"no place of {sorted(places)} lies in a frame of {plan.slots} slots")
        self._plan = plan
        self._places = frozenset(places)
        self._p = p
        self._offset_ns = offset_ns

    def wait_ns(self, medium: Medium, radio: Radio, rng: random.Random, now_ns: int) -> int:
        """Return 0 at the beginning of such a slot, else the time until then."""
        del medium, radio
        now_ns -= self._offset_ns
        begins_ns = self._plan.start_ns(self._plan.next_slot(now_ns, self._places))
        if begins_ns > now_ns:
            return begins_ns - now_ns
        if self._p >= 1.0 or rng.random() < self._p:
            return 0
        return self._plan.start_ns(self._plan.next_slot(now_ns + 1, self._places)) - now_ns
