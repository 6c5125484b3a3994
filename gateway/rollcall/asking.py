"""Putting the question: to devices over our links, to gateways as sealed polls; on disk first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from drivers.base import (
    Handle,
    LinkBusyError,
    LinkDownError,
    LinkRefusedError,
    Precedence,
    Service,
    Transmission,
)
from gateway.core import Core
from gateway.delivery.outbox import Outbox
from gateway.delivery.work import Work
from gateway.domain import LinkState
from gateway.ledger import attempts
from gateway.ledger.errors import LedgerError
from gateway.ledger.tx import Tx
from gateway.native import ROLL_CALL_TEXT
from gateway.rollcall import record
from gateway.rollcall.call import Ask, Call, Entry
from protocols import air

RETRY_S = 2.0
"""Wait before a link that could not take a question, or a ledger that could not note it, is tried again."""

MIN_WAIT_S = 0.1
"""Shortest wait for a busy link."""

SEND_MAX_S = 300.0
"""A driver that holds a question longer is stuck; the cascade goes on."""

POLL_MARGIN_S = 3.0
"""A neighbour's call ends this much, and a round trip, before ours: its last words must arrive."""

POLL_MARGIN_MAX_SHARE = 1 / 3
"""Of a short call, at least two thirds are left for asking."""

MAX_POLL_STATIONS = 16
"""Stations in one poll: its frame then fits the 78 octets of the narrowest link between gateways."""


@dataclass(slots=True, eq=False)
class Poll:
    """One poll to a gateway; while it waits, stations may still be added."""

    call: Call
    via: int
    stations: list[int]
    margin_s: float = POLL_MARGIN_S

    def element(self, now_s: float) -> air.RollCallPoll:
        """Its wire form now."""
        left_s = self.call.deadline_s - now_s
        return air.RollCallPoll(
            call_id=self.call.number,
            nonce=self.call.nonce,
            deadline_s=max(1, int(left_s - min(self.margin_s, left_s * POLL_MARGIN_MAX_SHARE))),
            stations=() if self.stations == [self.via] else tuple(self.stations),
        )


