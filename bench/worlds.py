"""Whole small worlds a second in a sweep over seeds, on all cores: built, broken, mended and judged."""

from __future__ import annotations

import time

from bench.figure import Figure
from sim.run.sweep import sweep
from sim.scenario.library import find
from sim.scenario.read import load_scenario

SEEDS = range(1, 25)
AT_LEAST = 20.0
HOW = "python -P -m bench.run worlds"


def run() -> list[Figure]:
    """Return the rate of the whole sweep, start of the workers included."""
    scenario = load_scenario(find("small"))
    began_s = time.monotonic()
    outcomes = list(sweep(scenario, SEEDS))
    rate = len(outcomes) / (time.monotonic() - began_s)
    held = sum(outcome.holds for outcome in outcomes)
    return [
        Figure(
            name="worlds",
            value=rate,
            unit="1/s",
            how=HOW,
            at_least=AT_LEAST,
            peers={f"of {len(SEEDS)} held": float(held)},
        )
    ]
