"""The swarm's ranges into a list of faults: when, where, how long, how bad; all inside the safety phase."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from typing import Final

from sim.faults.model import Fault, Kind
from sim.rng import Streams
from sim.scenario.known import Known
from sim.scenario.model import Node, Scenario, Span
from sim.scenario.modes import HEAVY, Modes
from sim.scenario.steps import FAULTS, SERIAL, SKY

MAX_PER_PLACE: Final = 500
"""Most faults of one kind at one place: a rate of 3600 an hour over a year is a typing error."""
MAX_FOR_SHARE: Final = 0.25
"""No drawn fault but loss and its like lasts longer than this share of the phase: the rest must be lived."""
REST_S: Final = 3.0
"""Least time between two faults that take the same box or device down, for a start to begin."""
SENT_SHARE: Final = 0.7
"""Of power cuts so many come in the moment after something was sent."""
WAVES: Final = 3
"""Most stretches of bad channel on one bearer."""
HOUR_S: Final = 3600.0

_SHORT, _USUAL, _LONG = (0.05, 2.0), (2.0, 30.0), (30.0, 600.0)
"""Seconds that something is down: a bounce, a restart, an operator who had to walk."""

Places = Iterator[Fault]
Which = Callable[[random.Random], tuple[Kind, float]]
"""Draws a kind of fault and its value."""


def draw_faults(scenario: Scenario, modes: Modes, streams: Streams) -> list[Fault]:
    """Return the faults of one seed, in no order. `scenario` is concrete: rates are fixed."""
    draw = _Draw(scenario, modes, streams)
    downs = [*draw.processes(), *draw.power(), *draw.disks()]
    return [
        *draw.channels(),
        *draw.clogs(),
        *draw.partitions(),
        *_apart(downs),
        *_apart([*draw.devices()]),
        *draw.clocks(),
    ]


class _Draw:
    def __init__(self, scenario: Scenario, modes: Modes, streams: Streams) -> None:
        self._phase_s = scenario.duration_s
        self._known = Known.of(scenario)
        self._swarm = scenario.swarm
        self._modes = modes
        self._streams = streams

    # --- bearers -----------------------------------------------------------------------------------------

    def channels(self) -> Places:
        """Loss and its like: all along, or in waves, on each bearer by itself."""
        swarm = self._swarm
        for bearer in self._known.bearers:
            for kind, span in (
                (Kind.LOSS, swarm.loss),
                (Kind.DUPLICATE, swarm.duplicate),
                (Kind.REORDER, swarm.reorder_s),
                (Kind.CORRUPT, swarm.corrupt),
            ):
                allowed = FAULTS[kind].bearers
                if span.high <= 0 or (allowed and bearer not in allowed):
                    continue
                rng = self._stream(kind, bearer)
                for at_s, for_s in self._stretches(rng):
                    value = span.high * rng.uniform(0.5, 1.0)
                    yield Fault(at_s=at_s, kind=kind, target=bearer, for_s=for_s, value=value, cause="swarm")

    def clogs(self) -> Places:
        """Clogs of one station's bearer, or of all its stations one by one."""
        for bearer in self._known.bearers:
            stream = self._stream(Kind.CLOG, bearer)
            stations = [name for name, node in self._known.nodes.items() if bearer in node.links]
            for at_s, rng in self._times(stream, self._swarm.clogs_per_h.high * len(stations)):
                swizzle = len(stations) > 1 and rng.random() < 0.3  # noqa: PLR2004 - three of ten
                target = bearer if swizzle else f"{bearer}:{rng.choice(stations)}"
                for_s = self._within(at_s, _draw(self._swarm.clog_s, rng))
                kind = Kind.SWIZZLE if swizzle else Kind.CLOG
                if for_s > 0:
                    yield Fault(at_s=at_s, kind=kind, target=target, for_s=for_s, cause="swarm")

    def partitions(self) -> Places:
        """Partitions of a bearer: one station alone, two halves, or one direction only."""
        for bearer in self._known.bearers:
            stream = self._stream(Kind.CUT, bearer)
            stations = [name for name, node in self._known.nodes.items() if bearer in node.links]
            if len(stations) > 1:
                for number, (at_s, rng) in enumerate(self._times(stream, self._swarm.partitions_per_h.high)):
                    for_s = self._within(at_s, self._some(rng))
                    shape = rng.choice(("one", "halves", "direction", "away"))
                    for target in _cut(shape, bearer, stations, rng):
                        cause = f"swarm partition {number} of {bearer}: {shape}"
                        yield Fault(at_s=at_s, kind=Kind.CUT, target=target, for_s=for_s, cause=cause)

    # --- boxes -------------------------------------------------------------------------------------------

    def processes(self) -> Places:
        """Processes killed and stopped."""
        yield from self._per_node(Kind.CRASH, self._swarm.crashes_per_h, _plainly(Kind.CRASH))
        yield from self._per_node(Kind.PAUSE, self._swarm.pauses_per_h, _plainly(Kind.PAUSE))

    def power(self) -> Places:
        """Power cuts; most tear a write where power is this seed's trouble."""
        torn = 0.6 if self._modes.of["power"] == HEAVY else 0.4

        def which(rng: random.Random) -> tuple[Kind, float]:
            share, tear = _draw(self._swarm.torn, rng), rng.random()
            other = rng.choices((Kind.POWER_CUT, Kind.REBOOT_LOOP, Kind.BATTERY_DEATH), (80, 15, 5))[0]
            every_s = rng.uniform(0.5, 8.0)
            if tear < torn:
                return Kind.TORN_WRITE, share
            if other is Kind.POWER_CUT:
                return other, float(rng.random() < SENT_SHARE)
            return other, every_s if other is Kind.REBOOT_LOOP else 0.0

        yield from self._per_node(Kind.POWER_CUT, self._swarm.power_cuts_per_h, which)

    def disks(self) -> Places:
        """Full disks, old backups, copied boxes."""
        swarm = self._swarm
        yield from self._per_node(Kind.DISK_FULL, swarm.disk_full_per_h, _plainly(Kind.DISK_FULL))
        yield from self._per_node(
            Kind.RESTORED_BACKUP,
            swarm.restores_per_h,
            lambda rng: (Kind.RESTORED_BACKUP, rng.uniform(1.0, max(2.0, self._phase_s / 2))),
        )
        yield from self._per_node(Kind.CLONED_BOX, swarm.clones_per_h, _plainly(Kind.CLONED_BOX))

    def clocks(self) -> Places:
        """Dates that jump."""
        for node in self._known.nodes.values():
            stream = self._stream(Kind.CLOCK_STEP, node.id)
            for at_s, rng in self._times(stream, self._swarm.clock_steps_per_h.high):
                value = _draw(self._swarm.clock_step_s, rng)
                yield Fault(at_s=at_s, kind=Kind.CLOCK_STEP, target=node.id, value=value, cause="swarm")

    def devices(self) -> Places:
        """Modems that hang, babble, restart, lose their satellite or their cable."""
        for node in self._known.nodes.values():
            for link in node.links:
                if link in SERIAL | SKY:
                    yield from self._device(node, link)

    def _device(self, node: Node, link: str) -> Places:
        kinds = [kind for kind, rule in FAULTS.items() if rule.on == "device" and link in SERIAL]
        kinds += [Kind.BLOCKED, Kind.BLOCKED] if link in SKY else []
        stream = self._stream(Kind.HANG, f"{node.id}/{link}")
        for at_s, rng in self._times(stream, self._swarm.device_faults_per_h.high):
            kind = rng.choice(kinds)
            for_s = self._within(at_s, self._some(rng))
            value = {Kind.SLOW: rng.uniform(2, 50), Kind.GARBAGE: rng.uniform(1, 200)}.get(kind, 0.0)
            target = f"{link}:{node.id}" if kind is Kind.BLOCKED else f"{node.id}/{link}"
            yield Fault(at_s=at_s, kind=kind, target=target, for_s=for_s, value=value, cause="swarm")

    # --- drawing -----------------------------------------------------------------------------------------

    def _per_node(
        self, name: Kind, rate: Span, which: Callable[[random.Random], tuple[Kind, float]]
    ) -> Places:
        for node in self._known.nodes.values():
            stream = self._stream(name, node.id)
            for at_s, rng in self._times(stream, rate.high):
                kind, value = which(rng)
                for_s = self._within(at_s, self._some(rng))
                yield Fault(at_s=at_s, kind=kind, target=node.id, for_s=for_s, value=value, cause="swarm")

    def _stream(self, kind: Kind, place: str) -> random.Random:
        return self._streams.stream(f"swarm/{kind.value}/{place}")

    def _times(self, stream: random.Random, per_hour: float) -> Iterator[tuple[float, random.Random]]:
        """Yield the times of a Poisson process over the phase, each with dice of its own."""
        at_s = 0.0
        for _ in range(MAX_PER_PLACE if per_hour > 0 else 0):
            at_s += stream.expovariate(per_hour / HOUR_S)
            if at_s >= self._phase_s:
                return
            yield at_s, random.Random(stream.getrandbits(64))  # noqa: S311 - repeatable on purpose

    def _some(self, rng: random.Random) -> float:
        low, high = rng.choices((_SHORT, _USUAL, _LONG), (30, 55, 15))[0]
        return rng.uniform(low, high)

    def _within(self, at_s: float, for_s: float) -> float:
        """Return the length cut so that it ends with the phase, and leaves most of it to be lived."""
        return min(for_s, self._phase_s * MAX_FOR_SHARE, self._phase_s - at_s)

    def _stretches(self, rng: random.Random) -> Iterator[tuple[float, float]]:
        """Yield begin and length: the whole phase, or up to WAVES stretches that do not touch."""
        waves = rng.randint(0, WAVES)
        if waves == 0:
            yield 0.0, self._phase_s
            return
        marks = sorted(rng.uniform(0.0, self._phase_s) for _ in range(2 * waves))
        for begin, end in zip(marks[::2], marks[1::2], strict=True):
            yield begin, end - begin


