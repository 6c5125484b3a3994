"""A gateway in memory for the API's tests and for looking at the page: real rules, no radios."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from drivers.base import Clock
from gateway.api.backend import (
    DEFAULT_LIFETIME_S,
    Caller,
    EventRow,
    NewMessage,
    NotFoundError,
    Refusal,
    RefusedError,
)
from gateway.domain import (
    Alarm,
    Attempt,
    Evidence,
    LinkReport,
    Message,
    MessageId,
    Recipient,
    RecipientState,
    TimeQuality,
)
from protocols.errors import BadInputError

COUNTED = ("answered", "late", "relayed", "substitute", "inferred", "absent", "fault", "wrong_station")
BESIDE = ("excused", "maintenance")


class LoopClock:
    """The running loop's time; wall time begins at `start_unix_ms`."""

    def __init__(self, start_unix_ms: int = 1_790_000_000_000) -> None:
        self.start_unix_ms = start_unix_ms

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()

    def unix_ms(self) -> int:
        return self.start_unix_ms + int(self.monotonic_s() * 1000)

    async def sleep(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)


@dataclass
class StationRow:
    """One station of the roster with its presence."""

    number: int
    call_sign: str
    name: str
    path: str
    kind: str
    heard: dict[str, object] | None = None
    position: dict[str, object] | None = None

    def json(self) -> dict[str, object]:
        keys = ("number", "call_sign", "name", "path", "kind", "heard", "position")
        return {**{key: getattr(self, key) for key in keys}, "groups": []}


