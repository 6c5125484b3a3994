"""How long to wait before the next try."""

from __future__ import annotations

import random


class Backoff:
    """Delays that double from `first_s` to `max_s`; each is lengthened by up to `jitter` (0..1) of itself.

    Jitter keeps a room full of boxes, all powered up at once, from trying in step for ever.
    """

    def __init__(
        self, rng: random.Random, *, first_s: float = 1.0, max_s: float = 60.0, jitter: float = 0.2
    ) -> None:
        self.tries = 0
        self._rng = rng
        self._first_s = first_s
        self._max_s = max_s
        self._jitter = jitter
        self._base_s = first_s

    def next_s(self) -> float:
        """Return how long to wait now, and remember that another try failed."""
        self.tries += 1
        base_s, self._base_s = self._base_s, min(2 * self._base_s, self._max_s)
        return base_s * (1 + self._jitter * self._rng.random())

    def reset(self) -> None:
        """Start again from `first_s`: it worked."""
        self.tries = 0
        self._base_s = self._first_s