def _plainly(kind: Kind) -> Which:
    """Return what always draws this kind, without a value."""

    def which(_: random.Random) -> tuple[Kind, float]:
        return kind, 0.0

    return which


def _draw(span: Span, rng: random.Random) -> float:
    return rng.uniform(span.low, span.high)


def _cut(shape: str, bearer: str, stations: list[str], rng: random.Random) -> list[str]:
    """Return the targets of one partition."""
    order = rng.sample(stations, len(stations))
    match shape:
        case "one":
            return [f"{bearer}:{order[0]}"]
        case "direction":
            return [f"{bearer}:{order[0]}>{order[1]}"]
        case "away":
            return [f"{bearer}:{order[0]}>{other}" for other in order[1:]]
        case _:
            here, there = order[: len(order) // 2], order[len(order) // 2 :]
            pairs = itertools.product(here, there)
            return [target for a, b in pairs for target in (f"{bearer}:{a}>{b}", f"{bearer}:{b}>{a}")]


def _apart(faults: list[Fault]) -> list[Fault]:
    """Return the faults that do not run into an earlier one of the same place."""
    free: dict[str, float] = {}
    kept: list[Fault] = []
    for fault in sorted(faults, key=lambda one: (one.at_s, one.target, one.kind.value)):
        place = fault.target
        if fault.kind is Kind.BLOCKED:
            bearer, _, node = fault.target.partition(":")
            place = f"{node}/{bearer}"
        if fault.at_s >= free.get(place, 0.0):
            kept.append(fault)
            free[place] = fault.at_s + fault.for_s + REST_S
    return kept
