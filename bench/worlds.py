"""Whole small worlds a second in a sweep over seeds, on all cores: built, broken, mended and judged."""

from __future__ import annotations

import resource
import time

from bench.figure import Figure
from sim.run.sweep import sweep
from sim.scenario.library import find
from sim.scenario.read import load_scenario

SEEDS = range(1, 61)
"""Enough that the start of the workers, a second of CPU each, is not what is measured."""

AT_LEAST = 20.0
HOW = "python -P -m bench.run worlds"


def run() -> list[Figure]:
    """Return the rate of the whole sweep, start of the workers included; beside it, per second of CPU."""
    scenario = load_scenario(find("small"))
    began_s, began_cpu_s = time.monotonic(), _cpu_s()
    outcomes = list(sweep(scenario, SEEDS))
    rate = len(outcomes) / (time.monotonic() - began_s)
    cpu_s = _cpu_s() - began_cpu_s
    held = sum(outcome.holds for outcome in outcomes)
    return [
        Figure(
            name="worlds",
            value=rate,
            unit="1/s",
            how=HOW,
            at_least=AT_LEAST,
            peers={
                f"of {len(SEEDS)} held": float(held),
                "a CPU second": len(outcomes) / cpu_s,
            },
        )
    ]


def _cpu_s() -> float:
    """CPU time of the workers that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
