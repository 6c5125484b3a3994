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

POLL_MARGIN_S = 3
"""A neighbour's call ends this much before ours, so that its last words arrive."""


class Asker:
    """Asks on behalf of all calls of one gateway."""

    def __init__(self, core: Core, outbox: Outbox) -> None:
        self._core = core
        self._outbox = outbox
        self.handles: dict[Handle, tuple[str, int]] = {}
        """Call and station behind each question handed to a device."""

    async def ask_all(self, call: Call, asks: list[Ask]) -> None:
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
