"""A run in plain values: what `sim run --json` prints, and the words for what was expected."""

from __future__ import annotations

from math import inf
from typing import Any, Final

from sim.run.play import Result
from sim.scenario.model import Expect, Rule

AFTER_HEAL: Final = " after heal"


def outline(result: Result) -> dict[str, Any]:
    """Return what `--json` prints of one run."""
    return {
        "scenario": result.drawn.scenario.name,
        "seed": result.drawn.seed,
        "trace": result.trace,
        "holds": result.holds,
        "expectations": [
            {
                "rule": verdict.expect.rule.value,
                "name": verdict.expect.name,
                "limit": limit_of(verdict.expect),
                "holds": verdict.holds,
                "found": verdict.found,
            }
            for verdict in result.verdicts
        ],
        "metrics": result.metrics,
        "broken": [
            {"promise": b.promise, "at_s": round(b.at_s, 3), "node": b.node, "detail": b.detail}
            for b in result.breaches
        ],
        "took_s": round(result.took_s, 3),
        "probes": result.probes,
    }


def outline_of_failure(scenario: str, seed: int, failed: str) -> dict[str, Any]:
    """Return the same of a run that the simulator itself could not play to its end."""
    return {
        "scenario": scenario,
        "seed": seed,
        "trace": "",
        "holds": False,
        "expectations": [],
        "metrics": {},
        "broken": [{"promise": "simulator", "at_s": 0.0, "node": "", "detail": failed}],
        "took_s": 0.0,
        "probes": {},
    }


def limit_of(expect: Expect) -> str:
    """Return what an expectation demands, in figures: "always", "≤ 1800 s after heal", "≥ 0.95"."""
    match expect.rule:
        case Rule.ALWAYS:
            return "always"
        case Rule.EVENTUALLY:
            return f"≤ {expect.within_s:g} s{AFTER_HEAL}"
        case Rule.METRIC:
            return _bounds(expect.low, expect.high)


def _bounds(low: float, high: float) -> str:
    if low == high:
        return f"= {low:g}"
    if high == inf:
        return f"≥ {low:g}"
    return f"≤ {high:g}" if low == -inf else f"{low:g}..{high:g}"