class Asker:
    """Asks on behalf of all calls of one gateway."""

    def __init__(self, core: Core, outbox: Outbox) -> None:
        self._core = core
        self._outbox = outbox
        self._polls: dict[str, list[tuple[Work, Poll]]] = {}
        self.handles: dict[Handle, tuple[str, int]] = {}
        """Call and station behind each question handed to a device."""

    def forget(self, call_id: str) -> None:
        """Drop what was kept for a call that is over."""
        self._polls.pop(call_id, None)
        self.handles = {handle: known for handle, known in self.handles.items() if known[0] != call_id}

    def unsent(self, call: Call, station: int) -> bool:
        """Whether all that was asked of a station is a poll that has not left this gateway yet."""
        entry = call.entries[station]
        if {way.link for way in entry.ways if not way.via} & set(entry.asked):
            return False
        polls = [work for work, poll in self._polls.get(call.call_id, ()) if station in poll.stations]
        return bool(polls) and all(self._waits(work) for work in polls)

    async def ask_all(self, call: Call, asks: Sequence[Ask]) -> None:
        """Ask one after the other on one link; polls to one gateway go together.

        While the link transmits, the rest of the pass waits for it: nobody's turn is spent on a busy channel.
        What the ledger refuses to note is not asked, and tried again a little later.
        """
        polls: dict[int, list[Ask]] = {}
        free_s = 0.0
        for place, ask in enumerate(asks):
            if ask.way.via:
                polls.setdefault(ask.way.via, []).append(ask)
            elif self._core.now_s() < free_s:
                call.held(ask.station, until_s=free_s)
            elif call.wants(ask.station):
                try:
                    free_s = await self._ask_device(call, ask)
                except LedgerError as error:
                    self._refused(call, asks[place:], error)
                    return
        for via, all_there in polls.items():
            for first in range(0, len(all_there), MAX_POLL_STATIONS):
                together = all_there[first : first + MAX_POLL_STATIONS]
                try:
                    await self._ask_gateway(call, via, together)
                except LedgerError as error:
                    self._refused(call, together, error)

    def _refused(self, call: Call, asks: Sequence[Ask], error: LedgerError) -> None:
        """Ask these later: a question that is not on disk does not go out."""
        for ask in asks:
            call.held(ask.station, until_s=self._core.now_s() + RETRY_S, way=ask.way)
        self._core.count("roll_call_asks_refused", len(asks))
        self._core.log.warning("roll_call_ask_not_stored", call=call.call_id, error=str(error))

    # --- gateways ----------------------------------------------------------------------------------------

    async def _ask_gateway(self, call: Call, via: int, asks: list[Ask]) -> None:
        """Poll a gateway. Raises LedgerError: nobody was asked."""
        noted = await self._core.ledger.write(lambda tx: [record.asked(tx, call, ask) for ask in asks])
        numbers: list[int] = []
        for ask, stored in zip(asks, noted, strict=True):
            if stored is not None:
                call.asked(ask, stored, now_s=self._core.now_s())
                numbers.append(ask.station)
        polls = self._polls.setdefault(call.call_id, [])
        for work, poll in polls:
            if poll.via == via and self._waits(work):
                numbers = self._merge(work, poll, numbers)
        if numbers:
            polls.append(self._poll(call, via, numbers))

    def _waits(self, work: Work) -> bool:
        """Whether it is still here, in no frame."""
        return self._outbox.works.get(work.key) is work and not work.frames

    def _merge(self, work: Work, poll: Poll, numbers: list[int]) -> list[int]:
        """Put stations into a poll that waits; return those it has no room for."""
        new = [number for number in numbers if number not in poll.stations]
        room = MAX_POLL_STATIONS - len(poll.stations)
        if new[:room]:
            poll.stations += new[:room]
            work.sizes.clear()
            self._core.wake.ring()
        return new[room:]

    def _poll(self, call: Call, via: int, numbers: list[int]) -> tuple[Work, Poll]:
        core = self._core
        poll = Poll(call, via, numbers)
        call.polls += 1
        work = Work(
            key=("c", "poll", call.call_id, str(via), str(call.polls)),
            station=via,
            precedence=Precedence.PRIORITY,
            born_s=core.now_s(),
            element=poll.element,
            expires_s=call.deadline_s,
        )
        self._outbox.planner.begin()
        for way in self._outbox.planner.plan_for(work).candidates[:1]:
            carries = core.links[way.link].capabilities
            poll.margin_s += 2 * carries.latency_s + carries.min_interval_s
        self._outbox.add_control(work)
        return work, poll

    # --- devices -----------------------------------------------------------------------------------------

    async def _ask_device(self, call: Call, ask: Ask) -> float:
        """Ask; return until when the link is busy, 0 if it took the question. Raises LedgerError."""
        core, way = self._core, ask.way
        link = core.links[way.link]
        now_s = core.now_s()
        state = link.health.towards(ask.station, now_s)
        unusable = state in (LinkState.ABSENT, LinkState.STARTING, LinkState.BLOCKED)
        if link.quiet or unusable or link.not_before_s > now_s + RETRY_S:
            call.skipped(ask, now_s=now_s, retry_s=RETRY_S)
            return 0.0
        first = way.link not in call.entries[ask.station].asked
        handle = await self._note_asked(call, ask)
        if handle is None:
            return 0.0
        transmission = Transmission(
            handle=handle,
            service=Service.STATUS if way.status else Service.TEXT,
            destination=way.address,
            precedence=Precedence.PRIORITY,
            text="" if way.status else ROLL_CALL_TEXT,
        )
        try:
            async with asyncio.timeout(SEND_MAX_S):
                await link.send(transmission)
        except LinkBusyError as error:
            until_s = core.now_s() + max(MIN_WAIT_S, error.retry_after_s)
            await self._not_asked(call, ask, max(MIN_WAIT_S, error.retry_after_s), first=first)
            if error.retry_after_s <= RETRY_S:
                call.held(ask.station, until_s=until_s, way=ask.way)
            return until_s
        except (LinkDownError, LinkRefusedError):
            await self._not_asked(call, ask, RETRY_S, first=first)
        except TimeoutError:
            call.no_answer(ask.station, core.now_s())
        return 0.0

    async def _note_asked(self, call: Call, ask: Ask) -> Handle | None:
        """On disk before the question goes out; None if nobody wants the answer any more."""

        def op(tx: Tx) -> tuple[Handle, Entry] | None:
            stored = record.asked(tx, call, ask)
            return None if stored is None else (attempts.new_handle(tx), stored)

        noted = await self._core.ledger.write(op)
        if noted is None:
            return None
        handle, stored = noted
        self.handles[handle] = (call.call_id, ask.station)
        call.asked(ask, stored, now_s=self._core.now_s())
        return handle

    async def _not_asked(self, call: Call, ask: Ask, retry_s: float, *, first: bool) -> None:
        """The question was not sent: it does not count as a try, nor an answer as an answer to it."""
        call.not_asked(ask, now_s=self._core.now_s(), retry_s=retry_s)
        stored = await self._core.ledger.write(lambda tx: record.not_asked(tx, call, ask, first=first))
        if stored is not None:
            call.entries[ask.station].follow(stored)
