"""Putting the question: to devices over our links, to gateways as sealed polls; on disk first."""

from __future__ import annotations

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
from gateway.ledger import attempts, roll_calls
from gateway.native import ROLL_CALL_TEXT
from gateway.rollcall.call import Ask, Call, EntryState
from protocols import air

RETRY_S = 2.0
"""Wait before a link that could not take a question is tried again."""

MIN_WAIT_S = 0.1
"""Shortest wait for a busy link."""

POLL_MARGIN_S = 3.0
"""A neighbour's call ends this much, and a round trip, before ours: its last words must arrive."""

POLL_MARGIN_MAX_SHARE = 1 / 3
"""Of a short call, at least two thirds are left for asking."""


class Asker:
    """Asks on behalf of all calls of one gateway."""

    def __init__(self, core: Core, outbox: Outbox) -> None:
        self._core = core
        self._outbox = outbox
        self.handles: dict[Handle, tuple[str, int]] = {}
        """Call and station behind each question handed to a device."""

    async def ask_all(self, call: Call, asks: list[Ask]) -> None:
        """Ask one after the other on one link; polls to one gateway go together.

        While the link transmits, the rest of the pass waits for it: nobody's turn is spent on a busy channel.
        """
        polls: dict[int, list[Ask]] = {}
        free_s = 0.0
        for ask in asks:
            if ask.way.via:
                polls.setdefault(ask.way.via, []).append(ask)
            elif self._core.now_s() < free_s:
                call.held(ask.station, until_s=free_s)
            elif call.entries[ask.station].state is EntryState.PENDING and not call.ended:
                free_s = await self._ask_device(call, ask)
        for via, together in polls.items():
            await self._ask_gateway(call, via, together)

    async def _ask_gateway(self, call: Call, via: int, asks: list[Ask]) -> None:
        numbers = tuple(ask.station for ask in asks)
        margin_s = POLL_MARGIN_S

        def element(now_s: float) -> air.RollCallPoll:
            left_s = call.deadline_s - now_s
            return air.RollCallPoll(
                call_id=call.number,
                nonce=call.nonce,
                deadline_s=max(1, int(left_s - min(margin_s, left_s * POLL_MARGIN_MAX_SHARE))),
                stations=() if numbers == (via,) else numbers,
            )

        for ask in asks:
            await self._note_asked(call, ask)
        work = Work(
            key=("c", "poll", call.call_id, str(via)),
            station=via,
            precedence=Precedence.PRIORITY,
            born_s=self._core.now_s(),
            element=element,
            expires_s=call.deadline_s,
        )
        self._outbox.planner.begin()
        for way in self._outbox.planner.plan_for(work).candidates[:1]:
            carries = self._core.links[way.link].capabilities
            margin_s += 2 * carries.latency_s + carries.min_interval_s
        self._outbox.add_control(work)

    async def _ask_device(self, call: Call, ask: Ask) -> float:
        """Ask; return until when the link is busy, 0 if it took the question."""
        core, way = self._core, ask.way
        link = core.links[way.link]
        now_s = core.now_s()
        state = link.health.towards(ask.station, now_s)
        unusable = state in (LinkState.ABSENT, LinkState.STARTING, LinkState.BLOCKED)
        if link.quiet or unusable or link.not_before_s > now_s + RETRY_S:
            call.skipped(ask, now_s=now_s, retry_s=RETRY_S)
            return 0.0
        handle = await core.ledger.write(attempts.new_handle)
        self.handles[handle] = (call.call_id, ask.station)
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
            until_s = core.now_s() + max(MIN_WAIT_S, error.retry_after_s)
            self._unask(call, ask, max(MIN_WAIT_S, error.retry_after_s))
            if error.retry_after_s <= RETRY_S:
                call.held(ask.station, until_s=until_s, way=ask.way)
            return until_s
        except (LinkDownError, LinkRefusedError):
            self._unask(call, ask, RETRY_S)
        return 0.0

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
