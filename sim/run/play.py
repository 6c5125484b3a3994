"""One run: build the world, let it break (safety), mend it and demand that all comes right (liveness)."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sim import loop
from sim.faults.apply import Breaker
from sim.pace import Pace
from sim.record import Event, Record, What
from sim.run.breaches import Breach
from sim.run.carried import carried
from sim.run.conditions import Conditions
from sim.run.lacking import lacking
from sim.run.metrics import Metrics
from sim.run.promises import Promises
from sim.run.truth import Truth
from sim.scenario.draw import Drawn
from sim.scenario.model import Expect, Rule
from sim.standing import waiting
from sim.world.acting import Actors
from sim.world.budgets import budgets
from sim.world.world import World

CHECK_S: Final = 5.0
"""How often the liveness phase looks whether everything has come right."""

SETTLE_S: Final = 60.0
"""Shortest liveness phase: receipts and states follow the texts."""

TELLINGS: Final = 1000
"""How often a run says how far it has come, of its whole length: more than a bar has places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One expectation, judged. `found` says in words what was seen.

    A bound on a metric for which nothing happened (`counted` False) does not hold: it shows nothing.
    """

    expect: Expect
    holds: bool
    found: str
    counted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one run."""

    drawn: Drawn
    trace: str
    verdicts: tuple[Verdict, ...]
    breaches: tuple[Breach, ...]
    metrics: dict[str, float]
    probes: dict[str, int]
    took_s: float
    """Virtual seconds, both phases."""
    events: tuple[Event, ...]
    budgets: str
    """The link-budget table, one line per radio link; "" where the channel is flat."""
    carried: Mapping[tuple[str, str], str]
    """(Gateway, message id) → the link that carried it; only of a run whose events are kept."""
    pending: tuple[str, ...]
    """What every task waited for at the end; only of a run that did not hold, or whose events are kept."""

    @property
    def holds(self) -> bool:
        """Whether every expectation held."""
        return all(verdict.holds for verdict in self.verdicts)


def play(
    drawn: Drawn,
    *,
    keep: frozenset[What] = frozenset(),
    folder: Path | None = None,
    pace: Pace | None = None,
    told: Callable[[float], None] | None = None,
) -> Result:
    """Play a drawn run in virtual time; `keep` names the events wanted in the result.

    `folder` keeps the gateways' files; without one they go when the run ends. `pace` holds
    virtual time back to real time, and `told` hears now and then how many virtual seconds are past.
    """
    with scratch() as made:
        run = Run(drawn, folder or made, keep, told)
        return loop.run(run.play(), pace=pace)


@contextmanager
def scratch(within: Path | None = None) -> Iterator[Path]:
    """Give a directory that goes when the context is left: `within` another, else in memory if there is any.

    In memory, because the disks of gateways are here and their fsync is only simulated.
    """
    memory = Path("/dev/shm")  # noqa: S108 - files get a directory of their own, mode 0700
    place = within or (memory if memory.is_dir() else None)
    with tempfile.TemporaryDirectory(prefix="fieldgate-sim-", dir=place) as made:
        yield Path(made)


