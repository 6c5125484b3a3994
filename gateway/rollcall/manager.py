"""Runs roll calls: our own, and those a neighbour asks us to make for it. The ledger holds each answer."""

from __future__ import annotations

import asyncio
from functools import partial

from drivers.base import (
    Heard,
    Precedence,
    Progress,
    Stage,
)
from gateway.core import Core
from gateway.delivery.incoming import After
from gateway.delivery.outbox import Outbox
from gateway.delivery.work import Work
from gateway.domain import Evidence
from gateway.ledger import presence, roll_calls
from gateway.ledger.errors import LedgerError
from gateway.ledger.tx import Tx
from gateway.links import LinkRunner
from gateway.native import head_count
from gateway.rollcall.asking import Asker
from gateway.rollcall.call import LATE_WINDOW_S, ONLINE_CHECK, PRESENT, Answer, Ask, Call, Entry, EntryState
from gateway.rollcall.cascade import ways_to_ask
from gateway.rollcall.record import apply_answer, mark_entry, restore, save_all
from gateway.rollcall.relay import answer_to_air, call_for, result_state
from gateway.roster import Station
from protocols import air
from protocols.errors import BadInputError

MAX_RUNNING = 8
"""Calls under way at once, those for neighbours included."""

MAX_STATIONS = 2_000
"""Stations in one call."""

TICK_S = 1.0
"""A running call looks at its clock at least this often."""


