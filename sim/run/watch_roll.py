"""Roll calls against what people heard and said.

Everybody expected has exactly one verdict. Who is `answered` was asked on the air and said something after
that. Who said so in time, with every bearer on the way whole, is not `absent`. A call ends at its deadline,
whatever the date says: not before it while somebody is missing, and not long after.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from gateway import native
from gateway.domain import Evidence
from sim.record import Event, What
from sim.run.breaches import Breaches
from sim.run.calm import Calm, Place, bearer_of, node_of, way
from sim.run.truth import Truth
from sim.run.watch_air import AirWatch
from sim.run.watch_links import LEAD_S
from sim.world.files import PDT_BASE
from sim.world.people import Man
from sim.world.unit import Unit
from sim.world.world import World

PROMISE: Final = "roll call"
PAID: Final = {"phone": "tiantong", "handset": "beidou"}
"""Bearer of a person's device where the network between may lose a question."""

VERDICTS: Final = ("answered", "inferred", "absent", "fault", "wrong_station", "pending")
"""What everybody expected is counted as, once."""

IN_TIME_S: Final = 90.0
IN_TIME_HERE_S: Final = 30.0
"""An answer so long before the deadline reaches whoever called: over any bearer that is whole, or at once."""

OVERDUE_S: Final = 120.0
"""A call is not open for longer than this after its deadline."""

EARLY_S: Final = 2.0

LATE_S: Final = 20.0
"""A gateway that works all the time ends its call at most so long after the deadline."""

COUNTED: Final = ("answered", "late", "relayed")
"""States of who has answered by itself."""

HEADS: Final = re.compile(r"(\d+)\s*人")
"""How people say how many they are."""


@dataclass(frozen=True, slots=True)
class _Called:
    node: str
    at_s: float
    within_s: float


