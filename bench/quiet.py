"""Gateways with nothing to say, heartbeats and polls every minute: times real time."""

from __future__ import annotations

from bench.convoy import measure
from bench.figure import Figure

SMALL, LARGE = 10, 50
SMALL_S, LARGE_S = 1_800.0, 600.0
"""Virtual seconds."""

QUIET_S = 60.0
"""Between heartbeats and polls of every link; the promise is for 10 s or more."""

SMALL_AT_LEAST, LARGE_AT_LEAST = 2_000.0, 400.0
HOW = "python -P -m bench.run quiet"


def run() -> list[Figure]:
    """Return both factors, with what the shortest allowed interval of 10 s gives beside the first."""
    small = measure(SMALL, SMALL_S, quiet_s=QUIET_S)
    shortest = measure(SMALL, SMALL_S / 3, quiet_s=10.0)
    large = measure(LARGE, LARGE_S, quiet_s=QUIET_S)
    return [
        Figure(
            name="quiet10",
            value=small.times,
            unit="x real time",
            how=HOW,
            at_least=SMALL_AT_LEAST,
            peers={"every 10 s": shortest.times},
        ),
        Figure(name="quiet50", value=large.times, unit="x real time", how=HOW, at_least=LARGE_AT_LEAST),
    ]
