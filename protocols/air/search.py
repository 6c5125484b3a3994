"""How much deep searching a receiver affords: a token bucket per claimed source and one for all."""

from __future__ import annotations

SEARCHES_PER_S = 2.0
"""Deep searches a second per claimed source: a sender far ahead needs one; each costs some 40 ms."""

SEARCHES_ALL_PER_S = 4.0
"""Deep searches a second in all: whoever forges many sources still gets at most a sixth of one core."""

SEARCH_BURST_S = 2.0
"""A bucket holds this many seconds' worth."""

SOURCES_MAX = 1024
"""Sources remembered; only stations we hold keys for get here, the least recently searched goes first."""


class SearchBudget:
    """One per receiving gateway; `take` is True while both buckets hold a token. `now_s` is monotonic."""

    def __init__(self) -> None:
        self._sources: dict[int, tuple[float, float]] = {}
        self._all = (SEARCHES_ALL_PER_S * SEARCH_BURST_S, 0.0)

    def take(self, source: int, now_s: float) -> bool:
        """Whether one more deep search for `source` may run now."""
        mine = _filled(self._sources.pop(source, None), SEARCHES_PER_S, now_s)
        total = _filled(self._all, SEARCHES_ALL_PER_S, now_s)
        allowed = mine >= 1 and total >= 1
        if len(self._sources) >= SOURCES_MAX:
            del self._sources[next(iter(self._sources))]
        self._sources[source] = (mine - allowed, now_s)
        self._all = (total - allowed, now_s)
        return allowed


def _filled(bucket: tuple[float, float] | None, rate_per_s: float, now_s: float) -> float:
    full = rate_per_s * SEARCH_BURST_S
    if bucket is None:
        return full
    tokens, since_s = bucket
    return min(full, tokens + max(0.0, now_s - since_s) * rate_per_s)
