"""What was typed against what was shown: the books that no gateway writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import Final, Protocol

from gateway.api.backend import DEFAULT_LIFETIME_S
from sim.record import Event, Record, What

UNDER_WAY_S: Final = 5.0
"""A set may hear that its text was taken so long after the gateway that took it got another disk."""


@dataclass(slots=True)
class Entry:
    """One text somebody typed, and where it was seen.

    `accepted`: True when its sender was told so, False when it was refused, None while nobody answered.
    """

    key: str
    by: str
    to: str
    text: str
    native: bool
    precedence: int
    at_s: float
    lifetime_s: float
    via: str = ""
    """The gateway that takes what is typed on a device that knows nothing of us."""
    accepted: bool | None = None
    accepted_s: float = 0.0
    id: str = ""
    ack_wanted: bool = False
    shown_s: dict[str, list[float]] = field(default_factory=dict)
    """Times of its first showings by screen; one marked as a repeat stands in `repeated_s`."""
    repeated_s: dict[str, list[float]] = field(default_factory=dict)

    @property
    def arrived(self) -> bool:
        """Whether its recipient's screen showed it."""
        return self.to in self.shown_s or self.to in self.repeated_s

    def first_shown_s(self, screen: str) -> float | None:
        """When a screen first showed it, marked as a repeat or not."""
        times = self.shown_s.get(screen, []) + self.repeated_s.get(screen, [])
        return min(times) if times else None


class Surroundings(Protocol):
    """What the books need to know of the world."""

    def now_s(self) -> float:
        """Seconds since the run began."""

    def can_read(self, sign: str) -> bool:
        """Whether somebody is there with a screen that has power."""

    def excused(self, sign: str, at_s: float, until_s: float | None = None) -> bool:
        """Whether a box's disk was later exchanged for one older than this moment, or one up to `until_s`."""

    def serving(self, sign: str) -> str:
        """Return the gateway that shows somebody's texts: it may have had one, and got an older disk."""

    def called_off(self, ref: str) -> bool:
        """Whether somebody tried to take a message back: then it may be shown or not."""


class Truth:
    """Follows every text of a run that can be told from others."""

    def __init__(self, record: Record, *, hq: str) -> None:
        self.entries: dict[str, Entry] = {}
        """By key; a text to several recipients has one for each, the first under its own key."""
        self.by_id: dict[str, list[Entry]] = {}
        """By identity, those it was given later by its gateway included."""
        self.texts: dict[str, float] = {}
        """Everything anybody typed, followed or not, and when first."""
        self.last_shown: tuple[Entry, ...] = ()
        """What the latest showing was about."""
        self.pressed_s: dict[str, float] = {}
        """Emergencies by alarm key: when the button was pressed."""
        self.heard_s: dict[str, float] = {}
        """When the first gateway raised the alarm; what no radio heard was never accepted by anybody."""
        self.told_s: dict[str, float] = {}
        """When headquarters was first told of each."""
        self._over: dict[str, set[str]] = {}
        """Who has seen the end of each, after it saw the emergency."""
        self._raised: dict[str, set[str]] = {}
        self._hq = hq
        record.watch(self._typed, What.TYPED)
        record.watch(self._shown, What.SHOWN)
        record.watch(self._alarm, What.ALARM)

    def missing(self, world: Surroundings) -> list[Entry]:
        """Return what was accepted, still lives, and was not shown where it should be."""
        now_s = world.now_s()
        return [
            entry
            for entry in self.entries.values()
            if entry.accepted
            and not entry.arrived
            and not (entry.id and world.called_off(entry.id))
            and now_s < entry.at_s + entry.lifetime_s
            and world.can_read(entry.to)
            and not world.excused(entry.by, entry.accepted_s)
            and not world.excused(world.serving(entry.to), entry.accepted_s, inf)
            and not world.excused(
                entry.via, max(entry.at_s, entry.accepted_s - UNDER_WAY_S), entry.accepted_s
            )
        ]

    def of(self, ref: str, station_sign: str) -> Entry | None:
        """Return what was typed under an identity for one recipient."""
        return next((entry for entry in self.by_id.get(ref, ()) if entry.to == station_sign), None)

    def renamed(self, old: str, new: str) -> None:
        """Follow a text that its gateway gave another identity."""
        if old in self.by_id and new not in self.by_id:
            self.by_id[new] = self.by_id[old]

    def untold_emergencies(self, world: Surroundings) -> list[str]:
        """Keys of emergencies that some gateway heard and still knows, and headquarters was never told of."""
        return [
            key
            for key, at_s in self.heard_s.items()
            if key not in self.told_s and not all(world.excused(node, at_s) for node in self._raised[key])
        ]

    def unended_emergencies(self, world: Surroundings) -> list[str]:
        """Keys of emergencies of whose end a gateway knows, and headquarters, told before that, does not."""
        return [
            key
            for key, seen in self._over.items()
            if seen and self._hq not in seen and not world.excused(self._hq, self.told_s[key])
        ]

    def _alarm(self, event: Event) -> None:
        key, state = str(event.facts["key"]), event.facts["state"]
        if state == "pressed":
            self.pressed_s.setdefault(key, event.at_s)
        elif state == "raised":
            self._raised.setdefault(key, set()).add(event.node)
            self._over.pop(key, None)
        elif state == "cleared" and key in self.pressed_s and self._hq in self._raised.get(key, ()):
            self._over.setdefault(key, set()).add(event.node)
        if state == "raised" and key in self.pressed_s:
            self.heard_s.setdefault(key, event.at_s)
            if event.node == self._hq:
                self.told_s.setdefault(key, event.at_s)

    def _typed(self, event: Event) -> None:
        facts = event.facts
        self.texts.setdefault(str(facts["text"]), event.at_s)
        if not facts["followed"]:
            return
        key = str(facts["key"])
        if key not in self.entries:
            for number, to in enumerate([str(facts["to"]), *str(facts.get("also", "")).split(",")]):
                if to:
                    name = key if number == 0 else f"{key}>{to}"
                    self.entries[name] = self._entry(event, name, to)
        accepted = facts["accepted"]
        if accepted is None:
            return
        for name, entry in self.entries.items():
            if name.partition(">")[0] == key and entry.accepted is None:
                entry.accepted, entry.accepted_s = bool(accepted), event.at_s
                if facts.get("id"):
                    entry.id = str(facts["id"])
                    self.by_id.setdefault(entry.id, []).append(entry)

    def _entry(self, event: Event, key: str, to: str) -> Entry:
        facts = event.facts
        return Entry(
            key=key,
            by=event.node,
            to=to,
            text=str(facts["text"]),
            native=bool(facts["native"]),
            precedence=int(str(facts.get("precedence", 0))),
            at_s=event.at_s,
            lifetime_s=float(str(facts.get("lifetime_s") or DEFAULT_LIFETIME_S)),
            via=str(facts.get("via", "")),
            ack_wanted=bool(facts.get("ack_wanted", False)),
        )

    def _shown(self, event: Event) -> None:
        key = str(event.facts["key"])
        entry = self.entries.get(f"{key}>{event.node}") or self.entries.get(key)
        self.last_shown = () if entry is None else (entry,)
        if entry is not None:
            times = entry.repeated_s if event.facts["repeat"] else entry.shown_s
            times.setdefault(event.node, []).append(event.at_s)
