"""P1-P4 and P7 as people see them: what was typed, where and how often it was shown, what states said of it.

P1  what was accepted is shown to its recipient; what was on a screen once is still there.
P2  no screen shows a text twice, nor an API the acceptance of one message twice; a repeat on a device that
    knows nothing of us is marked, and there are at most two.
P3  a state never goes back; delivered means shown; acknowledged means that the person said so; our own
    protocol is evidence only where a gateway is the recipient, what a device said only where it is not;
    nothing is shown that nobody typed, to whom it was not addressed, under another name or precedence.
P4  what is more urgent and was handed over first does not come long after what is less.
P7  a lifetime ends when it is over: not before, and by a tenth later at most, whatever the date says.
"""

from __future__ import annotations

from math import inf
from typing import Final

from gateway import native
from gateway.domain import Evidence, RecipientState
from sim.record import Event, What
from sim.run.breaches import Breaches
from sim.run.calm import Calm, bearer_of, node_of, way
from sim.run.truth import Entry, Truth
from sim.world.files import NETS
from sim.world.world import World

MAX_REPEATS: Final = 2
"""A text on a device that knows nothing of us is repeated at most this often (P2)."""

OVERTAKEN_S: Final = 60.0
OVERTAKEN_FAST_S: Final = 9.0
"""How much later than a lesser one a more urgent text may arrive that was handed over first (P4): over a
bearer with a service period, or over none but IP and the serving gateway's own radio."""

EARLY_S: Final = 1.0
LATE_SHARE: Final = 0.1
LATE_S: Final = 40.0
"""A lifetime may end so much early or late (P7): a look every five seconds, a clog, a frame under way."""

AUTOMATIC_EVERY_S: Final = 590.0
"""Machines that know nothing of us get at most one automatic reply in ten minutes."""

REACHED: Final = frozenset({RecipientState.DELIVERED, RecipientState.READ, RecipientState.ACKNOWLEDGED})
"""States that say that a text is on its recipient's screen."""

OUR_OWN: Final = (
    *(native.SOS_RAISED, native.SOS_PLACED, native.SOS_CLEARED),
    *(native.AUTOMATIC, native.ROLL_CALL_TEXT),
)
"""How texts begin that gateways make themselves."""


