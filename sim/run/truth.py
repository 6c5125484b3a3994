"""What was typed against what was shown: the books that no gateway writes.

Texts of a run are unique, so a text on a screen is known by itself. Answers to roll calls, 收到 and automatic
replies are everybody's words and are not followed here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.demo.counter import on_screen
from sim.record import Event, Record, What

FOLLOWED_CHARS = 4
"""Shorter texts are common words: 到, 收到, 明白."""


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
    accepted: bool | None = None
    accepted_s: float = 0.0
    id: str = ""
    shown_s: dict[str, list[float]] = field(default_factory=dict)
    """Times of its first showings by screen; one marked as a repeat stands in `repeated_s`."""
    repeated_s: dict[str, list[float]] = field(default_factory=dict)

    def first_shown_s(self, screen: str) -> float | None:
        """When a screen first showed it, marked as a repeat or not."""
        times = self.shown_s.get(screen, []) + self.repeated_s.get(screen, [])
        return min(times) if times else None


class Truth:
    """Follows every text of a run. `hq` is where a text goes that names nobody."""

    def __init__(self, record: Record, *, hq: str, desks: frozenset[str]) -> None:
        self.entries: dict[str, Entry] = {}
        self.by_text: dict[str, Entry] = {}
        self.by_id: dict[str, Entry] = {}
        self.strays: list[Event] = []
        """Texts on screens that nobody typed."""
        self._hq = hq
        self._desks = desks
        record.watch(self._typed, What.TYPED)
        record.watch(self._shown, What.SHOWN)

    def _typed(self, event: Event) -> None:
        facts = event.facts
        key, text = str(facts["key"]), str(facts["text"])
        entry = self.entries.get(key)
        if entry is None:
            to, text = self._meant(str(facts["to"]), text, native=bool(facts["native"]))
            if len(text) < FOLLOWED_CHARS:
                return
            entry = Entry(
                key=key,
                by=event.node,
                to=to,
                text=text,
                native=bool(facts["native"]),
                precedence=int(str(facts.get("precedence", 0))),
                at_s=event.at_s,
                lifetime_s=float(str(facts.get("lifetime_s") or 0)),
            )
            self.entries[key] = self.by_text[text] = entry
        accepted = facts["accepted"]
        if accepted is not None and entry.accepted is None:
            entry.accepted, entry.accepted_s = bool(accepted), event.at_s
            if facts.get("id"):
                entry.id = str(facts["id"])
                self.by_id[entry.id] = entry

    def _meant(self, to: str, text: str, *, native: bool) -> tuple[str, str]:
        """Return for whom a text is, and what of it is to be shown there."""
        if not native:
            return to, text
        words = text.strip()
        if words.startswith("@"):
            sign, _, rest = words[1:].partition(" ")
            return sign, rest.strip()
        return self._hq, words

    def _shown(self, event: Event) -> None:
        text, repeat = str(event.facts["text"]), False
        if event.node not in self._desks:
            seen = on_screen(event.node, text, event.at_s)
            if seen is None:
                return
            text, repeat = seen.text, seen.repeat
        entry = self.by_text.get(text)
        if entry is None:
            if len(text) >= FOLLOWED_CHARS:
                self.strays.append(event)
            return
        times = entry.repeated_s if repeat else entry.shown_s
        times.setdefault(event.node, []).append(event.at_s)
