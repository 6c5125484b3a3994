"""One roll call as a pure machine: whom to ask now and how, what an answer means, when it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gateway.domain import Bearer, Evidence

LATE_WINDOW_S = 1_800.0
"""After its end a call still takes late answers for this long; then its record is sealed."""

ONLINE_CHECK = "在线检测 online check"
"""Note of an answer that the device gave by itself."""

TIMEOUT_S: dict[Bearer, float] = {
    Bearer.LAN: 10.0,
    Bearer.CELLULAR: 15.0,
    Bearer.VSAT: 20.0,
    Bearer.MESH: 20.0,
    Bearer.PDT: 30.0,
    Bearer.TIANTONG: 120.0,
    Bearer.BEIDOU: 180.0,
    Bearer.IRIDIUM: 180.0,
}
"""How long an answer is waited for per bearer before the next way is tried; configuration overrides."""


class EntryState(StrEnum):
    """Where one station's entry is."""

    PENDING = "pending"
    ANSWERED = "answered"
    LATE = "late"
    RELAYED = "relayed"
    SUBSTITUTE = "substitute"
    INFERRED = "inferred"
    ABSENT = "absent"
    FAULT = "fault"
    WRONG_STATION = "wrong_station"
    EXCUSED = "excused"
    MAINTENANCE = "maintenance"


PRESENT = frozenset({EntryState.ANSWERED, EntryState.LATE, EntryState.RELAYED, EntryState.SUBSTITUTE})
"""States in which the station itself, or somebody for it, has answered this call."""

ASIDE = frozenset({EntryState.EXCUSED, EntryState.MAINTENANCE})
"""States that stand beside the count of the expected."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to ask a station: a service on a link, or a poll to gateway `via` (0: the device itself)."""

    link: str
    bearer: Bearer
    address: str
    status: bool
    via: int = 0


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask this station now, this way."""

    station: int
    way: Way


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a station, or a gateway for it, said."""

    state: EntryState
    evidence: Evidence
    authenticated: bool
    bearer: str
    link: str
    via: int = 0
    by: str = ""
    note: str = ""
    head_count: int | None = None
    battery_pct: int | None = None


@dataclass(slots=True)
class Entry:
    """What is known of one station in this call: the part that the record keeps, and when to ask again."""

    station: int
    ways: tuple[Way, ...] = ()
    state: EntryState = EntryState.PENDING
    evidence: Evidence | None = None
    authenticated: bool = False
    bearer: str = ""
    link: str = ""
    via: int = 0
    by: str = ""
    note: str = ""
    head_count: int | None = None
    battery_pct: int | None = None
    tries: int = 0
    called_unix_ms: int = 0
    answered_unix_ms: int = 0
    asked: list[str] = field(default_factory=list)
    """Links over which this station was asked; only an answer after that counts."""
    wait_until_s: float = 0.0
    next_way: int = 0
    asks: int = 0
    """Tries of this process: what was on its way when the power went may not have left."""

    def add_ways(self, ways: tuple[Way, ...]) -> None:
        """Take over the ways there are now; the first that is new is tried next, and none is forgotten."""
        new = [way for way in ways if way not in self.ways]
        if new:
            self.ways = (*ways, *(way for way in self.ways if way not in ways))
            self.next_way = self.ways.index(new[0])

    def body(self) -> dict[str, Any]:
        """What the record keeps."""
        kept = {name: getattr(self, name) for name in KEPT}
        return kept | {
            "station": self.station,
            "state": self.state.value,
            "evidence": self.evidence.value if self.evidence else "",
        }

    @classmethod
    def restored(cls, body: dict[str, Any]) -> Entry:
        """Rebuild from the record."""
        entry = cls(int(body["station"]))
        entry.state = EntryState(body["state"])
        entry.evidence = Evidence(body["evidence"]) if body["evidence"] else None
        for name in KEPT:
            setattr(entry, name, body[name])
        return entry

    def follow(self, stored: Entry) -> None:
        """Take over what is on disk now."""
        self.state, self.evidence = stored.state, stored.evidence
        for name in KEPT:
            setattr(self, name, getattr(stored, name))

    # --- decisions: each changes this copy and tells whether there was anything to change ------------------

    def takes(self) -> bool:
        """Whether an answer would count: the station was asked, and has not answered."""
        return bool(self.asked) and self.state not in (*PRESENT, *ASIDE)

    def count_ask(self, link: str, unix_ms: int) -> bool:
        """Note a try over a link; only who is still missing is asked."""
        if self.state is not EntryState.PENDING:
            return False
        self.tries += 1
        self.called_unix_ms = self.called_unix_ms or unix_ms
        if link not in self.asked:
            self.asked = [*self.asked, link]
        return True

    def take_back_ask(self, link: str, *, first: bool) -> bool:
        """The question did not leave: no try; with `first` the station was not asked over this link."""
        self.tries -= 1
        if first:
            self.asked = [name for name in self.asked if name != link]
        return True

    def count_answer(self, answer: Answer, unix_ms: int, *, ended: bool) -> bool:
        """Count an answer if it counts. After the end an absent station becomes late."""
        if not self.takes() or (ended and answer.state not in PRESENT):
            return False
        self.state = EntryState.LATE if ended else answer.state
        self.evidence, self.authenticated = answer.evidence, answer.authenticated
        self.bearer, self.link, self.via, self.by = answer.bearer, answer.link, answer.via, answer.by
        self.note = answer.note or self.note
        self.head_count, self.battery_pct = answer.head_count, answer.battery_pct
        self.answered_unix_ms = unix_ms
        return True

    def conclude(self, *, heard: bool) -> bool:
        """At the end: who did not answer is inferred present if heard meanwhile, else absent."""
        if self.state is not EntryState.PENDING:
            return False
        self.state = EntryState.INFERRED if heard else EntryState.ABSENT
        self.evidence = Evidence.INFERRED if heard else None
        return True

    def mark(self, state: EntryState, note: str, by: str) -> bool:
        """Set what an operator says."""
        self.state, self.evidence, self.by = state, Evidence.OPERATOR, by
        self.note = note or self.note
        return True


