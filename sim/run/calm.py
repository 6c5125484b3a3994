"""When and where nothing was broken: what a promise with a bound in time may be held to."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Final

from sim.faults.model import Kind
from sim.record import Event, Record, What
from sim.scenario.model import Do
from sim.world.files import BEARERS

Place = tuple[str, ...]

WORLD: Final[Place] = ("world",)
"""What is broken for everybody: roads, mains, backhauls."""

STOPPING: Final = frozenset(
    {
        *(Kind.CRASH.value, Kind.POWER_CUT.value, Kind.TORN_WRITE.value, Kind.PAUSE.value),
        *(Kind.REBOOT_LOOP.value, Kind.RESTORED_BACKUP.value, Kind.BATTERY_DEATH.value),
    }
)
"""Faults while which a gateway does nothing."""

HARMLESS: Final = frozenset({Kind.CLOCK_STEP.value})
"""A wrong date changes nothing: it is no excuse."""

SCENARIO_CUTS: Final = frozenset({Do.CUT_ROAD.value, Do.CUT_NETWORK.value, Do.CUT_POWER.value})
"""Actions that break much at once."""

START_S: Final = 5.0
"""How long a gateway takes to be there again when its fault is over."""


def bearer_of(name: str) -> Place:
    """Return a whole bearer as a place."""
    return ("bearer", name)


def way(bearer: str, node: str) -> Place:
    """Return one node's end of a bearer as a place."""
    return ("way", bearer, node)


def node_of(name: str) -> Place:
    """Return a node as a place."""
    return ("node", name)


class Calm:
    """Follows every fault and order of a run."""

    def __init__(self, record: Record) -> None:
        self._spans: dict[Place, list[tuple[str, list[float]]]] = {}
        self._stops: dict[str, list[list[float]]] = {}
        self._open: dict[tuple[str, str], list[list[float]]] = {}
        record.watch(self._fault, What.FAULT)

    def holds(
        self, places: Iterable[Place], start_s: float, end_s: float, *, but: frozenset[str] = frozenset()
    ) -> bool:
        """Whether nothing was broken there in that time, the kinds of fault in `but` left out."""
        return not any(
            begin_s < end_s and until_s > start_s and name not in but
            for place in (*places, WORLD)
            for name, (begin_s, until_s) in self._spans.get(place, ())
        )

    def stopped_s(self, node: str, start_s: float, end_s: float) -> float:
        """Seconds in that time in which a node's gateway did nothing."""
        return sum(
            max(0.0, min(until_s + START_S, end_s) - max(begin_s, start_s))
            for begin_s, until_s in self._stops.get(node, ())
        )

    def _fault(self, event: Event) -> None:
        name, target = str(event.facts["name"]), str(event.facts["target"])
        if name in HARMLESS:
            return
        if event.facts["state"] == "begins":
            span = [event.at_s, inf]
            self._open.setdefault((name, target), []).append(span)
            for place in [WORLD] if name in SCENARIO_CUTS else _places(target):
                self._spans.setdefault(place, []).append((name, span))
            if name in STOPPING:
                self._stops.setdefault(target, []).append(span)
        elif spans := self._open.get((name, target)):
            spans.pop(0)[1] = event.at_s


def _places(target: str) -> list[Place]:
    """Return what a fault's target names."""
    bearer, colon, who = target.partition(":")
    if colon and bearer in BEARERS:
        return [way(bearer, name) for name in who.split(">")]
    if target in BEARERS:
        return [bearer_of(target)]
    node, slash, link = target.partition("/")
    if slash:
        return [way(link, node)]
    return [node_of(node)]