class RollWatch:
    """Follows the roll calls of one world."""

    def __init__(self, world: World, truth: Truth, calm: Calm, air: AirWatch, breaches: Breaches) -> None:
        self._world = world
        self._truth = truth
        self._calm = calm
        self._air = air
        self._breaches = breaches
        self._called: dict[str, _Called] = {}
        self._said_s: dict[str, list[float]] = {}
        self._taken_s: dict[str, list[float]] = {}
        """When what a person typed was known to have arrived: it may have been typed before the question."""
        self._asked_s: dict[str, list[float]] = {}
        self._present_s: dict[str, dict[str, list[float]]] = {}
        """Answers in words, by person and key: when typed, and when known to have arrived."""
        self._signs = {unit.node.station: unit.id for unit in world.units.values()}
        self._people = {man.group.station: man for man in world.people.values()}
        record = world.record
        record.watch(self._board, What.ROLL_CALL)
        record.watch(self._typed, What.TYPED)
        record.watch(self._shown, What.SHOWN)

    def _board(self, event: Event) -> None:
        facts = event.facts
        call = str(facts["call"])
        if "within_s" in facts:
            within_s = float(str(facts["within_s"]))
            self._called.setdefault(call, _Called(event.node, event.at_s, within_s))
        elif facts.get("happening") == "ended":
            self._ended(event, call)

    def _ended(self, event: Event, call: str) -> None:
        called = self._called.get(call)
        if called is None or called.node != event.node:
            return
        absent = int(str(event.facts.get("absent", 0)))
        left_s = called.at_s + called.within_s - event.at_s
        if absent and left_s > EARLY_S:
            self._breaches.add("P7", event.node, f"{call} ended {left_s:.0f} s early, {absent} absent")
        worked = self._calm.holds([node_of(event.node)], called.at_s, event.at_s)
        if -left_s > LATE_S and worked:
            self._breaches.add("P7", event.node, f"{call} ended {-left_s:.0f} s after its deadline")

    def _typed(self, event: Event) -> None:
        if event.node in self._world.people:
            times = self._said_s if event.facts["accepted"] is None else self._taken_s
            times.setdefault(event.node, []).append(event.at_s)
            if isinstance(native.read(str(event.facts["text"])), native.Present):
                answers = self._present_s.setdefault(event.node, {})
                answers.setdefault(str(event.facts["key"]), []).append(event.at_s)

    def _shown(self, event: Event) -> None:
        if str(event.facts["text"]).endswith(native.ROLL_CALL_TEXT):
            self._asked_s.setdefault(event.node, []).append(event.at_s)

    async def finish(self) -> None:
        """Judge every call that is kept."""
        for unit in self._world.units.values():
            if not unit.box.on or self._world.second_lives.get(unit.id):
                continue
            for header in await unit.box.backend.roll_calls(limit=100):
                shown = await unit.box.backend.roll_call(str(header["id"]))
                if shown is not None:
                    self._judge(unit, shown)

    def _judge(self, unit: Unit, call: dict[str, Any]) -> None:
        name, counts = call["id"], call["counts"]
        if counts["expected"] != sum(counts[word] for word in VERDICTS):
            self._breaches.add(PROMISE, unit.id, f"{name}: the counts do not add up: {counts}")
        called = self._called.get(name)
        if called is None:
            return
        end_s = called.at_s + called.within_s
        now_s = self._world.now_s()
        over_s = now_s - end_s - self._calm.stopped_s(unit.id, called.at_s, now_s)
        if call["state"] == "running" and over_s > OVERDUE_S:
            self._breaches.add("P7", unit.id, f"{name} is still open {over_s:.0f} s after its deadline")
        for entry in call["entries"]:
            self._honest(unit, name, called, entry)
            man = self._people.get(entry["station"])
            if man is not None:
                self._entry(unit, name, called, man, entry)

    def _honest(self, unit: Unit, call: str, called: _Called, entry: dict[str, Any]) -> None:
        """Compare what an entry says of itself: its evidence, its head-count, and that somebody was there."""
        number, state, said = entry["station"], entry["state"], str(entry["note"])
        if state in COUNTED and entry["evidence"] == Evidence.INFERRED.value:
            self._breaches.add(PROMISE, unit.id, f"{call}: {number} is {state}, which is only inferred")
        heads = HEADS.search(said)
        if state in COUNTED and heads is not None and entry["head_count"] != int(heads[1]):
            detail = f"{call}: {number} said {said}, counted are {entry['head_count']}"
            self._breaches.add(PROMISE, unit.id, detail)
        sign = self._signs.get(number)
        if sign is None or sign == unit.id or state != "answered":
            return
        off_s = self._calm.stopped_s(sign, called.at_s, called.at_s + called.within_s)
        if off_s >= called.within_s:
            self._breaches.add(PROMISE, unit.id, f"{call}: {sign} is {state}, and was off all the time")

    def _entry(self, unit: Unit, call: str, called: _Called, man: Man, entry: dict[str, Any]) -> None:
        radio, state = PDT_BASE + man.group.station, entry["state"]
        asked = self._asked_s.get(man.id, []) + self._air.asked_s.get(radio, [])
        first_s = min((at_s for at_s in asked if at_s >= called.at_s), default=None)
        said = self._said_s.get(man.id, []) + self._air.answered_s.get(radio, [])
        after = [at_s for at_s in said if first_s is not None and at_s >= first_s]
        heard = (
            any(at_s >= first_s for at_s in self._taken_s.get(man.id, ())) if first_s is not None else False
        )
        # the network may lose the question; what a person says after the device was given it is counted
        lost = first_s is None and entry["tries"] > 0
        if state in COUNTED and not (after or heard or (lost and self._spoke_after_order(called, man, said))):
            found = "was never asked" if first_s is None else "never said anything"
            self._breaches.add(PROMISE, unit.id, f"{call}: {man.id} is {state}, but {found}")
        via_here = man.group.via == unit.id
        if state in ("absent", "inferred") and via_here and self._answered_in_words(called, man):
            self._breaches.add(PROMISE, unit.id, f"{call}: {man.id} is {state}, but answered in words")
        if state == "absent" and after and self._got_through(unit, called, man, min(after)):
            wait_s = min(after) - called.at_s
            self._breaches.add(
                PROMISE, unit.id, f"{call}: {man.id} is absent, but answered after {wait_s:.0f} s"
            )

    def _spoke_after_order(self, called: _Called, man: Man, said: list[float]) -> bool:
        """Whether the device towards this person was told to transmit since the call, and then one spoke."""
        orders = self._air.ordered_s.get((man.group.via, PAID.get(man.group.kind, "")), [])
        first_s = min((at_s for at_s in orders if at_s >= called.at_s), default=None)
        return first_s is not None and any(at_s >= first_s for at_s in said)

    def _answered_in_words(self, called: _Called, man: Man) -> bool:
        """Whether the gateway that called had taken answers enough for every call that asked this person.

        One answer counts for one call, the newest first.
        """
        end_s = called.at_s + called.within_s
        asked = [at_s for at_s in self._asked_s.get(man.id, ()) if called.at_s <= at_s < end_s]
        others = sum(
            one.at_s < end_s and one.at_s + one.within_s > called.at_s for one in self._called.values()
        )
        if len(asked) < others:
            return False
        answers = [
            times
            for times in self._present_s.get(man.id, {}).values()
            if len(times) > 1 and times[0] >= asked[others - 1] and times[1] < end_s - EARLY_S
        ]
        return len(answers) >= others

    def _got_through(self, unit: Unit, called: _Called, man: Man, at_s: float) -> bool:
        """Whether nothing was broken between this person and the gateway that called."""
        end_s = called.at_s + called.within_s
        in_time_s = IN_TIME_HERE_S if man.group.via == unit.id else IN_TIME_S
        if at_s > end_s - in_time_s or man.group.kind != "handheld" or not self._flat:
            return False
        via = man.group.via
        near: list[Place] = [bearer_of("pdt"), way("pdt", via), way("pdt", man.id), node_of(via)]
        if not self._calm.holds([*near, node_of(unit.id)], called.at_s - LEAD_S, end_s):
            return False
        if via == unit.id:
            return True
        shared = [b for b in unit.node.links if b in self._world.units[via].node.links and b != "pdt"]
        return any(
            self._calm.holds([bearer_of(b), way(b, unit.id), way(b, via)], called.at_s - LEAD_S, end_s)
            for b in shared
        )

    @property
    def _flat(self) -> bool:
        return self._world.scenario.area.model == "flat"
