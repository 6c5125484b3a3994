"""P5 and P8: any living bearer carries it, and what is broken elsewhere stops nothing.

P5  a link that carries nothing is not shown as up for longer than its stated time; a link nobody broke does
    not come and go; a text for which one bearer is whole arrives over it within that bearer's time, whatever
    has become of the others. The last is P8 as well: a device that hangs delays no other link.
P8  a gateway never ends by itself, no driver fails, and nothing is left over when all is done.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Final

from gateway.domain import LinkState
from sim.faults.apply import Breaker
from sim.faults.model import Fault, Kind
from sim.loop import NEUTRAL
from sim.record import Event, What
from sim.run.breaches import Breaches
from sim.run.calm import Calm, Place, bearer_of, node_of, way
from sim.run.truth import Entry, Truth
from sim.world.files import NETS, slower
from sim.world.hooks import NASTY
from sim.world.unit import Unit
from sim.world.world import World

LOOK_S: Final = 1.0
"""How often links are looked at in a small world; a large one is looked at less often."""

LARGE: Final = 4
"""Units beyond which a world is large."""

NOTICED_S: Final = {"pdt": 45.0, "tiantong": 90.0, "beidou": 40.0}
"""Longest that a dead link may be shown as up, by bearer: three times what the drivers' page states."""

NOTICED_IP_S: Final = 15.0

SILENT: Final = frozenset({Kind.CUT, Kind.UNPLUG, Kind.HANG, Kind.BLOCKED})
"""Faults after which a link carries nothing."""

CARRIED_S: Final = {"tiantong": 180.0, "beidou": 420.0}
"""Longest that a short text may take over a bearer that is whole, with some before it in the queue."""

CARRIED_IP_S: Final = 30.0

LEAD_S: Final = 330.0
"""A path that was silent is tried again after at most five minutes: before that it owes nothing."""

NODE_LEAD_S: Final = 60.0
"""A gateway that has just started finds its links first."""

SHORT_CHARS: Final = 40
"""A text that fits one frame of any bearer."""

BLIND: Final = frozenset({"pdt", "beidou"})
"""Devices that cannot tell that what they send goes nowhere: the air, or the space segment, is not theirs."""

DROPPING: Final = f"{NASTY}udp.queue_full"
"""Where frames are dropped at random doubt in a path is right."""

FLAPS: Final = 6
"""How often in a run a link may come or go where nobody broke anything."""


