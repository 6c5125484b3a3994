"""One pass over the events of a run: what tables, page and diagrams all need."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from drivers.base import Precedence
from sim.record import Event, What
from sim.report.facts import number, text
from sim.report.lives import Life, Lives
from sim.report.summary import Summary
from sim.scenario.model import Do

CUTS: Final = frozenset({Do.CUT_ROAD.value, Do.CUT_NETWORK.value, Do.CUT_POWER.value})
"""Cuts of an area, a site or a road: they touch who is there, and end when the world is healed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Something that holds from one instant to another; `end_ns` -1: to the end of the run."""

    name: str
    node: str
    link: str
    begin_ns: int
    end_ns: int
    why: str = ""
    target: str = ""

    def length_s(self, end_of_run_s: float) -> float:
        """How long it held."""
        end_s = self.end_ns / 1e9 if self.end_ns >= 0 else end_of_run_s
        return max(0.0, end_s - self.begin_ns / 1e9)


@dataclass(slots=True)
class Traffic:
    """What one node sent on one bearer."""

    bursts: int = 0
    octets: int = 0
    airtime_s: float = 0.0
    fates: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class LinkUse:
    """What passed one link of one gateway, by direction."""

    frames: Counter[str] = field(default_factory=Counter)
    octets: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Digest:
    """Everything sorted. `spans` of links, faults, power and phases are in order of their beginning."""

    duration_s: float = 0.0
    lives: list[Life] = field(default_factory=list)
    links: list[Span] = field(default_factory=list)
    faults: list[Span] = field(default_factory=list)
    power: list[Event] = field(default_factory=list)
    places: dict[str, list[tuple[int, float, float]]] = field(default_factory=dict)
    """Where nodes and people were told to be: ns, km east, km north."""
    phases: list[Span] = field(default_factory=list)
    alarms: list[Event] = field(default_factory=list)
    roll_calls: list[Event] = field(default_factory=list)
    broken: list[Event] = field(default_factory=list)
    frames: list[Event] = field(default_factory=list)
    bursts: list[Event] = field(default_factory=list)
    commits: Counter[str] = field(default_factory=Counter)
    probes: Counter[str] = field(default_factory=Counter)
    traffic: dict[tuple[str, str], Traffic] = field(default_factory=dict)
    use: dict[tuple[str, str], LinkUse] = field(default_factory=dict)

    def missed(self, summary: Summary) -> list[str]:
        """Rare paths that could have been reached and were not."""
        return sorted(set(summary.probes) - set(self.probes))

    def holds(self, summary: Summary) -> bool:
        """Whether the run holds: no promise broken and every expectation met."""
        return summary.holds and not self.broken

    def failing(self, summary: Summary) -> Life | None:
        """Return the message to look at first.

        The one a broken promise names, or else the oldest lost, or else the slowest where a latency was too
        long.
        """
        named = {
            value for event in self.broken for value in (text(event.facts, "key"), text(event.facts, "id"))
        }
        named.discard("")
        for life in self.lives:
            if life.key in named or life.id in named:
                return life
        lost = next((life for life in self.lives if life.accepted and life.arrived_ns < 0), None)
        return lost or self._slowest(summary)

    def _slowest(self, summary: Summary) -> Life | None:
        for verdict in summary.expectations:
            if not verdict.holds and verdict.name.startswith("latency."):
                wanted = Precedence.__members__.get(verdict.name.rpartition(".")[2].upper())
                lives = [life for life in self.lives if wanted is None or life.precedence == wanted]
                return max(lives, key=lambda life: life.latency_s or 0.0, default=None)
        return None


class _Open:
    """Turns beginnings and ends into spans."""

    def __init__(self, spans: list[Span]) -> None:
        self._spans = spans
        self._open: dict[tuple[str, ...], Span] = {}

    def begin(self, key: tuple[str, ...], span: Span) -> None:
        """Begin a span; one still open under this key ends."""
        self.end(key, span.begin_ns)
        self._open[key] = span

    def end(self, key: tuple[str, ...], at_ns: int, why: str = "") -> None:
        """End a span, if one is open."""
        found = self._open.pop(key, None)
        if found is not None:
            self._keep(found, at_ns, why)

    def end_named(self, names: frozenset[str], at_ns: int) -> None:
        """End what has one of these names."""
        for key in [key for key, span in self._open.items() if span.name in names]:
            self.end(key, at_ns)

    def close(self) -> None:
        """End everything with the run."""
        for span in self._open.values():
            self._keep(span, -1, "")
        self._open.clear()
        self._spans.sort(key=lambda span: span.begin_ns)

    def _keep(self, span: Span, end_ns: int, why: str) -> None:
        self._spans.append(
            Span(
                name=span.name,
                node=span.node,
                link=span.link,
                begin_ns=span.begin_ns,
                end_ns=end_ns,
                why=span.why or why,
                target=span.target,
            )
        )


class _Reader:
    def __init__(self, bearers: dict[tuple[str, str], str]) -> None:
        self.digest = Digest()
        self._lives = Lives(bearers)
        self._links = _Open(self.digest.links)
        self._faults = _Open(self.digest.faults)
        self._phases = _Open(self.digest.phases)

    def take(self, event: Event) -> None:
        digest = self.digest
        match event.what:
            case What.FRAME:
                self._frame(event)
            case What.AIR:
                self._burst(event)
            case What.TYPED | What.SHOWN | What.MESSAGE:
                self._lives.take(event)
            case What.LINK:
                self._links.begin((event.node, event.link), _span(event, text(event.facts, "state"), "why"))
            case What.FAULT:
                self._fault(event)
            case What.PHASE:
                self._phase(event)
            case What.POWER:
                digest.power.append(event)
            case What.ALARM:
                digest.alarms.append(event)
            case What.ROLL_CALL:
                digest.roll_calls.append(event)
            case What.BROKEN:
                digest.broken.append(event)
            case What.COMMIT:
                digest.commits[event.node] += 1
            case What.PROBE:
                digest.probes[text(event.facts, "name")] += 1
            case What.MOVED:
                self._moved(event)

    def end(self, duration_s: float, carried: Mapping[tuple[str, str], str]) -> Digest:
        for opened in (self._links, self._faults, self._phases):
            opened.close()
        self._lives.know(carried)
        self.digest.lives = self._lives.all
        self.digest.duration_s = duration_s
        return self.digest

    def _frame(self, event: Event) -> None:
        direction = text(event.facts, "direction")
        key = (event.node, event.link)
        use = self.digest.use.get(key)
        if use is None:
            use = self.digest.use[key] = LinkUse()
        use.frames[direction] += 1
        use.octets[direction] += len(event.data)
        self.digest.frames.append(event)
        if "id" in event.facts or "key" in event.facts:
            self._lives.take(event)

    def _phase(self, event: Event) -> None:
        name = text(event.facts, "name")
        if name == "heal":
            self._faults.end_named(CUTS, event.at_ns)
        self._phases.begin((), _span(event, name, "why"))

    def _moved(self, event: Event) -> None:
        x_km, y_km = number(event.facts, "x_km"), number(event.facts, "y_km")
        if x_km is not None and y_km is not None:
            self.digest.places.setdefault(event.node, []).append((event.at_ns, x_km, y_km))

    def _burst(self, event: Event) -> None:
        facts = event.facts
        key = (text(facts, "bearer"), event.node)
        traffic = self.digest.traffic.get(key)
        if traffic is None:
            traffic = self.digest.traffic[key] = Traffic()
        traffic.bursts += 1
        traffic.octets += round(number(facts, "octets") or 0)
        traffic.airtime_s += number(facts, "airtime_s") or 0.0
        traffic.fates[text(facts, "fate") or "carried"] += 1
        self.digest.bursts.append(event)
        if "id" in facts or "key" in facts:
            self._lives.take(event)

    def _fault(self, event: Event) -> None:
        name, target = text(event.facts, "name"), text(event.facts, "target")
        key = (name, target, event.node, event.link)
        if text(event.facts, "state") == "ends":
            self._faults.end(key, event.at_ns, text(event.facts, "cause"))
        else:
            self._faults.begin(key, _span(event, name, "cause"))


def _span(event: Event, name: str, why: str) -> Span:
    return Span(
        name=name,
        node=event.node,
        link=event.link,
        begin_ns=event.at_ns,
        end_ns=-1,
        why=text(event.facts, why),
        target=text(event.facts, "target"),
    )


def digest_of(summary: Summary, events: Iterable[Event]) -> Digest:
    """Read the events of a run, in order of time."""
    reader = _Reader(summary.bearers)
    last_ns = 0
    for event in events:
        last_ns = event.at_ns
        reader.take(event)
    return reader.end(max(summary.duration_s, last_ns / 1e9), summary.carried)


def percentile(values: list[float], share: float) -> float | None:
    """Return the smallest value that `share` (0..1) of the sorted values do not exceed; None of nothing."""
    if not values:
        return None
    return values[min(len(values), max(1, math.ceil(share * len(values)))) - 1]
