"""Hunting one planted bug: `python -m tests.mutants.hunt NAME [A..B]` plays seeds until one is broken.

Prints one JSON object: the seed, what broke, the shrunk faults, and whether its replay breaks the same. With
`--count A..B` every seed of the range is played and only counted; with `--find A..B` the first is named that
breaks and is not among `--known`, those that break without the bug too.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from sim.run import replay
from sim.run.play import play
from sim.run.sweep import Outcome, one_seed
from sim.scenario.draw import draw
from sim.scenario.library import find
from sim.scenario.model import Scenario
from sim.scenario.read import load_scenario
from tests.mutants.catalogue import ALL

MAX_SEEDS = 200
"""Seeds of the sweep that every run of the tests plays."""


def find_first(scenario: Scenario, seeds: range, known: frozenset[int]) -> dict[str, Any]:
    """Play seeds until one is broken that was not `known` to be without the bug."""
    for number, seed in enumerate((seed for seed in seeds if seed not in known), start=1):
        outcome = one_seed((scenario, seed))
        if not outcome.holds:
            return {"seed": seed, "played": number, "by": outcome.broken, "details": outcome.details[:2]}
    return {"seed": None, "played": len(seeds)}


def hunt(scenario: Scenario, first: int, *, shrinks: bool) -> dict[str, Any]:
    """Play the seed that once found it, then the others in order; shrink and replay the first broken one.

    Without `shrinks` it is only replayed.
    """
    for seed in (first, *(n for n in range(1, MAX_SEEDS + 1) if n != first)):
        outcome = one_seed((scenario, seed))
        if outcome.holds:
            continue
        if outcome.failed:  # it ends the run itself: there is no schedule to shrink
            return {"seed": seed, "broken": outcome.broken, "faults": [], "details": outcome.details[:3]}
        return {"seed": seed, "details": outcome.details[:3]} | _replayed(scenario, seed, shrinks=shrinks)
    return {"seed": None}


def _replayed(scenario: Scenario, seed: int, *, shrinks: bool) -> dict[str, Any]:
    small = replay.of_result(play(draw(scenario, seed)))
    if shrinks:
        small = replay.shrink(small, faults_only=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.json"
        replay.write(path, small)
        again = replay.of_result(play(replay.read(path).drawn))
    return {
        "broken": small.broken,
        "faults": [f"{f.kind.value} {f.target} at {f.at_s:.0f} s" for f in small.drawn.schedule.faults],
        "replayed": (again.trace, again.broken) == (small.trace, small.broken),
    }


def count(scenario: Scenario, seeds: range) -> dict[str, Any]:
    """Play every seed and count what it broke."""
    outcomes = [one_seed((scenario, seed)) for seed in seeds]
    broken: list[Outcome] = [one for one in outcomes if not one.holds]
    return {
        "caught": len(broken),
        "of": len(outcomes),
        "seeds": [one.seed for one in broken],
        "by": sorted({name for one in broken for name in one.broken}),
        "details": [f"{one.seed}: {one.details[0][:160]}" for one in broken[:3]],
    }


def _range(text: str) -> range:
    first, _, last = text.partition("..")
    return range(int(first), int(last) + 1)


def main() -> None:
    """Plant, then play."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=sorted(ALL))
    parser.add_argument("--count", metavar="A..B", default="")
    parser.add_argument("--find", metavar="A..B", default="")
    parser.add_argument("--known", metavar="N,N", default="")
    parser.add_argument("--quick", action="store_true", help="do not shrink")
    args = parser.parse_args()
    bug = ALL[args.name]
    scenario = load_scenario(find(bug.scenario))
    bug.plant()
    if args.count:
        told = count(scenario, _range(args.count))
    elif args.find:
        known = frozenset(int(one) for one in args.known.split(",") if one)
        told = find_first(scenario, _range(args.find), known)
    else:
        told = hunt(scenario, bug.seed, shrinks=not args.quick)
    print(json.dumps({"mutant": bug.name, **told}, ensure_ascii=False))  # noqa: T201 - its answer


if __name__ == "__main__":
    main()