class LinkWatch:
    """Looks at the links of one world."""

    def __init__(self, world: World, truth: Truth, calm: Calm, breaches: Breaches) -> None:
        self._world = world
        self._truth = truth
        self._calm = calm
        self._breaches = breaches
        self._links: dict[tuple[str, str], tuple[str, float]] = {}
        self._flaps: Counter[tuple[str, str]] = Counter()
        self._breaker: Breaker | None = None
        world.record.watch(self._changed, What.LINK)

    def start(self, breaker: Breaker) -> None:
        """Begin to look."""
        self._breaker = breaker
        self._look()

    def finish(self) -> None:
        """Judge what can only be judged at the end."""
        for (node, link), times in self._flaps.items():
            if times > FLAPS:
                self._breaches.add("P5", node, f"{link} came and went {times} times, and nobody broke it")
        if self._world.scenario.area.model == "flat":
            for entry in self._truth.entries.values():
                self._carried(entry)
        for unit in self._world.units.values():
            self._box(unit)

    # --- states ------------------------------------------------------------------------------------------

    def _look(self) -> None:
        world = self._world
        now_s = world.now_s()
        for unit in world.units.values():
            if unit.box.on and unit.on_since_s <= now_s:
                self._look_at(unit, now_s)
        every_s = LOOK_S if len(world.units) <= LARGE else 5 * LOOK_S
        asyncio.get_running_loop().call_later(every_s, self._look, context=NEUTRAL)

    def _look_at(self, unit: Unit, now_s: float) -> None:
        core = unit.box.gateway.core
        clock_s = core.now_s()
        for name, link in core.links.items():
            view = link.health.view(clock_s)
            state, since_s = self._links.get((unit.id, name), ("", 0.0))
            if view.state.value != state:
                self._links[unit.id, name] = (view.state.value, now_s)
                self._world.record.note(What.LINK, unit.id, name, state=view.state.value, why=view.reason)
            elif view.state is LinkState.UP:
                self._up_in_vain(unit, name, since_s, now_s)

    def _up_in_vain(self, unit: Unit, link: str, since_s: float, now_s: float) -> None:
        bound_s = NOTICED_IP_S if link in NETS else NOTICED_S[link]
        if link != "pdt":
            bound_s *= slower(unit.node.heartbeat_s.low)
        for fault, begun_s in self._silencing(unit, link):
            dead_s = now_s - max(begun_s, since_s, unit.on_since_s)
            if dead_s > bound_s:
                detail = f"{link} is shown as up, {dead_s:.0f} s after {fault.kind.value} of {fault.target}"
                self._breaches.once("P5", unit.id, f"{fault.at_s} {fault.target}", detail)

    def _silencing(self, unit: Unit, link: str) -> Iterator[tuple[Fault, float]]:
        """Yield what keeps this link of this unit from carrying anything now, and since when."""
        if self._breaker is None or self._breaker.paused(unit.id):
            return
        targets = {link, f"{link}:{unit.id}", f"{unit.id}/{link}"}
        for fault, begun_s in self._breaker.since():
            if (
                fault.kind in SILENT
                and fault.target in targets
                and not (link in BLIND and fault.kind is Kind.CUT)
            ):
                yield fault, begun_s

    def _changed(self, event: Event) -> None:
        """Count changes of a link that nothing explains: neither its bearer nor any gateway on it."""
        if event.facts["state"] not in (
            LinkState.SUSPECT.value,
            LinkState.DOWN.value,
            LinkState.ABSENT.value,
        ):
            return
        nodes = [unit.id for unit in self._world.units.values() if event.link in unit.node.links]
        places = [bearer_of(event.link)]
        places += [place for name in nodes for place in (way(event.link, name), node_of(name))]
        nasty = self._world.probes.get(DROPPING)
        if self._flat and not nasty and self._calm.holds(places, event.at_s - NODE_LEAD_S, event.at_s):
            self._flaps[event.node, event.link] += 1

    @property
    def _flat(self) -> bool:
        return self._world.scenario.area.model == "flat"

    # --- traffic -----------------------------------------------------------------------------------------

    def _carried(self, entry: Entry) -> None:
        """Find a text that came late though a bearer was whole all the time."""
        units = self._world.units
        if entry.native or not entry.accepted or entry.to not in units or len(entry.text) > SHORT_CHARS:
            return
        shown_s = entry.first_shown_s(entry.to)
        took_s = (self._world.now_s() if shown_s is None else shown_s) - entry.accepted_s
        if shown_s is None and entry.lifetime_s < LEAD_S:
            return
        for bearer in units[entry.by].node.links:
            bound_s = CARRIED_IP_S if bearer in NETS else CARRIED_S.get(bearer)
            if bound_s is None or bearer not in units[entry.to].node.links or took_s <= bound_s:
                continue
            start_s, end_s = entry.accepted_s, entry.accepted_s + bound_s
            ways: list[Place] = [bearer_of(bearer), way(bearer, entry.by), way(bearer, entry.to)]
            nodes: list[Place] = [node_of(entry.by), node_of(entry.to)]
            if (
                start_s >= NODE_LEAD_S
                and self._calm.holds(ways, start_s - LEAD_S, end_s)
                and self._calm.holds(nodes, start_s - NODE_LEAD_S, end_s)
            ):
                detail = f"{entry.text} took {took_s:.0f} s to {entry.to}, and {bearer} was whole"
                self._breaches.once("P5", entry.by, entry.key, detail, entry.key)

    # --- boxes -------------------------------------------------------------------------------------------

    def _box(self, unit: Unit) -> None:
        breaches = self._breaches
        for failure in unit.failures:
            breaches.add("P8", unit.id, f"the gateway ended by itself: {failure!r}")
        for line in unit.box.log.lines:
            if line.event == "link_driver_failed":
                breaches.once("P8", unit.id, str(line.keys.get("error")), f"a driver failed: {line.keys}")
