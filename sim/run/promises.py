"""The promises as checks while the world lives: from what people typed and saw, and what boxes did."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.domain import LinkState, RecipientState
from sim.devices.beidou import BeidouTerminal
from sim.faults.apply import Breaker
from sim.faults.model import Fault, Kind
from sim.loop import NEUTRAL
from sim.record import Event, What
from sim.run.truth import Entry, Truth
from sim.world.files import NETS
from sim.world.unit import Unit
from sim.world.world import World

MAX_REPEATS: Final = 2
"""A text on a device that knows nothing of us is repeated at most this often (P2)."""

LOOK_S: Final = 1.0
"""How often links are looked at in a small world; a large one is looked at less often."""

LARGE: Final = 4
"""Units beyond which a world is large."""

NOTICED_S: Final = {"pdt": 45.0, "tiantong": 90.0, "beidou": 40.0}
"""Longest that a dead link may be shown as up, by bearer: three times what the drivers' page states."""

NOTICED_IP_S: Final = 15.0

OVERTAKEN_S: Final = 180.0
"""How much later than a lesser one a more urgent text may arrive that was handed over first (P4)."""

REACHED_WORDS: Final = frozenset(
    state.value for state in (RecipientState.DELIVERED, RecipientState.READ, RecipientState.ACKNOWLEDGED)
)
"""States that say that a text is on its recipient's screen."""

SILENT: Final = frozenset({Kind.CUT, Kind.UNPLUG, Kind.HANG, Kind.BLOCKED})
"""Faults after which a link carries nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A broken promise: which, when, where, and what was seen."""

    promise: str
    at_s: float
    node: str
    detail: str
    key: str = ""
    """Of the text it is about."""


