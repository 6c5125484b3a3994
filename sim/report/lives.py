"""The lives of messages: what people typed joined with what gateways told and screens showed.

A message is known by the `key` of TYPED and SHOWN and by the `id` of MESSAGE. They are joined by an event
that names both; failing that, by the first new id at the node where it was typed, within JOIN_NS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sim.record import Event, What
from sim.report.facts import flag, precedence, text

JOIN_NS = 500_000_000
"""A gateway stores what is typed at it at once; half a second covers a slow disk."""

MAX_STEPS = 400
"""Steps kept of one message: a group of hundreds of stations tells the same thing hundreds of times."""

DONE = frozenset({"delivered", "read", "acknowledged"})
"""States that say a recipient has it."""

ENDED = frozenset({"expired", "refused", "cancelled", "superseded", "failed"})
"""States that say a recipient will not get it."""


@dataclass(slots=True, kw_only=True)
class Life:
    """One message from typing to its last sign. Times in ns; -1 is never."""

    key: str = ""
    id: str = ""
    by: str = ""
    node: str = ""
    to: str = ""
    text: str = ""
    precedence: int = 1
    native: bool = False
    accepted: bool = False
    typed_ns: int = -1
    accepted_ns: int = -1
    shown_ns: int = -1
    """When the first screen showed it."""
    done_ns: int = -1
    """When a gateway first told that somebody has it."""
    bearer: str = ""
    """The bearer named with its delivery, or else the last one before it was shown."""
    hops: dict[str, str] = field(default_factory=dict)
    """Gateway → the bearer by which it passed it on."""
    state: str = ""
    repeats: int = 0
    duplicates: int = 0
    steps: list[Event] = field(default_factory=list)
    dropped_steps: int = 0
    _screens: set[str] = field(default_factory=set)

    @property
    def at_ns(self) -> int:
        """When it began."""
        return self.typed_ns if self.typed_ns >= 0 else self.steps[0].at_ns if self.steps else 0

    @property
    def arrived_ns(self) -> int:
        """When it was first shown, or else told to be delivered; -1: never."""
        return self.shown_ns if self.shown_ns >= 0 else self.done_ns

    @property
    def latency_s(self) -> float | None:
        """Seconds from typing to arrival."""
        if self.typed_ns < 0 or self.arrived_ns < 0:
            return None
        return (self.arrived_ns - self.typed_ns) / 1e9

    @property
    def screens(self) -> frozenset[str]:
        """Where it was shown."""
        return frozenset(self._screens)

    def take(self, event: Event) -> None:
        """Add one event of this message, in order of time."""
        if len(self.steps) < MAX_STEPS:
            self.steps.append(event)
        else:
            self.dropped_steps += 1
        match event.what:
            case What.TYPED:
                self._typed(event)
            case What.SHOWN:
                self._shown(event)
            case What.MESSAGE:
                self._told(event)
            case _:
                pass

    def _typed(self, event: Event) -> None:
        facts = event.facts
        if self.typed_ns < 0:
            self.typed_ns = event.at_ns
            self.by, self.to, self.text = text(facts, "by"), text(facts, "to"), text(facts, "text")
            self.node = event.node
            self.precedence, self.native = precedence(facts), flag(facts, "native")
        if flag(facts, "accepted") and not self.accepted:
            self.accepted, self.accepted_ns = True, event.at_ns

    def _shown(self, event: Event) -> None:
        where = text(event.facts, "by") or event.node
        if flag(event.facts, "repeat"):
            self.repeats += 1
        elif where in self._screens:
            self.duplicates += 1
        self._screens.add(where)
        self.text = self.text or text(event.facts, "text")
        if self.shown_ns < 0:
            self.shown_ns = event.at_ns

    def _told(self, event: Event) -> None:
        state = text(event.facts, "state")
        self.node = self.node or event.node
        if state in DONE and self.done_ns < 0:
            self.done_ns = event.at_ns
        if self.state not in DONE or state in DONE:
            self.state = state


class Lives:
    """Collects lives from a stream of events in order of time. `bearers`: (node, link) → bearer."""

    def __init__(self, bearers: Mapping[tuple[str, str], str]) -> None:
        self._bearers = bearers
        self.all: list[Life] = []
        self._by_key: dict[str, Life] = {}
        self._by_id: dict[str, Life] = {}
        self._waiting: dict[str, list[Life]] = {}

    def take(self, event: Event) -> None:
        """Add an event to its message, if it belongs to one."""
        if event.facts.get("followed") is False:
            return  # an answer or 收到: many type the same, and none is a message
        key, id_ = text(event.facts, "key"), text(event.facts, "id")
        named, told_of = self._by_key.get(key) if key else None, self._by_id.get(id_) if id_ else None
        if named is not None and told_of is not None and named is not told_of:
            self._merge(named, told_of)
        life = named or told_of
        if life is None and event.what is What.MESSAGE and id_:
            life = self._join(event)
        if life is None and ((event.what is What.MESSAGE and id_) or (event.what is What.TYPED and key)):
            life = Life()
            self.all.append(life)
        if life is None:
            return
        if key and not life.key:
            life.key = key
            self._by_key[key] = life
        if id_ and not life.id:
            life.id = id_
            self._by_id[id_] = life
        told = text(event.facts, "bearer") or self._bearers.get((event.node, event.link), event.link)
        proves = life.done_ns < 0 and text(event.facts, "state") in DONE
        if told and (life.shown_ns < 0 or proves or not life.bearer):
            life.bearer = told
        life.take(event)
        if event.what is What.TYPED and not id_ and event.node and not life.id:
            self._waiting.setdefault(event.node, []).append(life)

    def know(self, carried: Mapping[tuple[str, str], str]) -> None:
        """Take what the gateways' own books say: (node, id) → link. The last relay's bearer delivered it."""
        for (node, id_), link in carried.items():
            life = self._by_id.get(id_)
            if life is None:
                continue
            life.hops[node] = self._bearers.get((node, link), link)
            if node != life.node or len(life.hops) == 1:
                life.bearer = life.hops[node]

    def _merge(self, life: Life, other: Life) -> None:
        """Make one of what was typed on a device and what a gateway made of it: a screen named both."""
        self.all.remove(other)
        for step in other.steps:
            life.take(step)
        life.steps.sort(key=lambda step: step.at_ns)
        life.bearer = life.bearer or other.bearer
        life.id = life.id or other.id
        self._by_id[other.id] = life

    def _join(self, event: Event) -> Life | None:
        waiting = self._waiting.get(event.node, [])
        while waiting:
            life = waiting[0]
            if life.id or event.at_ns - life.typed_ns > JOIN_NS:
                waiting.pop(0)
                continue
            return waiting.pop(0)
        return None