class TextWatch:
    """Follows every text of one run."""

    def __init__(self, world: World, truth: Truth, calm: Calm, breaches: Breaches) -> None:
        self._world = world
        self._truth = truth
        self._calm = calm
        self._breaches = breaches
        self._states: dict[tuple[str, str, int], tuple[RecipientState, str]] = {}
        self._signs = {unit.node.station: unit.id for unit in world.units.values()}
        self._signs |= {man.group.station: man.id for man in world.people.values()}
        self._automatic_s: dict[str, float] = {}
        self._said: dict[str, dict[str, float]] = {}
        """A person's acknowledgements by key, and when each was known to have arrived; inf before that."""
        world.record.watch(self._shown, What.SHOWN)
        world.record.watch(self._moved, What.MESSAGE)
        world.record.watch(self._typed, What.TYPED)

    async def finish(self) -> None:
        """Judge what can only be judged at the end."""
        for entry in self._truth.missing(self._world):
            detail = f"accepted and never shown at {entry.to}: {entry.text}"
            self._breaches.add("P1", entry.by, detail, entry.key)
        for unit in self._world.units.values():
            if unit.box.on:
                for ref in await unit.desk.missing():
                    if not self._world.excused(unit.id, unit.desk.shown_s[ref]):
                        self._breaches.add("P1", unit.id, f"message {ref} was on the screen and is gone")
        self._delivered_is_shown()
        self._ended()
        self._urgent_first()
        self._in_time()

    # --- screens -----------------------------------------------------------------------------------------

    def _typed(self, event: Event) -> None:
        if isinstance(native.read(str(event.facts["text"])), native.Acknowledge):
            said = self._said.setdefault(event.node, {})
            said[str(event.facts["key"])] = event.at_s if event.facts["accepted"] else inf

    def _shown(self, event: Event) -> None:
        breaches, facts = self._breaches, event.facts
        text = str(facts["text"])
        for entry in self._truth.last_shown:
            times = entry.shown_s.get(event.node, [])
            repeats = entry.repeated_s.get(event.node, [])
            if len(times) > 1 and not self._forgot(entry, event.node, times[0]):
                breaches.add("P2", event.node, f"shown {len(times)} times: {entry.text}", entry.key)
            if len(repeats) > MAX_REPEATS:
                breaches.add("P2", event.node, f"repeated {len(repeats)} times: {entry.text}", entry.key)
            self._honest(event, entry)
            clerks = [unit.desk.clerk for unit in self._world.units.values()]
            if entry.id and any(clerk is not None and entry.id in clerk.never_left for clerk in clerks):
                breaches.add(
                    "P3", event.node, f"taken back before it left, and shown: {entry.text}", entry.key
                )
        unknown = not self._truth.last_shown and text not in self._truth.texts
        if unknown and event.node in self._world.units and not text.startswith(OUR_OWN):
            breaches.add("P3", event.node, f"shown, but nobody typed it: {text}")
        if event.node in self._world.people and text.startswith(native.AUTOMATIC):
            last_s = self._automatic_s.get(event.node, -AUTOMATIC_EVERY_S)
            via = self._world.people[event.node].group.via
            old = facts["repeat"] or self._older_disk(via)
            if not old and event.at_s - last_s < AUTOMATIC_EVERY_S:
                breaches.add("P8", event.node, f"automatic replies {event.at_s - last_s:.0f} s apart")
            self._automatic_s[event.node] = event.at_s

    def _forgot(self, entry: Entry, screen: str, shown_s: float) -> bool:
        """Whether a gateway that took or showed this got an older disk, on which it had not yet.

        Between gateways the identity tells even then; a device has none to look at. A client or a set that
        offers its text again to a gateway which got an older disk makes a second message.
        """
        man, excused = self._world.people.get(screen), self._world.excused
        if man is not None and excused(man.group.via, entry.at_s, shown_s):
            return True
        return excused(entry.via or entry.by, entry.at_s, max(entry.at_s, entry.accepted_s))

    def _honest(self, event: Event, entry: Entry) -> None:
        """Compare what a gateway's screen says of a text with what was typed."""
        facts, unit = event.facts, self._world.units.get(event.node)
        if entry.native or entry.key == "":
            return
        if event.node != entry.to:
            self._breaches.add("P3", event.node, f"shown here, meant for {entry.to}: {entry.text}", entry.key)
        elif unit is not None:
            sender = self._signs.get(int(str(facts["sender"])), "")
            told = (sender, int(str(facts.get("precedence", entry.precedence))))
            if told != (entry.by, entry.precedence):
                detail = f"shown as from {told[0]}, precedence {told[1]}: {entry.text} of {entry.by}"
                self._breaches.add("P3", event.node, detail, entry.key)

    # --- states ------------------------------------------------------------------------------------------

    def _moved(self, event: Event) -> None:
        facts = event.facts
        ref, station = str(facts["id"]), int(str(facts["station"]))
        state, evidence = RecipientState(str(facts["state"])), str(facts["evidence"])
        place = (event.node, ref, station)
        before = self._states.get(place)
        self._states[place] = (state, evidence)
        if state is RecipientState.SUPERSEDED:
            self._truth.renamed(ref, str(facts["by"]))
        sign = self._signs.get(station, "")
        entry = self._truth.of(ref, sign)
        if before is not None and before[0].rank > state.rank and not self._older_disk(event.node):
            self._breaches.add("P3", event.node, f"{ref} went back from {before[0].value} to {state.value}")
        self._taken_back(event, ref, state)
        if state in REACHED:
            self._evidence(event, ref, sign, state, evidence)
        if entry is not None and state is RecipientState.EXPIRED:
            past_s = event.at_s - entry.accepted_s if entry.accepted else event.at_s - entry.at_s
            if past_s < entry.lifetime_s - EARLY_S - LATE_SHARE * entry.lifetime_s:
                self._breaches.add("P7", event.node, f"{ref} expired after {past_s:.0f} s", entry.key)

    def _older_disk(self, node: str) -> bool:
        return bool(self._world.second_lives.get(node))

    def _evidence(self, event: Event, ref: str, sign: str, state: RecipientState, evidence: str) -> None:
        gateway = sign in self._world.units
        if gateway and evidence != Evidence.PROTOCOL.value and state is RecipientState.DELIVERED:
            self._breaches.add("P3", event.node, f"{ref} is delivered at {sign}, a gateway: {evidence}")
        if not gateway and evidence == Evidence.PROTOCOL.value:
            self._breaches.add("P3", event.node, f"{ref} is {state.value} at {sign}, a device: {evidence}")
        if state is RecipientState.DELIVERED:
            return
        if gateway:
            clerk = self._world.units[sign].desk.clerk
            begun = set[str]() if clerk is None else clerk.acknowledging
            if clerk is not None and state is RecipientState.READ:
                begun = begun | clerk.reading
            said = ref in begun
        else:
            entry = self._truth.of(ref, sign)
            seen_s = 0.0 if entry is None else entry.first_shown_s(sign)
            said = seen_s is not None and any(at_s >= seen_s for at_s in self._said.get(sign, {}).values())
        if not said and not self._world.excused(sign, event.at_s):
            self._breaches.add("P3", event.node, f"{ref} is {state.value} at {sign}, who never said so")

    def _delivered_is_shown(self) -> None:
        for (node, ref, station), (state, _) in self._states.items():
            where = self._signs.get(station, "")
            entry = self._truth.of(ref, where)
            if entry is None or node != entry.by or state not in REACHED:
                continue
            if entry.first_shown_s(where) is None and not self._world.excused(where, entry.at_s):
                detail = f"{ref} is {state.value} at {where}, which never showed it"
                self._breaches.add("P3", node, detail, entry.key)

    def _ended(self) -> None:
        """Find copies whose life is long over, that nobody saw, and that their gateway still carries (P7)."""
        for entry in self._truth.entries.values():
            unit = self._world.units.get(entry.by)
            if unit is None or not entry.accepted or entry.arrived or not unit.box.on:
                continue
            now_s = self._world.now_s()
            asleep_s = self._calm.stopped_s(entry.by, entry.at_s, now_s)
            past_s = now_s - entry.accepted_s - entry.lifetime_s * (1 + LATE_SHARE) - asleep_s
            numbers = [number for number, sign in self._signs.items() if sign == entry.to]
            state, _ = self._states.get((entry.by, entry.id, numbers[0]), (None, ""))
            if past_s > LATE_S and state is not None and not state.settled and not self._older_disk(entry.by):
                detail = f"{entry.id} is {state.value}, {past_s:.0f} s after its end: {entry.text}"
                self._breaches.add("P7", entry.by, detail, entry.key)

    def _taken_back(self, event: Event, ref: str, state: RecipientState) -> None:
        if state is RecipientState.CANCELLED and not self._world.called_off(ref):
            self._breaches.add("P3", event.node, f"{ref} is cancelled, and nobody took it back")

    # --- order and time ----------------------------------------------------------------------------------

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
                    if lesser.precedence >= urgent.precedence or lesser.at_s < urgent.accepted_s:
                        continue
                    late_s = shown_s - (lesser.first_shown_s(lesser.to) or 0.0)
                    fair = self._undisturbed(urgent, shown_s)
                    if late_s > self._overtaken_s(urgent) and len(urgent.text) <= len(lesser.text) and fair:
                        detail = f"{urgent.text} came {late_s:.0f} s after the lesser {lesser.text}"
                        self._breaches.add("P4", urgent.by, detail, urgent.key)

    def _overtaken_s(self, entry: Entry) -> float:
        man, units = self._world.people.get(entry.to), self._world.units
        via = entry.to if man is None else man.group.via
        shared = set(units[entry.by].node.links) & set(units[via].node.links) & set(NETS)
        fast = (via == entry.by or shared) and self._world.scenario.area.model == "flat"
        return OVERTAKEN_FAST_S if fast else OVERTAKEN_S

    def _undisturbed(self, entry: Entry, until_s: float) -> bool:
        """Whether every gateway that had to do with it worked all the time, and no link of theirs was cut."""
        man = self._world.people.get(entry.to)
        if man is not None and man.group.via == entry.by and man.group.kind == "handheld":
            near = [bearer_of("pdt"), way("pdt", entry.by), way("pdt", entry.to), node_of(entry.by)]
            return self._calm.holds(near, entry.at_s, until_s)
        names = [entry.by, entry.to if man is None else man.group.via]
        links = {link for name in names for link in self._world.units[name].node.links}
        places = [place for name in names for place in (node_of(name), *(way(link, name) for link in links))]
        return self._calm.holds([*places, *map(bearer_of, links)], entry.at_s, until_s)

    def _in_time(self) -> None:
        """Find texts between gateways that were shown when their life was long over (P7)."""
        for entry in self._truth.entries.values():
            shown_s = entry.first_shown_s(entry.to)
            if shown_s is None or entry.native or entry.to not in self._world.units:
                continue
            asleep_s = sum(self._calm.stopped_s(name, entry.at_s, shown_s) for name in (entry.by, entry.to))
            late_s = shown_s - entry.accepted_s - entry.lifetime_s * (1 + LATE_SHARE) - asleep_s
            kept = [place for sky in ("tiantong", "beidou") for place in self._ends(sky, entry)]
            if late_s > LATE_S and self._calm.holds(kept, entry.at_s, shown_s):
                self._breaches.add(
                    "P7", entry.to, f"shown {late_s:.0f} s after its end: {entry.text}", entry.key
                )

    def _ends(self, bearer: str, entry: Entry) -> list[tuple[str, ...]]:
        return [bearer_of(bearer), way(bearer, entry.by), way(bearer, entry.to)]