class Promises:
    """Watches one world; `breaches` holds what was found."""

    def __init__(self, world: World, truth: Truth) -> None:
        self.breaches: list[Breach] = []
        self._world = world
        self._truth = truth
        self._states: dict[tuple[str, str, int], str] = {}
        self._links: dict[tuple[str, str], tuple[str, float]] = {}
        self._told: set[tuple[str, str, str]] = set()
        self._breaker: Breaker | None = None
        world.record.watch(self._shown, What.SHOWN)
        world.record.watch(self._moved, What.MESSAGE)

    def start(self, breaker: Breaker) -> None:
        """Begin to look at links."""
        self._breaker = breaker
        self._look()

    async def finish(self) -> None:
        """Judge what can only be judged at the end."""
        for entry in self._truth.missing(self._world):
            self._broken("P1", entry.by, f"accepted and never shown at {entry.to}: {entry.text}", entry.key)
        for unit in self._world.units.values():
            if unit.box.on:
                for ref in await unit.desk.missing():
                    if not self._world.excused(unit.id, unit.desk.shown_s[ref]):
                        self._broken("P1", unit.id, f"message {ref} was on the screen and is gone")
        self._delivered_is_shown()
        self._urgent_first()
        self._boxes()

    # --- texts -------------------------------------------------------------------------------------------

    def _shown(self, event: Event) -> None:
        for entry in self._truth.last_shown:
            times = entry.shown_s.get(event.node, [])
            repeats = entry.repeated_s.get(event.node, [])
            if len(times) > 1:
                self._broken("P2", event.node, f"shown {len(times)} times: {entry.text}", entry.key)
            if len(repeats) > MAX_REPEATS:
                self._broken("P2", event.node, f"repeated {len(repeats)} times: {entry.text}", entry.key)

    def _moved(self, event: Event) -> None:
        facts = event.facts
        ref, station, state = str(facts["id"]), int(str(facts["station"])), str(facts["state"])
        place = (event.node, ref, station)
        before = self._states.get(place)
        self._states[place] = state
        entry = self._truth.by_id.get(ref)
        if entry is None or event.node != entry.by:
            return
        older_disk = self._world.second_lives.get(event.node, 0)
        if before in REACHED_WORDS and state not in REACHED_WORDS and not older_disk:
            self._broken("P3", event.node, f"{ref} went back from {before} to {state}", entry.key)
        early = state == RecipientState.EXPIRED.value and event.at_s < entry.at_s + entry.lifetime_s - 1.0
        if early:
            self._broken("P7", event.node, f"{ref} expired after {event.at_s - entry.at_s:.0f} s", entry.key)

    def _delivered_is_shown(self) -> None:
        signs = {unit.node.station: unit.id for unit in self._world.units.values()}
        signs |= {man.group.station: man.id for man in self._world.people.values()}
        for (node, ref, station), state in self._states.items():
            entry = self._truth.by_id.get(ref)
            if entry is None or node != entry.by or state not in REACHED_WORDS:
                continue
            where = signs.get(station, "")
            if entry.first_shown_s(where) is None and not self._world.excused(where, entry.at_s):
                self._broken("P3", node, f"{ref} is {state} at {where}, which never showed it", entry.key)

    def _urgent_first(self) -> None:
        """Find texts that came long after lesser ones which were handed over later, on the same way (P4)."""
        ways: dict[tuple[str, str], list[Entry]] = {}
        for entry in self._truth.entries.values():
            if entry.accepted and not entry.native and entry.arrived:
                ways.setdefault((entry.by, entry.to), []).append(entry)
        for entries in ways.values():
            for urgent in entries:
                shown_s = urgent.first_shown_s(urgent.to) or 0.0
                for lesser in entries:
                    if lesser.precedence < urgent.precedence and lesser.at_s >= urgent.accepted_s:
                        other_s = lesser.first_shown_s(lesser.to) or 0.0
                        if shown_s - other_s > OVERTAKEN_S:
                            late = f"{shown_s - other_s:.0f} s after the lesser {lesser.text}"
                            self._broken("P4", urgent.by, f"{urgent.text} came {late}", urgent.key)

    # --- links and boxes ---------------------------------------------------------------------------------

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
        for fault, begun_s in self._silencing(unit, link):
            dead_s = now_s - max(begun_s, since_s, unit.on_since_s)
            if dead_s > bound_s:
                detail = f"{link} is shown as up, {dead_s:.0f} s after {fault.kind.value} of {fault.target}"
                self._once("P5", unit.id, f"{fault.at_s} {fault.target}", detail)

    def _silencing(self, unit: Unit, link: str) -> Iterator[tuple[Fault, float]]:
        """Yield what keeps this link of this unit from carrying anything now, and since when."""
        if self._breaker is None or self._breaker.paused(unit.id):
            return
        targets = {link, f"{link}:{unit.id}", f"{unit.id}/{link}"}
        for fault, begun_s in self._breaker.since():
            if (
                fault.kind in SILENT
                and fault.target in targets
                and not (link == "pdt" and fault.kind is Kind.CUT)
            ):
                yield fault, begun_s

    def _boxes(self) -> None:
        for unit in self._world.units.values():
            for failure in unit.failures:
                self._broken("P8", unit.id, f"the gateway ended by itself: {failure!r}")
            for line in unit.box.log.lines:
                if line.event == "link_driver_failed":
                    self._once("P8", unit.id, str(line.keys.get("error")), f"a driver failed: {line.keys}")
            for device, _ in unit.plugged.values():
                if isinstance(device, BeidouTerminal) and device.too_early > self._allowed(unit):
                    detail = f"asked the card to transmit {device.too_early} times before its period was over"
                    self._broken("P6", unit.id, detail)

    def _allowed(self, unit: Unit) -> int:
        """How often a card may be asked too early: once for each copy or old disk of its box."""
        return self._world.second_lives.get(unit.id, 0)

    def _once(self, promise: str, node: str, what: str, detail: str) -> None:
        if (promise, node, what) not in self._told:
            self._told.add((promise, node, what))
            self._broken(promise, node, detail)

    def _broken(self, promise: str, node: str, detail: str, key: str = "") -> None:
        breach = Breach(promise=promise, at_s=self._world.now_s(), node=node, detail=detail, key=key)
        self.breaches.append(breach)
        self._world.record.note(What.BROKEN, node, promise=promise, detail=detail, key=key)
