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
from gateway.ledger import roll_calls
from gateway.ledger.errors import LedgerError
from gateway.ledger.tx import Tx
from gateway.links import LinkRunner
from gateway.native import head_count
from gateway.rollcall import record
from gateway.rollcall.asking import RETRY_S, Asker
from gateway.rollcall.call import LATE_WINDOW_S, ONLINE_CHECK, PRESENT, Answer, Call, Entry, EntryState
from gateway.rollcall.cascade import ways_to_ask
from gateway.rollcall.life import Life
from gateway.rollcall.relay import answer_from_air, answer_to_air, call_for
from gateway.roster import Station
from protocols import air
from protocols.errors import BadInputError

MAX_RUNNING = 8
"""Calls for neighbours under way at once."""

MAX_LATE = 8
"""Ended calls of ours, and as many of neighbours, that wait for late answers; beyond it the oldest closes."""

MAX_OPEN = roll_calls.MAX_LIST
"""Calls open at all: no more are found again after a restart."""

MAX_STATIONS = 2_000
"""Stations in one call."""

MAX_NOTE_CHARS = 200
"""A person's own words kept with the answer."""


class CallRunningError(BadInputError):
    """One roll call at a time: `call_id` is under way."""

    def __init__(self, call_id: str) -> None:
        super().__init__(
            "rollcall",
            limit="one call at a time",
            found=call_id,
            en=f"roll call {call_id} is running",
            zh=f"点名 {call_id} 正在进行",
        )
        self.call_id = call_id


