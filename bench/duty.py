"""Gateways on duty with PDT, Tiantong, Beidou and UDP as shipped: times real time, and the price of a frame.

Each sends a message of 30 characters every 30 s; headquarters calls a roll of twelve. One run with ten
gateways and one with fifty. Real time is CPU time: a run waits for nothing.
"""

from __future__ import annotations

from bench.convoy import measure
from bench.figure import Figure

SMALL, LARGE = 10, 50
SMALL_S, LARGE_S = 300.0, 120.0
"""Virtual seconds; the one roll call makes the hour's twelfth part of it dearer, never cheaper."""

SMALL_AT_LEAST, LARGE_AT_LEAST = 150.0, 25.0
US_AT_MOST = 45.0
HOW = "python -P -m bench.run duty"


def run() -> list[Figure]:
    """Return both factors, and CPU time per frame or line of the smaller run."""
    small = measure(SMALL, SMALL_S, talk=True)
    large = measure(LARGE, LARGE_S, talk=True)
    return [
        Figure(name="duty10", value=small.times, unit="x real time", how=HOW, at_least=SMALL_AT_LEAST),
        Figure(name="duty50", value=large.times, unit="x real time", how=HOW, at_least=LARGE_AT_LEAST),
        Figure(
            name="duty_cpu_per_frame",
            value=small.us_each,
            unit="us",
            how=HOW,
            at_most=US_AT_MOST,
            peers={"fifty gateways": large.us_each},
        ),
    ]
