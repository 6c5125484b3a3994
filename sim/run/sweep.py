"""Many seeds of one scenario, on all cores; each run is a value, so that they can be counted and kept."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sim.run.play import play
from sim.run.replay import broken_names
from sim.scenario.draw import draw
from sim.scenario.model import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one seed. `failed` is the error by which the simulator itself ended, "" as a rule."""

    seed: int
    holds: bool
    trace: str
    broken: tuple[str, ...]
    details: tuple[str, ...]
    metrics: dict[str, float]
    probes: dict[str, int]
    took_s: float
    failed: str = ""


def sweep(scenario: Scenario, seeds: Iterable[int], *, processes: int = 0) -> Iterator[Outcome]:
    """Play every seed; outcomes come as they are done. `processes` 0: one for each core."""
    work = [(scenario, seed) for seed in seeds]
    wanted = min(len(work), processes or len(os.sched_getaffinity(0)))
    if wanted <= 1:
        yield from map(one_seed, work)
        return
    # spawned, not forked: a worker begins as clean as a new process, whatever this one holds
    with multiprocessing.get_context("spawn").Pool(wanted) as pool:
        yield from pool.imap_unordered(one_seed, work)


def one_seed(work: tuple[Scenario, int]) -> Outcome:
    scenario, seed = work
    try:
        result = play(draw(scenario, seed))
    except Exception as error:  # noqa: BLE001 - a worker's root: the sweep tells it and goes on
        return Outcome(
            seed=seed,
            holds=False,
            trace="",
            broken=("simulator",),
            details=(repr(error),),
            metrics={},
            probes={},
            took_s=0.0,
            failed=repr(error),
        )
    details = tuple(f"{b.promise} {b.node} {b.at_s:.1f} s: {b.detail}" for b in result.breaches)
    missed = tuple(f"{v.expect.name}: {v.found}" for v in result.verdicts if not v.holds)
    return Outcome(
        seed=seed,
        holds=result.holds,
        trace=result.trace,
        broken=broken_names(result),
        details=details + missed,
        metrics=result.metrics,
        probes=result.probes,
        took_s=result.took_s,
    )
