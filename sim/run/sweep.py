"""Many seeds of one scenario, on all cores; each run is a value, so that they can be counted and kept."""

from __future__ import annotations

import csv
import io
import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.pool import Pool
from pathlib import Path
from types import FrameType
from typing import Any, Final

from sim.report.tables import BYTE_ORDER_MARK
from sim.run.outline import outline, outline_of_failure
from sim.run.play import play, scratch
from sim.run.replay import broken_names
from sim.scenario.draw import draw
from sim.scenario.model import Scenario

RUN_MAX_S: Final = 900.0
"""Real seconds that one run may take: a gateway that spins at one instant of virtual time never ends."""

CHUNKS: Final = 16
MAX_CHUNK: Final = 4
"""Seeds go to the workers in about so many pieces each, of so many at most: few trips, and a live bar."""


class RunawayError(KeyboardInterrupt):
    """A run took RUN_MAX_S; of this class, because a loop lets no other one through its tasks."""


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
    told: dict[str, Any]
    """What `--json` prints of it."""
    failed: str = ""


def sweep(scenario: Scenario, seeds: Iterable[int], *, processes: int = 0) -> Iterator[Outcome]:
    """Play every seed; outcomes come as they are done. `processes` 0: one for each core."""
    work = [(scenario, seed) for seed in seeds]
    wanted = min(len(work), processes or len(os.sched_getaffinity(0)))
    if wanted <= 1:
        yield from map(one_seed, work)
        return
    # the scratch files are this process's to remove, however its workers end
    with scratch() as folder, _pool(wanted) as pool:
        chunk = max(1, min(MAX_CHUNK, len(work) // (CHUNKS * wanted)))
        yield from pool.imap_unordered(partial(one_seed, folder=folder), work, chunk)


@contextmanager
def _pool(wanted: int) -> Iterator[Pool]:
    """Start workers to whom Ctrl-C means nothing: this process ends them, and only it tells of it.

    Spawned, not forked: a worker begins as clean as a new process, whatever this one holds.
    """
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        pool = multiprocessing.get_context("spawn").Pool(wanted)
    finally:
        signal.signal(signal.SIGINT, before)
    with pool:
        yield pool


@contextmanager
def _limited(limit_s: float) -> Iterator[None]:
    """Raise RunawayError in the midst of what takes longer; only in a process's main thread."""

    def over(_number: int, _frame: FrameType | None) -> None:
        raise RunawayError(f"{limit_s:.0f} s and no end")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def one_seed(work: tuple[Scenario, int], *, folder: Path | None = None) -> Outcome:
    """Play one seed of a scenario; what goes wrong with the run itself is an outcome too.

    `folder` is where its scratch files go while it plays.
    """
    scenario, seed = work
    try:
        with _limited(RUN_MAX_S), scratch(folder) as made:
            result = play(draw(scenario, seed), folder=made)
    except (Exception, RunawayError) as error:  # noqa: BLE001 - a worker's root: the sweep tells it, goes on
        return Outcome(
            seed=seed,
            holds=False,
            trace="",
            broken=("simulator",),
            details=(repr(error),),
            metrics={},
            probes={},
            took_s=0.0,
            told=outline_of_failure(scenario.name, seed, repr(error)),
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
        told=outline(result),
    )


def seeds_csv(outcomes: Iterable[Outcome]) -> str:
    """Return a table of all seeds in order: what held, what broke, every metric; UTF-8 for Excel."""
    rows = sorted(outcomes, key=lambda outcome: outcome.seed)
    names = sorted({name for outcome in rows for name in outcome.metrics})
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["seed", "holds", "trace", "broken", "virtual_s", *names])
    for one in rows:
        figures = [one.metrics.get(name) for name in names]
        writer.writerow(
            [one.seed, int(one.holds), one.trace, " ".join(one.broken), round(one.took_s, 3), *figures]
        )
    return BYTE_ORDER_MARK + out.getvalue()