class Run:
    """A run under way."""

    def __init__(
        self, drawn: Drawn, folder: Path, keep: frozenset[What], told: Callable[[float], None] | None = None
    ) -> None:
        self.drawn = drawn
        self.record = Record(keep=keep)
        self._folder = folder
        self._told = told

    async def play(self) -> Result:
        """Both phases, and the judgement."""
        drawn, record = self.drawn, self.record
        world = World(drawn, self._folder, record)
        truth = Truth(record, hq=world.hq)
        promises = Promises(world, truth)
        metrics = Metrics(world, truth)
        conditions = Conditions(world, truth)
        asyncio.get_running_loop().set_exception_handler(promises.callback_failed)
        breaker, actors = Breaker(world), Actors(world)
        async with world:
            record.note(What.PHASE, name="safety")
            world.start()
            for name, (x_km, y_km) in world.starts.items():
                record.draw(What.MOVED, name, x_km=round(x_km, 3), y_km=round(y_km, 3))
            breaker.schedule(drawn.schedule)
            actors.schedule()
            promises.start(breaker)
            if self._told is not None:
                self._tell(self._told)
            await asyncio.sleep(drawn.scenario.duration_s)
            record.note(What.PHASE, name="heal")
            breaker.heal()
            actors.heal()
            world.calm()
            healed_s = world.now_s()
            reached = await self._converge(conditions, healed_s)
            await promises.finish()
            await metrics.finish()
            record.note(What.PHASE, name="end")
            trace = record.trace
            verdicts = tuple(
                self._judge(expect, promises, metrics, reached, healed_s) for expect in drawn.scenario.expects
            )
            verdicts = tuple([await _explained(verdict, world, truth) for verdict in verdicts])
            return Result(
                drawn=drawn,
                trace=trace,
                verdicts=verdicts,
                breaches=tuple(promises.breaches),
                metrics=metrics.values,
                probes=dict(world.probes),
                took_s=world.now_s(),
                events=tuple(record.events),
                budgets=budgets(world),
                carried=await carried(world) if record.keeps(What.MESSAGE) else {},
                pending=() if self._calm(verdicts) else tuple(waiting()),
            )

    def _calm(self, verdicts: tuple[Verdict, ...]) -> bool:
        """Whether nobody will ask what the tasks waited for."""
        return all(v.holds for v in verdicts) and not self.record.keeps(What.PHASE)

    def _tell(self, told: Callable[[float], None]) -> None:
        """Say how far it has come, and again soon; what happens in the world does not depend on it."""
        running = asyncio.get_running_loop()
        told(running.time())
        running.call_later(self.drawn.scenario.duration_s / TELLINGS, self._tell, told, context=loop.NEUTRAL)

    async def _converge(self, conditions: Conditions, healed_s: float) -> dict[str, float]:
        """Wait until every `eventually` holds at once, or its time is over; return when each came true."""
        wanted = {e.name: e.within_s for e in self.drawn.scenario.expects if e.rule is Rule.EVENTUALLY}
        limit_s = max([SETTLE_S, *wanted.values()])
        reached: dict[str, float] = {}
        now: Callable[[], float] = asyncio.get_running_loop().time
        while True:
            for name in wanted:
                if await conditions.holds(name):
                    reached.setdefault(name, now())
                else:
                    reached.pop(name, None)
            past_s = now() - healed_s
            if past_s >= limit_s or (past_s >= SETTLE_S and len(reached) == len(wanted)):
                return reached
            await asyncio.sleep(CHECK_S)

    def _judge(
        self,
        expect: Expect,
        promises: Promises,
        metrics: Metrics,
        reached: dict[str, float],
        healed_s: float,
    ) -> Verdict:
        match expect.rule:
            case Rule.ALWAYS:
                broken = [b for b in promises.breaches if expect.name in ("promises", b.promise)]
                found = f"{len(broken)} broken: {broken[0].detail}" if broken else "never broken"
                return Verdict(expect=expect, holds=not broken, found=found)
            case Rule.EVENTUALLY:
                at_s = reached.get(expect.name)
                holds = at_s is not None and at_s - healed_s <= expect.within_s
                found = "not reached" if at_s is None else f"{at_s - healed_s:.0f} s after the heal"
                return Verdict(expect=expect, holds=holds, found=found)
            case Rule.METRIC:
                value = metrics.values.get(expect.name)
                if value is None:
                    return Verdict(expect=expect, holds=False, found="nothing to count", counted=False)
                holds = expect.low <= value <= expect.high
                return Verdict(expect=expect, holds=holds, found=f"{value:g}")


async def _explained(verdict: Verdict, world: World, truth: Truth) -> Verdict:
    """Say what an `eventually` that was not reached still lacked."""
    if verdict.holds or verdict.expect.rule is not Rule.EVENTUALLY:
        return verdict
    words = await lacking(verdict.expect.name, world, truth)
    return replace(verdict, found=f"{verdict.found}: {words}") if words else verdict
