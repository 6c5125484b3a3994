"""One roll call as a pure machine: whom to ask now and how, what an answer means, when it ends."""

from __future__ import annotations

from collections.abc import Iterable
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


@dataclass(slots=True)
class Entry:
    """What is known of one station in this call."""

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
    asking: bool = False

    def body(self) -> dict[str, Any]:
        """What the record keeps."""
        return {
            "station": self.station,
            "state": self.state.value,
            "evidence": self.evidence.value if self.evidence else "",
            "authenticated": self.authenticated,
            "bearer": self.bearer,
            "link": self.link,
            "via": self.via,
            "by": self.by,
            "note": self.note,
            "head_count": self.head_count,
            "battery_pct": self.battery_pct,
            "tries": self.tries,
            "called_unix_ms": self.called_unix_ms,
            "answered_unix_ms": self.answered_unix_ms,
            "asked": self.asked,
        }

    @classmethod
    def restored(cls, body: dict[str, Any], ways: tuple[Way, ...]) -> Entry:
        """Rebuild from the record after a restart."""
        entry = cls(int(body["station"]), ways)
        entry.state = EntryState(body["state"])
        entry.evidence = Evidence(body["evidence"]) if body["evidence"] else None
        for name in (
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
        ):
            setattr(entry, name, body[name])
        return entry


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

    def due(self, now_s: float) -> list[Ask]:
        """Whom to ask now. One quick pass over everybody comes first; repeats and other bearers after it."""
        asks: list[Ask] = []
        if self.ended:
            return asks
        for entry in sorted(self.entries.values(), key=lambda e: e.tries):
            if entry.state is not EntryState.PENDING or entry.asking or now_s < entry.wait_until_s:
                continue
            if entry.ways and entry.tries < self.rounds * len(entry.ways):
                asks.append(Ask(entry.station, entry.ways[entry.next_way % len(entry.ways)]))
        return asks

    def asked(self, ask: Ask, *, now_s: float, unix_ms: int) -> Entry:
        """Note that a station was asked; its answer counts from now."""
        entry = self.entries[ask.station]
        entry.tries += 1
        entry.next_way += 1
        entry.called_unix_ms = entry.called_unix_ms or unix_ms
        if ask.way.link not in entry.asked:
            entry.asked.append(ask.way.link)
        wait_s = self.timeouts_s.get(ask.way.bearer, TIMEOUT_S[ask.way.bearer])
        if ask.way.via:
            wait_s = max(wait_s, (self.deadline_s - now_s) / 2)
        entry.wait_until_s = now_s + wait_s
        return entry

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
        return entry is not None and bool(entry.asked) and entry.state not in (*PRESENT, *ASIDE)

    def answered(self, station: int, answer: Answer, unix_ms: int) -> Entry | None:
        """Count an answer; None if it does not count. After the end an absent station becomes late."""
        if not self.takes(station) or (self.ended and answer.state not in PRESENT):
            return None
        entry = self.entries[station]
        entry.state = EntryState.LATE if self.ended else answer.state
        entry.evidence, entry.authenticated = answer.evidence, answer.authenticated
        entry.bearer, entry.link, entry.via, entry.by = answer.bearer, answer.link, answer.via, answer.by
        entry.note = answer.note or entry.note
        entry.head_count, entry.battery_pct = answer.head_count, answer.battery_pct
        entry.answered_unix_ms = unix_ms
        return entry

    def finish(self, heard: Iterable[int], unix_ms: int) -> list[Entry]:
        """End the call: who did not answer is inferred present if heard meanwhile, else absent."""
        changed: list[Entry] = []
        lately = set(heard)
        for entry in self.entries.values():
            if entry.state is EntryState.PENDING:
                here = entry.station in lately
                entry.state = EntryState.INFERRED if here else EntryState.ABSENT
                entry.evidence = Evidence.INFERRED if here else None
                if not entry.ways:
                    entry.note = entry.note or "没有可用的呼叫方式 no way to ask it"
                changed.append(entry)
        self.ended, self.ended_unix_ms = True, unix_ms
        return changed

    def finished(self, now_s: float) -> bool:
        """Whether it should end now: everybody has a state, or the deadline has passed."""
        pending = any(entry.state is EntryState.PENDING for entry in self.entries.values())
        return not self.ended and (not pending or now_s >= self.deadline_s)

    def next_s(self, now_s: float) -> float:
        """When to look again."""
        waits = [e.wait_until_s for e in self.entries.values() if e.state is EntryState.PENDING]
        later = [t for t in waits if t > now_s]
        return min([self.deadline_s, *later]) if not self.ended else now_s + LATE_WINDOW_S

    def counts(self) -> dict[str, int]:
        """Count the states; expected = answered + inferred + absent + fault + wrong station + pending.

        `answered` includes late, relayed and substitute, which are also counted by themselves.
        """
        by_state = dict.fromkeys((state.value for state in EntryState), 0)
        for entry in self.entries.values():
            by_state[entry.state.value] += 1
        by_state["answered"] = sum(by_state[state.value] for state in PRESENT)
        by_state["expected"] = sum(entry.state not in ASIDE for entry in self.entries.values())
        return by_state
