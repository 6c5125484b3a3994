"""Runs roll calls: our own, and those a neighbour asks us to make for it. The ledger holds each answer."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from drivers.base import (
    Handle,
    Heard,
    LinkBusyError,
    LinkDownError,
    LinkRefusedError,
    Precedence,
    Progress,
    Service,
    Stage,
    Transmission,
)
from gateway.core import Core
from gateway.delivery.incoming import After
from gateway.delivery.outbox import Outbox
from gateway.delivery.work import Work
from gateway.domain import Evidence, LinkState
from gateway.ledger import attempts, events, presence, roll_calls
from gateway.ledger.errors import LedgerError
from gateway.ledger.tx import Tx
from gateway.links import LinkRunner
from gateway.native import ROLL_CALL_TEXT, head_count
from gateway.rollcall.call import LATE_WINDOW_S, PRESENT, Answer, Ask, Call, Entry, EntryState, Way
from gateway.roster import Station
from gateway.routing import ways
from protocols import air
from protocols.errors import BadInputError

MAX_RUNNING = 8
"""Calls under way at once, those for neighbours included."""

MAX_STATIONS = 2_000
"""Stations in one call."""

RETRY_S = 2.0
"""Wait before a link that could not take a question is tried again."""

TICK_S = 1.0
"""A running call looks at its clock at least this often."""

_RESULTS = {
    air.RollCallResult.ANSWERED: EntryState.ANSWERED,
    air.RollCallResult.SUBSTITUTE: EntryState.SUBSTITUTE,
    air.RollCallResult.HEARD: EntryState.INFERRED,
    air.RollCallResult.ABSENT: EntryState.ABSENT,
    air.RollCallResult.FAULT: EntryState.FAULT,
    air.RollCallResult.WRONG_STATION: EntryState.WRONG_STATION,
    air.RollCallResult.EXCUSED: EntryState.EXCUSED,
    air.RollCallResult.MAINTENANCE: EntryState.MAINTENANCE,
}
_TO_AIR = {state: result for result, state in _RESULTS.items()} | {
    EntryState.LATE: air.RollCallResult.ANSWERED,
    EntryState.RELAYED: air.RollCallResult.ANSWERED,
}


class RollCalls:
    """All roll calls of one gateway."""

    def __init__(self, core: Core, outbox: Outbox) -> None:
        self._core = core
        self._outbox = outbox
        self._calls: dict[str, Call] = {}
        self._handles: dict[Handle, tuple[str, int]] = {}
        self._wake = asyncio.Event()
        self._started: asyncio.Queue[Call] = asyncio.Queue(MAX_RUNNING)

    # --- life --------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Resume what was running, then run calls until cancelled."""
        for call in await self._core.ledger.read(self._restore):
            self._begin(call)
        async with asyncio.TaskGroup() as tasks:
            while True:
                call = await self._started.get()
                tasks.create_task(self._run_call(call), name=f"rollcall.{call.call_id}")

    async def start(
        self, *, stations: tuple[Station, ...], title: str, exercise: bool, deadline_s: float, caller: str
    ) -> Call:
        """Begin a call of our own; on disk when this returns. Raises BadInputError."""
        core = self._core
        if len(stations) > MAX_STATIONS:
            raise BadInputError(
                "stations", limit=f"{MAX_STATIONS} stations", found=len(stations), zh="点名台站过多"
            )
        now_s = core.now_s()
        number = await core.ledger.write(lambda tx: tx.next_number("roll_call"))
        call = Call(
            call_id=f"{core.own}-{core.ledger.incarnation:04x}-{number}",
            number=number & 0xFFFF,
            nonce=core.random.getrandbits(16),
            title=title,
            caller=caller,
            exercise=exercise,
            deadline_s=now_s + deadline_s,
            rounds=core.config.roll_call.tries,
            timeouts_s=dict(core.config.roll_call.timeout_s),
            started_unix_ms=core.clock.unix_ms(),
            length_s=deadline_s,
        )
        for station in stations:
            call.entries[station.number] = self._entry(station)
        await core.ledger.write(lambda tx: self._save_all(tx, call))
        self._begin(call)
        return call

    def _begin(self, call: Call) -> None:
        self._calls[call.call_id] = call
        if not self._started.full():
            self._started.put_nowait(call)

    def _entry(self, station: Station) -> Entry:
        entry = Entry(station.number)
        if station.excused:
            entry.state, entry.note = EntryState.EXCUSED, station.excused
        elif station.number == self._core.own:
            entry.state, entry.evidence = EntryState.ANSWERED, Evidence.PROTOCOL
            entry.authenticated, entry.note = True, "本台 own station"
            entry.answered_unix_ms = self._core.clock.unix_ms()
        else:
            entry.ways = self._ways(station, forwarded=False)
        return entry

    def _ways(self, station: Station, *, forwarded: bool) -> tuple[Way, ...]:
        """Every way to ask, in the cascade's order: the device itself first, gateways that serve it after."""
        core = self._core
        found = ways(station, own=core.own, roster=core.roster, links=core.route_links())
        order = {bearer: i for i, bearer in enumerate(core.config.order_by_precedence[Precedence.PRIORITY])}
        usable = [w for w in found if w.bearer in order and not (forwarded and w.service is Service.DATA)]
        usable.sort(key=lambda w: order[w.bearer])
        ordered: list[Way] = []
        polled: set[int] = set()
        for way in usable:
            if way.service is Service.DATA:
                if way.next_hop not in polled:  # a poll finds its own link, like any other frame
                    polled.add(way.next_hop)
                    ordered.append(Way(way.link, way.bearer, way.address, status=False, via=way.next_hop))
                continue
            services = core.links[way.link].capabilities.services
            if Service.STATUS in services:
                ordered.append(Way(way.link, way.bearer, way.address, status=True))
            ordered.append(Way(way.link, way.bearer, way.address, status=False))
        ordered.sort(key=lambda w: not w.status)
        return tuple(ordered)

    async def _run_call(self, call: Call) -> None:
        core = self._core
        try:
            while not call.finished(core.now_s()) and not call.ended:
                self._wake.clear()
                by_link: dict[str, list[Ask]] = {}
                for ask in call.due(core.now_s()):
                    by_link.setdefault("" if ask.way.via else ask.way.link, []).append(ask)
                async with asyncio.TaskGroup() as tasks:
                    for asks in by_link.values():
                        tasks.create_task(self._ask_all(call, asks), name=f"rollcall.{call.call_id}.ask")
                if call.finished(core.now_s()):
                    break
                wait_s = min(TICK_S, max(0.01, call.next_s(core.now_s()) - core.now_s()))
                try:
                    async with asyncio.timeout(wait_s):
                        await self._wake.wait()
                except TimeoutError:
                    continue
            await self._finish(call)
            if not call.reply_to:
                await core.clock.sleep(LATE_WINDOW_S)
                await core.ledger.write(lambda tx: roll_calls.seal(tx, call.call_id))
        except LedgerError as error:
            core.log.error(  # noqa: TRY400 - the injected log has no `exception`
                "roll_call_not_stored", call=call.call_id, error=str(error)
            )
        finally:
            self._calls.pop(call.call_id, None)

    # --- asking ------------------------------------------------------------------------------------------

    async def _ask_all(self, call: Call, asks: list[Ask]) -> None:
        """Ask one after the other on one link; polls to one gateway go together."""
        polls: dict[int, list[Ask]] = {}
        for ask in asks:
            if ask.way.via:
                polls.setdefault(ask.way.via, []).append(ask)
            elif call.entries[ask.station].state is EntryState.PENDING and not call.ended:
                await self._ask_device(call, ask)
        for via, together in polls.items():
            await self._ask_gateway(call, via, together)

    async def _ask_gateway(self, call: Call, via: int, asks: list[Ask]) -> None:
        core = self._core
        now_s = core.now_s()
        numbers = tuple(ask.station for ask in asks)
        remaining_s = max(1, int(call.deadline_s - now_s) - POLL_MARGIN_S)
        element = air.RollCallPoll(
            call_id=call.number,
            nonce=call.nonce,
            deadline_s=remaining_s,
            stations=() if numbers == (via,) else numbers,
        )
        for ask in asks:
            await self._note_asked(call, ask)
        self._outbox.add_control(
            Work(
                key=("c", "poll", call.call_id, str(via)),
                station=via,
                precedence=Precedence.PRIORITY,
                born_s=now_s,
                element=lambda _now_s: element,
                expires_s=call.deadline_s,
            )
        )

    async def _ask_device(self, call: Call, ask: Ask) -> None:
        core, way = self._core, ask.way
        link = core.links[way.link]
        now_s = core.now_s()
        state = link.health.towards(ask.station, now_s)
        unusable = state in (LinkState.ABSENT, LinkState.STARTING, LinkState.BLOCKED)
        if link.quiet or unusable or link.not_before_s > now_s + RETRY_S:
            call.skipped(ask, now_s=now_s, retry_s=RETRY_S)
            return
        handle = await core.ledger.write(attempts.new_handle)
        self._handles[handle] = (call.call_id, ask.station)
        await self._note_asked(call, ask)
        transmission = Transmission(
            handle=handle,
            service=Service.STATUS if way.status else Service.TEXT,
            destination=way.address,
            precedence=Precedence.PRIORITY,
            text="" if way.status else ROLL_CALL_TEXT,
        )
        try:
            await link.send(transmission)
        except LinkBusyError as error:
            self._unask(call, ask, max(0.1, error.retry_after_s))
        except (LinkDownError, LinkRefusedError):
            self._unask(call, ask, RETRY_S)

    def _unask(self, call: Call, ask: Ask, retry_s: float) -> None:
        """The question was not sent: it does not count as a try."""
        entry = call.entries[ask.station]
        entry.tries -= 1
        entry.next_way -= 1
        call.skipped(ask, now_s=self._core.now_s(), retry_s=retry_s)

    async def _note_asked(self, call: Call, ask: Ask) -> None:
        """On disk before the question goes out, so that an answer after a crash still counts."""
        entry = call.asked(ask, now_s=self._core.now_s(), unix_ms=self._core.clock.unix_ms())
        if not call.reply_to:
            await self._core.ledger.write(
                lambda tx: roll_calls.save_entry(tx, call.call_id, ask.station, entry.body())
            )

    # --- answers -----------------------------------------------------------------------------------------

    async def heard(self, link: LinkRunner, event: Heard) -> None:
        """Take a device's answer to a status enquiry of ours."""
        if event.handle is None or event.handle not in self._handles:
            return
        call_id, station = self._handles.pop(event.handle)
        call = self._calls.get(call_id)
        if call is None:
            return
        if not event.online:
            call.no_answer(station, self._core.now_s())
            self._wake.set()
            return
        answer = Answer(
            state=EntryState.ANSWERED,
            evidence=Evidence.OBSERVED,
            authenticated=False,
            bearer=link.capabilities.bearer.value,
            link=link.name,
            note="在线检测 online check",
        )
        await self._count(call, station, answer)

    def progressed(self, event: Progress) -> None:
        """A question that failed, or will stay without answer, lets the cascade go on at once."""
        if event.handle is None or event.stage not in (Stage.FAILED, Stage.UNKNOWN):
            return
        known = self._handles.pop(event.handle, None)
        if known is not None and (call := self._calls.get(known[0])) is not None:
            call.no_answer(known[1], self._core.now_s())
            self._wake.set()

    def native_answer(self, tx: Tx, station: Station, text: str, link: LinkRunner) -> After | None:
        """Count a native text as an answer if a call has asked this station. Runs in the ledger's thread."""
        for call in list(self._calls.values()):
            if call.takes(station.number):
                answer = Answer(
                    state=EntryState.ANSWERED,
                    evidence=Evidence.OBSERVED,
                    authenticated=False,
                    bearer=link.capabilities.bearer.value,
                    link=link.name,
                    note=text[:MAX_NOTE_CHARS],
                    head_count=head_count(text),
                )
                self._apply(tx, call, station.number, answer)
                return partial(self._counted, call, station.number)
        return None

    def answered(self, tx: Tx, peer: int, element: air.RollCallAnswer, link: LinkRunner) -> After | None:
        """Count a sealed answer; it counts only for the poll it answers. Runs in the ledger's thread."""
        station = self._core.roster.stations.get(element.station)
        if station is None or (station.number != peer and peer not in station.via):
            return None
        for call in list(self._calls.values()):
            if call.number == element.call_id and call.nonce == element.nonce and not call.reply_to:
                own = station.number == peer
                state = _RESULTS.get(element.result, EntryState.FAULT)
                if state is EntryState.ABSENT:
                    return partial(self._absent_there, call, station.number)
                answer = Answer(
                    state=state,
                    evidence=Evidence.PROTOCOL if own else Evidence[element.evidence.name],
                    authenticated=own,
                    bearer=link.capabilities.bearer.value
                    if element.bearer is None
                    else element.bearer.name.lower(),
                    link=link.name,
                    via=0 if own else peer,
                    note=element.text,
                    head_count=element.head_count,
                    battery_pct=element.battery_pct,
                )
                self._apply(tx, call, station.number, answer)
                return partial(self._counted, call, station.number)
        return None

    def _absent_there(self, call: Call, station: int) -> None:
        call.no_answer(station, self._core.now_s())
        self._wake.set()

    async def _count(self, call: Call, station: int, answer: Answer) -> None:
        await self._core.ledger.write(lambda tx: self._apply(tx, call, station, answer), urgent=True)
        self._counted(call, station)

    def _apply(self, tx: Tx, call: Call, station: int, answer: Answer) -> None:
        entry = call.answered(station, answer, tx.now_unix_ms)
        if entry is None or call.reply_to:
            return
        roll_calls.save_entry(tx, call.call_id, station, entry.body())
        events.append(tx, "rollcall.answered", {"id": call.call_id, "station": station, "state": entry.state})

    def _counted(self, call: Call, station: int) -> None:
        if call.reply_to:
            self._reply(call, call.entries[station])
        self._wake.set()

    # --- calls for a neighbour ---------------------------------------------------------------------------

    def polled(self, peer: int, poll: air.RollCallPoll, link: LinkRunner) -> None:
        """A neighbour calls the roll: answer for ourselves, and find out about the stations it names."""
        core = self._core
        call_id = f"for-{peer}-{poll.call_id}-{poll.nonce}"
        call = self._calls.get(call_id)
        if call is None:
            if sum(bool(c.reply_to) for c in self._calls.values()) >= MAX_RUNNING:
                core.count("polls_refused")
                return
            now_s = core.now_s()
            call = Call(
                call_id=call_id,
                number=poll.call_id,
                nonce=poll.nonce,
                title="",
                caller=str(peer),
                exercise=False,
                deadline_s=now_s + poll.deadline_s,
                rounds=core.config.roll_call.tries,
                timeouts_s=dict(core.config.roll_call.timeout_s),
                started_unix_ms=core.clock.unix_ms(),
                length_s=poll.deadline_s,
                reply_to=peer,
            )
            self._begin(call)
        for number in poll.stations or (core.own,):
            self._add_polled(call, number)
        self._wake.set()
        core.log.info("roll_call_polled", peer=peer, link=link.name, stations=len(call.entries))

    def _add_polled(self, call: Call, number: int) -> None:
        station = self._core.roster.stations.get(number)
        if number in call.entries:
            entry = call.entries[number]
            if entry.state in PRESENT:
                self._reply(call, entry)
            return
        entry = Entry(number)
        call.entries[number] = entry
        if number == self._core.own:
            entry.state, entry.evidence, entry.authenticated = EntryState.ANSWERED, Evidence.PROTOCOL, True
            self._reply(call, entry)
        elif station is not None:
            entry.ways = self._ways(station, forwarded=True)

    def _reply(self, call: Call, entry: Entry) -> None:
        evidence = entry.evidence or Evidence.INFERRED
        element = air.RollCallAnswer(
            call_id=call.number,
            nonce=call.nonce,
            station=entry.station,
            result=_TO_AIR.get(entry.state, air.RollCallResult.ABSENT),
            evidence=air.Evidence[evidence.name],
            bearer=air.AirBearer[entry.bearer.upper()] if entry.bearer else None,
            head_count=entry.head_count,
            battery_pct=entry.battery_pct,
            text=entry.note[:MAX_AIR_NOTE_CHARS] if entry.head_count is None and not _is_check(entry) else "",
        )
        self._outbox.add_control(
            Work(
                key=("c", "answer", call.call_id, str(entry.station)),
                station=call.reply_to,
                precedence=Precedence.PRIORITY,
                born_s=self._core.now_s(),
                element=lambda _now_s: element,
                expires_s=call.deadline_s + LATE_WINDOW_S,
            )
        )

    # --- the end, and the record -------------------------------------------------------------------------

    async def _finish(self, call: Call) -> None:
        if call.ended:
            return
        core = self._core
        lived_s = core.now_s() - (call.deadline_s - call.length_s)
        ages = await core.ledger.read(presence.heard_ages_s)
        lately = {station for (station, _, _), age_s in ages.items() if age_s <= lived_s}
        changed = call.finish(lately, core.clock.unix_ms())
        if call.reply_to:
            for entry in changed:
                self._reply(call, entry)
            return
        await core.ledger.write(lambda tx: self._save_all(tx, call))
        core.log.info("roll_call_ended", call=call.call_id, **call.counts())

    def _save_all(self, tx: Tx, call: Call) -> None:
        roll_calls.save_call(tx, call.call_id, self._header(tx, call))
        for entry in call.entries.values():
            roll_calls.save_entry(tx, call.call_id, entry.station, entry.body())
        kind = "rollcall.ended" if call.ended else "rollcall.started"
        events.append(tx, kind, {"id": call.call_id, "counts": call.counts()})

    def _header(self, tx: Tx, call: Call) -> dict[str, Any]:
        remaining_s = call.deadline_s - self._core.now_s()
        return {
            "number": call.number,
            "nonce": call.nonce,
            "title": call.title,
            "caller": call.caller,
            "exercise": call.exercise,
            "scheme": "poll",
            "started_unix_ms": call.started_unix_ms,
            "deadline_unix_ms": call.started_unix_ms + int(1000 * call.length_s),
            "ended_unix_ms": call.ended_unix_ms,
            "length_s": call.length_s,
            "deadline_ledger_s": tx.now_s + remaining_s,
            "ended": call.ended,
        }

    def _restore(self, tx: Tx) -> list[Call]:
        """Calls that were running or may still take late answers when the power went."""
        restored: list[Call] = []
        for stored in roll_calls.list_calls(tx, limit=MAX_RUNNING, open_only=True):
            header = stored.header
            call = Call(
                call_id=stored.call_id,
                number=header["number"],
                nonce=header["nonce"],
                title=header["title"],
                caller=header["caller"],
                exercise=header["exercise"],
                deadline_s=self._core.now_s() + header["deadline_ledger_s"] - tx.now_s,
                rounds=self._core.config.roll_call.tries,
                timeouts_s=dict(self._core.config.roll_call.timeout_s),
                started_unix_ms=header["started_unix_ms"],
                length_s=header["length_s"],
                ended=header["ended"],
                ended_unix_ms=header["ended_unix_ms"],
            )
            for number, body in stored.entries.items():
                station = self._core.roster.stations.get(number)
                found = self._ways(station, forwarded=False) if station is not None else ()
                call.entries[number] = Entry.restored(body, found)
            restored.append(call)
        return restored

    def running(self) -> Call | None:
        """Our own call under way, if there is one: only one at a time."""
        return next((call for call in self._calls.values() if not call.ended and not call.reply_to), None)

    async def mark(self, call_id: str, station: int, state: EntryState, note: str, by: str) -> None:
        """Let an operator set an entry of a call that is not sealed. Raises BadInputError."""
        call = self._calls.get(call_id)
        entry = call.entries.get(station) if call is not None else None
        if call is None or entry is None:
            raise BadInputError(
                "station",
                limit="a station of an open roll call",
                found=station,
                zh="点名记录已封存或无此台站",
            )
        entry.state, entry.evidence, entry.by = state, Evidence.OPERATOR, by
        entry.note = note or entry.note
        await self._core.ledger.write(lambda tx: _marked(tx, call, entry))
        self._wake.set()


def _marked(tx: Tx, call: Call, entry: Entry) -> None:
    roll_calls.save_entry(tx, call.call_id, entry.station, entry.body())
    events.append(
        tx, "rollcall.marked", {"id": call.call_id, "station": entry.station, "state": entry.state.value}
    )


def _is_check(entry: Entry) -> bool:
    return entry.note.startswith("在线检测")


POLL_MARGIN_S = 3
"""A neighbour's call ends this much before ours, so that its last words arrive."""

MAX_NOTE_CHARS = 200
"""A person's own words kept with the answer."""

MAX_AIR_NOTE_CHARS = 16
"""Of these words, what travels with a relayed answer."""
