"""Two states in turn for exponential stretches of time or road: the core of blockage and loss bursts.

The walk is drawn stretch by stretch, so asking more often changes nothing and draws nothing.
"""

from __future__ import annotations

from math import inf
from random import Random

STRETCHES_MAX = 2_000
"""Stretches followed in one step; across a longer gap the walk is begun anew from its long-run shares."""


class TwoState:
    """Good and bad in turn, for `mean_good` and `mean_bad` on average (seconds, metres: the caller's).

    0 for one mean: always the other. Both 0, or a negative one: ValueError. The first state is drawn by its
    share. `random` only seeds it: what else draws there does not change the walk.
    """

    __slots__ = ("_bad", "_mean_bad", "_mean_good", "_next", "_random")

    def __init__(self, random: Random, mean_good: float, mean_bad: float) -> None:
        if min(mean_good, mean_bad) < 0.0 or mean_good + mean_bad <= 0.0:
            raise ValueError(f"means must be 0 or more, one above 0, found {mean_good} and {mean_bad}")
        self._random = Random(random.getrandbits(64))  # noqa: S311 - repeatable on purpose
        self._mean_good = mean_good
        self._mean_bad = mean_bad
        self._bad, self._next = self._begin(0.0)

    @property
    def bad_share(self) -> float:
        """Long-run share of the bad state."""
        return self._mean_bad / (self._mean_good + self._mean_bad)

    @property
    def next_change(self) -> float:
        """Where the state of the last answer ends; inf if never."""
        return self._next

    def bad(self, at: float) -> bool:
        """Return the state at `at`, which never goes back."""
        if at < self._next:
            return self._bad
        for _ in range(STRETCHES_MAX):
            self._bad = not self._bad
            self._next += self._stretch(bad=self._bad)
            if at < self._next:
                return self._bad
        self._bad, self._next = self._begin(at)
        return self._bad

    def _begin(self, at: float) -> tuple[bool, float]:
        bad = self._random.random() < self.bad_share
        one_state = self._mean_good == 0.0 or self._mean_bad == 0.0
        return bad, inf if one_state else at + self._stretch(bad=bad)

    def _stretch(self, *, bad: bool) -> float:
        return self._random.expovariate(1.0 / (self._mean_bad if bad else self._mean_good))