class RollCalls:
    """All roll calls of one gateway."""

    def __init__(self, core: Core, outbox: Outbox) -> None:
        self._core = core
        self._outbox = outbox
        self._calls: dict[str, Call] = {}
        self._asker = Asker(core, outbox)
        self._wake = asyncio.Event()
        self._started: asyncio.Queue[Call] = asyncio.Queue(MAX_RUNNING)

    # --- life --------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Resume what was running, then run calls until cancelled."""
        for call in await self._core.ledger.read(self._restored):
            self._begin(call)
        async with asyncio.TaskGroup() as tasks:
            while True:
                call = await self._started.get()
                tasks.create_task(self._run_call(call), name=f"rollcall.{call.call_id}")

    def _restored(self, tx: Tx) -> list[Call]:
        return restore(tx, self._core, lambda station: ways_to_ask(self._core, station, forwarded=False))

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
        await core.ledger.write(lambda tx: save_all(tx, core, call))
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
            entry.ways = ways_to_ask(self._core, station, forwarded=False)
        return entry

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
                        tasks.create_task(self._asker.ask_all(call, asks), name=f"{call.call_id}.ask")
                if call.finished(core.now_s()):
                    break
                wait_s = min(TICK_S, max(0.01, call.next_s(core.now_s()) - core.now_s()))
                try:
                    async with asyncio.timeout(wait_s):
                        await self._wake.wait()
                except TimeoutError:
                    continue
            await self._finish(call)
            await core.clock.sleep(LATE_WINDOW_S)
            if not call.reply_to:
                await core.ledger.write(lambda tx: roll_calls.seal(tx, call.call_id))
        except LedgerError as error:
            core.log.error(  # noqa: TRY400 - the injected log has no `exception`
                "roll_call_not_stored", call=call.call_id, error=str(error)
            )
        finally:
            self._calls.pop(call.call_id, None)

    # --- answers -----------------------------------------------------------------------------------------

    async def heard(self, link: LinkRunner, event: Heard) -> None:
        """Take a device's answer to a status enquiry of ours."""
        if event.handle is None or event.handle not in self._asker.handles:
            return
        call_id, station = self._asker.handles.pop(event.handle)
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
            note=ONLINE_CHECK,
        )
        await self._count(call, station, answer)

    def progressed(self, event: Progress) -> None:
        """A question that failed, or will stay without answer, lets the cascade go on at once."""
        if event.handle is None or event.stage not in (Stage.FAILED, Stage.UNKNOWN):
            return
        known = self._asker.handles.pop(event.handle, None)
        if known is not None and (call := self._calls.get(known[0])) is not None:
            call.no_answer(known[1], self._core.now_s())
            self._wake.set()

    def native_answer(self, tx: Tx, station: Station, text: str, link: LinkRunner) -> After | None:
        """Count a native text as an answer if a call has asked this station, the newest call first.

        Runs in the ledger's thread.
        """
        for call in reversed(list(self._calls.values())):
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
                apply_answer(tx, call, station.number, answer)
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
                state = result_state(element.result)
                if state is EntryState.ABSENT:
                    return partial(self._absent_there, call, station.number)
                answer = Answer(
                    state=state,
                    evidence=Evidence.PROTOCOL if own else Evidence[element.evidence.name],
                    authenticated=own,
                    bearer=_bearer(element, link, own=own),
                    link=link.name,
                    via=0 if own else peer,
                    note=element.text,
                    head_count=element.head_count,
                    battery_pct=element.battery_pct,
                )
                apply_answer(tx, call, station.number, answer)
                return partial(self._counted, call, station.number)
        return None

    def _absent_there(self, call: Call, station: int) -> None:
        call.no_answer(station, self._core.now_s())
        self._wake.set()

    async def _count(self, call: Call, station: int, answer: Answer) -> None:
        await self._core.ledger.write(lambda tx: apply_answer(tx, call, station, answer), urgent=True)
        self._counted(call, station)

    def _counted(self, call: Call, station: int) -> None:
        if call.reply_to:
            self._reply(call, call.entries[station])
        self._wake.set()

    # --- calls for a neighbour ---------------------------------------------------------------------------

    def polled(self, peer: int, poll: air.RollCallPoll, link: LinkRunner) -> None:
        """A neighbour calls the roll: answer for ourselves, and find out about the stations it names."""
        core = self._core
        wanted = call_for(core, peer, poll)
        call = self._calls.get(wanted.call_id)
        if call is None:
            if not self._room():
                core.count("polls_refused")
                return
            call = wanted
            self._begin(call)
        for number in poll.stations or (core.own,):
            self._add_polled(call, number)
        self._wake.set()
        core.log.info("roll_call_polled", peer=peer, link=link.name, stations=len(call.entries))

    def _room(self) -> bool:
        """Whether another neighbour may be served; of those that wait for late answers the oldest goes."""
        for_others = [call for call in self._calls.values() if call.reply_to]
        over = [call for call in for_others if call.ended]
        if len(over) >= MAX_RUNNING:
            del self._calls[over[0].call_id]
        return len(for_others) - len(over) < MAX_RUNNING

    def _add_polled(self, call: Call, number: int) -> None:
        station = self._core.roster.stations.get(number)
        if number in call.entries:
            if call.entries[number].state in PRESENT:
                self._reply(call, call.entries[number])
            return
        entry = call.entries[number] = Entry(number)
        if number == self._core.own:
            entry.state, entry.evidence, entry.authenticated = EntryState.ANSWERED, Evidence.PROTOCOL, True
            self._reply(call, entry)
        elif station is not None:
            entry.ways = ways_to_ask(self._core, station, forwarded=True)

    def _reply(self, call: Call, entry: Entry) -> None:
        element = answer_to_air(call, entry)
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
        await core.ledger.write(lambda tx: save_all(tx, core, call))
        core.log.info("roll_call_ended", call=call.call_id, **call.counts())

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
        await self._core.ledger.write(lambda tx: mark_entry(tx, call, entry, state))
        self._wake.set()


MAX_NOTE_CHARS = 200
"""A person's own words kept with the answer."""


def _bearer(element: air.RollCallAnswer, link: LinkRunner, *, own: bool) -> str:
    """What the station answered over: a box of ours over this link; of others only what its gateway says."""
    if element.bearer is not None:
        return element.bearer.name.lower()
    return link.capabilities.bearer.value if own else ""