@dataclass
class MemoryBackend:
    """Implements gateway.api.backend.Backend."""

    clock: Clock
    own: int = 1
    roster: dict[int, StationRow] = field(default_factory=dict)
    groups: dict[str, tuple[int, ...]] = field(default_factory=dict)
    reports: list[LinkReport] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    stored: dict[str, Message] = field(default_factory=dict)
    tries: dict[str, list[Attempt]] = field(default_factory=dict)
    keys: dict[tuple[str, str], tuple[NewMessage, str]] = field(default_factory=dict)
    calls: dict[str, dict[str, object]] = field(default_factory=dict)
    rung: dict[str, Alarm] = field(default_factory=dict)
    silent: dict[str, bool] = field(default_factory=dict)
    strangers: list[dict[str, object]] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    newest: int = 0
    epoch: str = "3fa2"
    events_kept: int = 1_000
    largest_octets: int = 1_200
    exercise: bool = False
    waiting: int = 0
    acts: list[tuple[str, str]] = field(default_factory=list)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    def emit(self, kind: str, **body: object) -> None:
        """Make an event durable."""
        self.newest += 1
        self.events.append((self.newest, kind, body, self.clock.unix_ms()))
        del self.events[: -self.events_kept]

    async def tell(self, kind: str, **body: object) -> None:
        """Make an event durable and wake those who wait."""
        self.emit(kind, **body)
        async with self.news:
            self.news.notify_all()

    async def health(self) -> dict[str, object]:
        own = self.roster[self.own]
        queued = sum(not r.state.settled for m in self.stored.values() for r in m.recipients)
        return {
            "station": self.own,
            "call_sign": own.call_sign,
            "name": own.name,
            "version": "0.1.0",
            "uptime_s": self.clock.monotonic_s(),
            "unix_ms": self.clock.unix_ms(),
            "time_quality": TimeQuality.NTP.value,
            "exercise": self.exercise,
            "ledger": {"state": "ok", "octets": 1_310_720, "octets_max": 1 << 30},
            "quiet": self.silent,
            "counts": {"queued": queued, "messages": len(self.stored), "duplicates": 0, "repeats": 0},
            "alarms": len(await self.alarms(active_only=True)),
            "events": {"epoch": self.epoch, "newest": self.newest},
        }

    async def links(self, station: str | None) -> list[LinkReport]:
        if station is None:
            return sorted(self.reports, key=lambda r: (r.station != self.own, r.station))
        number = self._number("station", station)
        return [report for report in self.reports if report.station == number]

    async def ask_links(self, station: str) -> None:
        self._number("station", station)
        self.asked.append(station)

    async def stations(self) -> list[dict[str, object]]:
        return [row.json() for row in self.roster.values()]

    async def submit(
        self, new: NewMessage, caller: Caller, idempotency_key: str | None
    ) -> tuple[Message, bool]:
        if idempotency_key is not None and (seen := self.keys.get((caller.name, idempotency_key))):
            if seen[0] != new:
                raise RefusedError(
                    Refusal.CONFLICT,
                    field="Idempotency-Key",
                    limit="one message for a key",
                    found=idempotency_key,
                    en="Idempotency-Key: used before for another message",
                    zh="Idempotency-Key：已用于另一条报文",
                )
            return self.stored[seen[1]], True
        numbers = [n for word in new.to for n in self._resolve(word)]
        octets = len(new.text.encode())
        if octets > self.largest_octets and not new.keep:
            raise RefusedError(
                Refusal.TOO_LARGE,
                field="text",
                limit=f"{self.largest_octets} octets",
                found=f"{octets} octets",
                en=f"text: {octets} octets fit no living bearer (limit: {self.largest_octets} octets)",
                zh=f"报文：{octets} 字节，现有承载均无法传送（限制：{self.largest_octets} 字节）",
            )
        message = Message(
            id=MessageId(self.own, 0x3FA2, len(self.stored) + 1),
            kind=new.kind,
            precedence=new.precedence,
            text=new.text,
            sender=self.own,
            exercise=new.exercise,
            ack_wanted=new.ack_wanted,
            lifetime_s=DEFAULT_LIFETIME_S if new.lifetime_s is None else new.lifetime_s,
            accepted_unix_ms=self.clock.unix_ms(),
            time_quality=TimeQuality.NTP,
            keep_for_bigger=new.keep,
            recipients=tuple(Recipient(station=number) for number in dict.fromkeys(numbers)),
        )
        if idempotency_key is not None:
            self.keys[caller.name, idempotency_key] = (new, str(message.id))
        await self.put(message, caller.name)
        return message, False

    async def put(self, message: Message, by: str = "") -> None:
        """Store a message, new or changed."""
        self.stored[str(message.id)] = message
        self.acts.append((by, str(message.id)))
        await self.tell("message.changed", id=str(message.id))

    async def messages(
        self, *, limit: int, before: str | None, state: str | None, station: str | None
    ) -> list[Message]:
        number = None if station is None else self._number("station", station)
        found = sorted(self.stored.values(), key=lambda m: (m.accepted_unix_ms, m.id), reverse=True)
        if before is not None:
            start = [str(m.id) for m in found].index(str(MessageId.parse(before))) + 1
            found = found[start:]
        return [
            m
            for m in found
            if (state is None or any(r.state == state for r in m.recipients))
            and (number is None or number == m.sender or any(r.station == number for r in m.recipients))
        ][:limit]

    async def message(self, message_id: str) -> Message | None:
        return self.stored.get(message_id)

    async def attempts(self, message_id: str) -> list[Attempt]:
        return self.tries.get(message_id, [])

    async def cancel(self, message_id: str, caller: Caller) -> Message:
        message = self._message(message_id)
        if all(recipient.state.settled for recipient in message.recipients):
            raise RefusedError(
                Refusal.CONFLICT,
                field="id",
                limit="a recipient not yet reached",
                found=message_id,
                en=f"id: nothing is left to cancel in {message_id}",
                zh=f"编号：{message_id} 已无可撤销的收件台站",
            )
        return await self._set(message, RecipientState.CANCELLED, caller, open_only=True)

    async def mark_read(self, message_id: str, caller: Caller) -> Message:
        return await self._set(self._message(message_id), RecipientState.READ, caller)

    async def acknowledge(self, message_id: str, caller: Caller) -> Message:
        return await self._set(self._message(message_id), RecipientState.ACKNOWLEDGED, caller)

    async def start_roll_call(
        self, *, stations: tuple[str, ...], title: str, exercise: bool, deadline_s: int | None, caller: Caller
    ) -> dict[str, object]:
        numbers = [n for word in stations for n in self._resolve(word)] or [
            n for n in self.roster if n != self.own
        ]
        now = self.clock.unix_ms()
        call: dict[str, object] = {
            "id": f"{self.own}-r{len(self.calls) + 1}",
            "title": title,
            "exercise": exercise,
            "caller": caller.name,
            "scheme": "poll",
            "state": "running",
            "started_unix_ms": now,
            "deadline_unix_ms": now + 1000 * (deadline_s or 600),
            "ended_unix_ms": 0,
            "hash": "",
            "previous_hash": "",
            "entries": [self.entry(number) for number in numbers],
        }
        self.calls[str(call["id"])] = call
        await self.tell("rollcall.started", id=call["id"])
        return self._counted(call)

    def entry(self, number: int, state: str = "pending", **more: object) -> dict[str, object]:
        """Build an entry of a roll call."""
        row = self.roster[number]
        return {
            "station": number,
            "call_sign": row.call_sign,
            "name": row.name,
            "state": state,
            "evidence": "",
            "bearer": "",
            "link": "",
            "via": 0,
            "by": "",
            "tries": 0,
            "called_unix_ms": 0,
            "answered_unix_ms": 0,
            "note": "",
            "authenticated": True,
            **more,
        }

    async def roll_calls(self, limit: int) -> list[dict[str, object]]:
        newest = list(reversed(self.calls.values()))[:limit]
        return [{k: v for k, v in self._counted(c).items() if k != "entries"} for c in newest]

    async def roll_call(self, call_id: str) -> dict[str, object] | None:
        call = self.calls.get(call_id)
        return None if call is None else self._counted(call)

    async def mark_entry(
        self, call_id: str, station: str, state: str, note: str, caller: Caller
    ) -> dict[str, object]:
        if call_id not in self.calls:
            raise NotFoundError("id", call_id)
        number = self._number("station", station)
        for entry in self._entries(self.calls[call_id]):
            if entry["station"] == number:
                entry |= {"state": state, "note": note, "evidence": "operator", "by": caller.name}
                await self.tell("rollcall.changed", id=call_id)
                return self._counted(self.calls[call_id])
        raise NotFoundError("station", station)

    async def quiet(self, link: str, on: bool, caller: Caller) -> dict[str, bool]:  # noqa: FBT001
        if link != "all" and link not in self.silent:
            raise NotFoundError("link", link)
        for name in self.silent if link == "all" else (link,):
            self.silent[name] = on
        self.acts.append((caller.name, f"quiet {link} {on}"))
        await self.tell("quiet.changed", link=link)
        return self.silent

    async def alarms(self, *, active_only: bool) -> list[Alarm]:
        newest = sorted(self.rung.values(), key=lambda a: a.raised_unix_ms, reverse=True)
        return [a for a in newest if not active_only or not (a.cleared_unix_ms and a.acknowledged_by)]

    async def acknowledge_alarm(self, key: str, caller: Caller) -> Alarm:
        if key not in self.rung:
            raise NotFoundError("key", key)
        if not self.rung[key].acknowledged_by:
            self.rung[key] = replace(self.rung[key], acknowledged_by=caller.name)
            await self.tell("alarm.changed", key=key)
        return self.rung[key]

    async def clear_alarm(self, key: str, caller: Caller) -> Alarm:
        if key not in self.rung:
            raise NotFoundError("key", key)
        known = self.rung[key]
        if not known.cleared_unix_ms:
            self.rung[key] = replace(
                known,
                cleared_unix_ms=self.clock.unix_ms(),
                cleared_by=caller.name,
                acknowledged_by=known.acknowledged_by or caller.name,
            )
            await self.tell("alarm.cleared", key=key)
        return self.rung[key]

    async def quarantine(self) -> list[dict[str, object]]:
        return self.strangers

    async def events_after(self, cursor: int, limit: int) -> tuple[int, list[EventRow]]:
        oldest = self.events[0][0] if self.events else self.newest + 1
        return oldest, [row for row in self.events if row[0] > cursor][:limit]

    async def wait_events(self, cursor: int) -> None:
        self.waiting += 1
        try:
            async with self.news:
                await self.news.wait_for(lambda: self.newest > cursor)
        finally:
            self.waiting -= 1

    def _number(self, field_name: str, word: str) -> int:
        for row in self.roster.values():
            if word in {row.call_sign, str(row.number)}:
                return row.number
        raise BadInputError(field_name, limit="a station of the roster", found=word, zh="名册中没有此台站")

    def _resolve(self, word: str) -> tuple[int, ...]:
        return self.groups[word] if word in self.groups else (self._number("to", word),)

    def _message(self, message_id: str) -> Message:
        if message_id not in self.stored:
            raise NotFoundError("id", message_id)
        return self.stored[message_id]

    async def _set(
        self, message: Message, state: RecipientState, caller: Caller, *, open_only: bool = False
    ) -> Message:
        now = self.clock.unix_ms()
        recipients = tuple(
            recipient
            if open_only and recipient.state.settled
            else replace(
                recipient, state=state, evidence=Evidence.OPERATOR, by=caller.name, updated_unix_ms=now
            )
            for recipient in message.recipients
        )
        changed = replace(message, recipients=recipients)
        await self.put(changed, caller.name)
        return changed

    def _entries(self, call: dict[str, object]) -> list[dict[str, object]]:
        entries = call["entries"]
        assert isinstance(entries, list)
        return entries

    def _counted(self, call: dict[str, object]) -> dict[str, object]:
        counts = dict.fromkeys(("expected", *COUNTED, *BESIDE, "pending"), 0)
        for entry in self._entries(call):
            counts[str(entry["state"])] += 1
        counts["expected"] = sum(counts[name] for name in (*COUNTED, "pending"))
        counts["answered"] += counts["late"] + counts["relayed"] + counts["substitute"]
        return {**call, "counts": counts}