class RollCalls:
    """All roll calls of one gateway."""

    def __init__(self, core: Core, outbox: Outbox) -> None:
        self._core = core
        self._outbox = outbox
        self._open: dict[str, Life] = {}
        self._asker = Asker(core, outbox)
        self._starting = asyncio.Lock()
        self._begun: asyncio.Queue[Life] = asyncio.Queue(MAX_OPEN)

    # --- life --------------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Take up what was running, before any link is opened: an answer counts from the first moment."""
        core = self._core
        for call in await core.ledger.read(lambda tx: record.restore(tx, core)):
            core.probe("rollcall.taken_up")
            self._begin(call)
            if call.reply_to:  # what was on its way to the neighbour may be lost; telling twice does no harm
                for entry in call.entries.values():
                    if entry.state in PRESENT:
                        self._reply(call, entry)

    async def run(self) -> None:
        """Run calls until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                life = await self._begun.get()
                tasks.create_task(self._live(life), name=f"rollcall.{life.call.call_id}")

    async def _live(self, life: Life) -> None:
        try:
            await life.run()
        finally:
            self._open.pop(life.call.call_id, None)
            self._asker.forget(life.call.call_id)

    async def start(
        self, *, stations: tuple[Station, ...], title: str, exercise: bool, deadline_s: float, caller: str
    ) -> Call:
        """Begin a call of our own; on disk when this returns. Raises CallRunningError, BadInputError."""
        if len(stations) > MAX_STATIONS:
            raise BadInputError(
                "stations", limit=f"{MAX_STATIONS} stations", found=len(stations), zh="点名台站过多"
            )
        async with self._starting:  # who comes second waits to learn which call is running
            running = self.running()
            if running is not None:
                raise CallRunningError(running.call_id)
            if len(self._open) >= MAX_OPEN:
                raise BadInputError(
                    "rollcall", limit=f"{MAX_OPEN} open calls", found=len(self._open), zh="未封存的点名过多"
                )
            return await self._start(stations, title, caller, exercise=exercise, deadline_s=deadline_s)

    async def _start(
        self, stations: tuple[Station, ...], title: str, caller: str, *, exercise: bool, deadline_s: float
    ) -> Call:
        core = self._core
        number = await core.ledger.write(lambda tx: tx.next_number("roll_call"))
        call = Call(
            call_id=f"{core.own}-{core.ledger.incarnation:04x}-{number}",
            number=number & 0xFFFF,
            nonce=core.random.getrandbits(16),
            title=title,
            caller=caller,
            exercise=exercise,
            deadline_s=core.now_s() + deadline_s,
            rounds=core.config.roll_call.tries,
            timeouts_s=dict(core.config.roll_call.timeout_s),
            started_unix_ms=core.clock.unix_ms(),
            length_s=deadline_s,
        )
        for station in stations:
            call.entries[station.number] = self._entry(station)
        await core.ledger.write(lambda tx: record.save(tx, core, call))
        self._begin(call)
        return call

    def _begin(self, call: Call) -> None:
        """Let it live; of calls that wait for late answers the oldest makes room."""
        life = self._open[call.call_id] = Life(self._core, self._asker, call, self._concluded)
        self._begun.put_nowait(life)
        ours = [other for other in self._open.values() if bool(other.call.reply_to) == bool(call.reply_to)]
        late = [other for other in ours if other.call.ended]
        for other in late[: max(0, len(late) - MAX_LATE)]:
            other.close_early()

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

    def running(self) -> Call | None:
        """Our own call under way, if there is one: only one at a time."""
        calls = (life.call for life in self._open.values())
        return next((call for call in calls if not call.ended and not call.reply_to), None)

    async def mark(self, call_id: str, station: int, state: EntryState, note: str, by: str) -> None:
        """Let an operator set an entry of a call that is not sealed. Raises BadInputError."""
        life = self._open.get(call_id)
        if life is not None and not life.call.reply_to and station in life.call.entries:
            call = life.call
            stored = await self._core.ledger.write(
                lambda tx: record.marked(tx, call, station, state, note, by), urgent=True
            )
            if stored is not None:
                self._follow(life, stored)
                return
        raise BadInputError(
            "station",
            limit="a station of an open roll call",
            found=station,
            zh="点名记录已封存或无此台站",
        )

    # --- answers -----------------------------------------------------------------------------------------

    async def heard(self, link: LinkRunner, event: Heard) -> None:
        """Take a device's answer to a status enquiry of ours."""
        known = self._asker.handles.pop(event.handle, None) if event.handle is not None else None
        life = self._open.get(known[0]) if known is not None else None
        if known is None or life is None:
            return
        call, station, core = life.call, known[1], self._core
        if not event.online:
            self._go_on(life, station)
            return
        answer = Answer(
            state=EntryState.ANSWERED,
            evidence=Evidence.OBSERVED,
            authenticated=False,
            bearer=link.capabilities.bearer.value,
            link=link.name,
            note=ONLINE_CHECK,
        )
        try:
            stored = await core.ledger.write(
                lambda tx: record.answered(tx, call, station, answer), urgent=True
            )
        except LedgerError as error:
            core.log.warning("roll_call_answer_not_stored", call=call.call_id, error=str(error))
            call.no_answer(station, core.now_s() + RETRY_S)  # the set answers again when it is asked again
            return
        if stored is not None:
            self._follow(life, stored)

    def progressed(self, event: Progress) -> None:
        """A question that failed, or will stay without answer, lets the cascade go on at once."""
        if event.handle is None or event.stage not in (Stage.FAILED, Stage.UNKNOWN):
            return
        known = self._asker.handles.pop(event.handle, None)
        if known is not None and (life := self._open.get(known[0])) is not None:
            self._go_on(life, known[1])

    def native_answer(self, tx: Tx, station: Station, text: str, link: LinkRunner) -> After | None:
        """Count a native text as an answer if a call has asked this station, the newest call first.

        Runs in the ledger's thread.
        """
        for life in reversed(list(self._open.values())):
            call = life.call
            if call.takes(station.number) and not self._asker.unsent(call, station.number):
                answer = Answer(
                    state=EntryState.ANSWERED,
                    evidence=Evidence.OBSERVED,
                    authenticated=False,
                    bearer=link.capabilities.bearer.value,
                    link=link.name,
                    note=text[:MAX_NOTE_CHARS],
                    head_count=head_count(text),
                )
                stored = record.answered(tx, call, station.number, answer)
                if stored is not None:
                    return partial(self._follow, life, stored)
        return None

    def answered(self, tx: Tx, peer: int, element: air.RollCallAnswer, link: LinkRunner) -> After | None:
        """Count a sealed answer; it counts only for the poll it answers. Runs in the ledger's thread."""
        station = self._core.roster.stations.get(element.station)
        if station is None or (station.number != peer and peer not in station.via):
            return None
        for life in list(self._open.values()):
            call = life.call
            if call.number == element.call_id and call.nonce == element.nonce and not call.reply_to:
                answer = answer_from_air(element, peer, link)
                if answer.state is EntryState.ABSENT:
                    return partial(self._go_on, life, station.number)
                stored = record.answered(tx, call, station.number, answer)
                return None if stored is None else partial(self._follow, life, stored)
        return None

    def _go_on(self, life: Life, station: int) -> None:
        """No answer is to be expected this way."""
        life.call.no_answer(station, self._core.now_s())
        life.wake()

    def _follow(self, life: Life, stored: Entry) -> None:
        """Now on disk: memory follows, a neighbour is told."""
        call = life.call
        entry = call.entries[stored.station]
        entry.follow(stored)
        if call.reply_to:
            self._reply(call, entry)
        life.wake()

    # --- calls for a neighbour ---------------------------------------------------------------------------

    def polled(self, peer: int, poll: air.RollCallPoll, link: LinkRunner) -> None:
        """A neighbour calls the roll: answer for ourselves, and find out about the stations it names."""
        core = self._core
        wanted = call_for(core, peer, poll)
        life = self._open.get(wanted.call_id)
        if life is None:
            running = [one for one in self._open.values() if one.call.reply_to and not one.call.ended]
            if len(running) >= MAX_RUNNING or len(self._open) >= MAX_OPEN:
                core.count("polls_refused")
                core.log.warning("roll_call_poll_refused", peer=peer, running=len(running))
                return
            self._begin(wanted)
            life = self._open[wanted.call_id]
        call = life.call
        call.deadline_s = max(call.deadline_s, wanted.deadline_s)
        for number in poll.stations or (core.own,):
            self._add_polled(call, number)
        life.wake()
        core.log.info("roll_call_polled", peer=peer, link=link.name, stations=len(call.entries))

    def _add_polled(self, call: Call, number: int) -> None:
        """Ask it, or tell again what became of it."""
        entry = call.entries.get(number)
        if entry is None:
            if len(call.entries) >= MAX_STATIONS:
                self._core.count("polls_refused")
                return
            entry = call.entries[number] = self._polled_entry(number)
            call.unsaved.add(number)
        if entry.state is not EntryState.PENDING:
            self._reply(call, entry)

    def _polled_entry(self, number: int) -> Entry:
        station = self._core.roster.stations.get(number)
        entry = Entry(number)
        if number == self._core.own:
            entry.state, entry.evidence, entry.authenticated = EntryState.ANSWERED, Evidence.PROTOCOL, True
        elif station is not None and station.excused:
            entry.state, entry.note = EntryState.EXCUSED, station.excused
        elif station is not None:
            entry.ways = ways_to_ask(self._core, station, forwarded=True)
        return entry

    def _concluded(self, call: Call, changed: list[Entry]) -> None:
        """A call has ended: a neighbour is told of those who did not answer."""
        if call.reply_to:
            for entry in changed:
                self._reply(call, entry)

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
