"""Emergencies as those know them who pressed the button: raised at once, over when they say so, not invented.

Whoever presses the button of a set whose gateway runs and whose net is whole is heard, full disks included:
SOS always has room. An alarm that says that a box was copied or restored is true.
"""

from __future__ import annotations

from typing import Final

from sim.devices.pdt_net import HANG_S
from sim.faults.model import Kind
from sim.record import Event, What
from sim.run.breaches import Breaches
from sim.run.calm import Calm, Place, bearer_of, node_of, way
from sim.scenario.model import Do
from sim.world.world import World

HEARD_S: Final = 30.0
"""Within this an alarm is raised: a set repeats it after 4 and 12 seconds, and the disk may be slow."""

BEFORE_S: Final = 60.0
"""A gateway that was at fault in the minute before may still be finding its radio."""

NO_EXCUSE: Final = frozenset({Kind.DISK_FULL.value})

REUSED: Final = ("reused:", "reused_identity:")
"""How the keys of alarms begin that say that a box has a double or an older disk."""


class AlarmWatch:
    """Follows the alarms of one world."""

    def __init__(self, world: World, calm: Calm, breaches: Breaches) -> None:
        self._world = world
        self._calm = calm
        self._breaches = breaches
        self._hands: list[tuple[str, str, str, float]] = []
        """Person, key, what must be shown, when the button was pressed or released."""
        self._shown: dict[tuple[str, str, str], list[float]] = {}
        self._signs = {unit.node.station: unit.id for unit in world.units.values()}
        self._calls = [
            (one.t.low, one.t.low + one.for_s.low + HANG_S)
            for one in world.scenario.actions
            if one.do is Do.VOICE
        ]
        world.record.watch(self._alarm, What.ALARM)

    def _alarm(self, event: Event) -> None:
        key, state = str(event.facts["key"]), str(event.facts["state"])
        wanted = {"pressed": "raised", "released": "cleared"}.get(state)
        if wanted is not None:
            self._hands.append((event.node, key, wanted, event.at_s))
            return
        self._shown.setdefault((event.node, key, state), []).append(event.at_s)
        if state == "raised" and key.startswith(REUSED):
            sign = self._signs.get(int(key.partition(":")[2]), "")
            if not self._world.second_lives.get(sign):
                detail = f"{key} is raised, and {sign} was neither copied nor restored"
                self._breaches.once("P3", event.node, key, detail)

    def finish(self) -> None:
        """Judge what can only be judged at the end."""
        seen: set[tuple[str, str]] = set()
        for sign, key, wanted, at_s in self._hands:
            via = self._world.people[sign].group.via
            raised = self._shown.get((via, key, "raised"), [])
            first = (key, wanted) not in seen  # a second press may be told as the first
            seen.add((key, wanted))
            if not first or not self._heard(via, sign, at_s):
                continue
            if wanted == "cleared" and not any(time_s < at_s for time_s in raised):
                continue
            times = self._shown.get((via, key, wanted), [])
            if not any(at_s <= time_s <= at_s + HEARD_S for time_s in times):
                said = "pressed the emergency button" if wanted == "raised" else "ended the emergency"
                detail = f"{sign} {said}, and no alarm was {wanted} within {HEARD_S:.0f} s"
                self._breaches.add("P1", via, detail)

    def _heard(self, via: str, sign: str, at_s: float) -> bool:
        """Whether nothing kept a set's gateway from hearing it."""
        if any(begin_s < at_s + HEARD_S and end_s > at_s - HANG_S for begin_s, end_s in self._calls):
            return False
        end_s = at_s + HEARD_S
        if at_s < BEFORE_S or end_s > self._world.now_s() or self._world.scenario.area.model != "flat":
            return False
        places: list[Place] = [bearer_of("pdt"), way("pdt", via), way("pdt", sign), node_of(via)]
        return self._calm.holds(places, at_s - BEFORE_S, end_s, but=NO_EXCUSE)
