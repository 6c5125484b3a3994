"""Loss in bursts on a link without geometry: two states after Gilbert (1960) and Elliott (1963)."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from sim.physics.twostate import TwoState


@dataclass(frozen=True, slots=True)
class GilbertSpec:
    """How a link loses frames: seconds good and bad on average, share of frames lost in each state."""

    good_s: float = 30.0
    bad_s: float = 2.0
    loss_good: float = 0.01
    loss_bad: float = 0.7

    @property
    def mean_loss(self) -> float:
        """Long-run share of frames lost."""
        bad = self.bad_s / (self.good_s + self.bad_s)
        return (1.0 - bad) * self.loss_good + bad * self.loss_bad


def from_frames(to_bad: float, to_good: float, frame_s: float, *, loss_bad: float = 1.0) -> GilbertSpec:
    """Return the spec of a chain that changes with chance `to_bad` or `to_good` (above 0) per frame."""
    return GilbertSpec(frame_s / to_bad, frame_s / to_good, 0.0, loss_bad)


class Gilbert:
    """One link's losses; one draw per frame beside those of the state."""

    __slots__ = ("_random", "_spec", "_state")

    def __init__(self, random: Random, spec: GilbertSpec) -> None:
        self._random = random
        self._spec = spec
        self._state = TwoState(random, spec.good_s, spec.bad_s)

    def lost(self, now_s: float) -> bool:
        """Whether a frame sent at `now_s` is lost."""
        share = self._spec.loss_bad if self._state.bad(now_s) else self._spec.loss_good
        return self._random.random() < share