KEPT = (
    "authenticated",
    "bearer",
    "link",
    "via",
    "by",
    "note",
    "head_count",
    "battery_pct",
    "tries",
    "called_unix_ms",
    "answered_unix_ms",
    "asked",
)
"""Fields of an entry that the record keeps as they are."""


@dataclass(slots=True, kw_only=True)
class Call:
    """A roll call. `number` (16 bits) and `nonce` (16 bits) are what stands on the air."""

    call_id: str
    number: int
    nonce: int
    title: str
    caller: str
    exercise: bool
    deadline_s: float
    rounds: int
    timeouts_s: dict[Bearer, float]
    started_unix_ms: int
    length_s: float
    reply_to: int = 0
    """The gateway that asked us to call for it; 0 for a call of our own."""
    entries: dict[int, Entry] = field(default_factory=dict)
    ended: bool = False
    ended_unix_ms: int = 0
    late_until_s: float = 0.0
    """Until when an ended call takes late answers."""
    polls: int = 0
    """Polls made by this process, to tell them apart."""
    unsaved: set[int] = field(default_factory=set)
    """Stations a neighbour asked for that are not on disk yet."""

    def due(self, now_s: float) -> list[Ask]:
        """Whom to ask now. One quick pass over everybody comes first; repeats and other bearers after it."""
        asks: list[Ask] = []
        if self.ended:
            return asks
        for entry in sorted(self.entries.values(), key=lambda e: e.asks):
            if entry.state is not EntryState.PENDING or now_s < entry.wait_until_s:
                continue
            if entry.ways and entry.asks < self.rounds * len(entry.ways):
                asks.append(Ask(entry.station, entry.ways[entry.next_way % len(entry.ways)]))
        return asks

    def wants(self, station: int) -> bool:
        """Whether this station is still to be asked."""
        return not self.ended and self.entries[station].state is EntryState.PENDING

    def asked(self, ask: Ask, stored: Entry, *, now_s: float) -> None:
        """Follow the note that a station was asked, and give it its time to answer."""
        entry = self.entries[ask.station]
        entry.follow(stored)
        entry.asks += 1
        entry.next_way += 1
        wait_s = self.timeouts_s.get(ask.way.bearer, TIMEOUT_S[ask.way.bearer])
        if ask.way.via:
            wait_s = max(wait_s, (self.deadline_s - now_s) / 2)
        entry.wait_until_s = now_s + wait_s

    def not_asked(self, ask: Ask, *, now_s: float, retry_s: float) -> None:
        """Take back `asked`: the question did not leave, and does not count as a try."""
        entry = self.entries[ask.station]
        entry.asks -= 1
        entry.next_way -= 1
        self.skipped(ask, now_s=now_s, retry_s=retry_s)

    def skipped(self, ask: Ask, *, now_s: float, retry_s: float) -> None:
        """Note that a station could not be asked this way just now; the next way comes at once."""
        entry = self.entries[ask.station]
        if len(entry.ways) > 1:
            entry.next_way += 1
        entry.wait_until_s = now_s + (retry_s if len(entry.ways) == 1 else min(retry_s, 0.5))

    def held(self, station: int, *, until_s: float, way: Way | None = None) -> None:
        """Note that the link is busy for a moment: this station is asked then, by `way` if one is given."""
        entry = self.entries[station]
        entry.wait_until_s = until_s
        if way is not None:
            entry.next_way = entry.ways.index(way)

    def no_answer(self, station: int, now_s: float) -> None:
        """The device or network says there is no answer to expect this way: go on with the next."""
        entry = self.entries.get(station)
        if entry is not None and entry.state is EntryState.PENDING:
            entry.wait_until_s = now_s

    def takes(self, station: int) -> bool:
        """Whether an answer of this station would count: this call asked it, and it has not answered."""
        entry = self.entries.get(station)
        return entry is not None and entry.takes()

    @property
    def pending(self) -> bool:
        """Whether somebody is still missing without a verdict."""
        return any(entry.state is EntryState.PENDING for entry in self.entries.values())

    def finished(self, now_s: float) -> bool:
        """Whether it should end now: everybody has a state, or the deadline has passed."""
        return not self.ended and (not self.pending or now_s >= self.deadline_s)

    def next_s(self, now_s: float) -> float:
        """When to look again."""
        waits = [e.wait_until_s for e in self.entries.values() if e.state is EntryState.PENDING]
        return min([self.deadline_s, *(t for t in waits if t > now_s)])


def counts(states: Sequence[EntryState]) -> dict[str, int]:
    """Count the states; expected = answered + inferred + absent + fault + wrong station + pending.

    `answered` includes late, relayed and substitute, which are also counted by themselves.
    """
    by_state = {state.value: states.count(state) for state in EntryState}
    by_state["answered"] = sum(state in PRESENT for state in states)
    by_state["expected"] = sum(state not in ASIDE for state in states)
    return by_state
