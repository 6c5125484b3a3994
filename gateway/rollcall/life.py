"""The life of one roll call: asked until its end, then open for late answers, then closed for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from gateway.core import Core
from gateway.ledger.errors import LedgerError
from gateway.ledger.tx import Tx
from gateway.rollcall import record
from gateway.rollcall.asking import Asker
from gateway.rollcall.call import LATE_WINDOW_S, Ask, Call, Entry, EntryState, counts
from gateway.rollcall.cascade import ways_to_ask

T = TypeVar("T")

TICK_S = 1.0
"""A running call looks at its clock at least this often."""

MIN_TICK_S = 0.01
"""And at most this often."""

STORE_RETRY_S = 2.0
"""Wait before the ledger, full or faulty, is asked again to keep what must be kept."""


class Life:
    """Runs one call. The disk knows first: what it refuses is tried until it is stored."""

    def __init__(
        self, core: Core, asker: Asker, call: Call, concluded: Callable[[Call, list[Entry]], None]
    ) -> None:
        self.call = call
        self._core = core
        self._asker = asker
        self._concluded = concluded
        self._wake = asyncio.Event()
        self._links: tuple[object, ...] = ()

    def wake(self) -> None:
        """Look again: something has changed."""
        self._wake.set()

    def close_early(self) -> None:
        """Take no more late answers."""
        self.call.late_until_s = self._core.now_s()
        self.wake()

    async def run(self) -> None:
        """Return when the call is closed: sealed, or forgotten if it was a neighbour's."""
        call = self.call
        while True:
            if not call.ended:
                await self._ask()
                await self._finish()
            if await self._late():
                break
        await self._stored(lambda tx: record.close(tx, call))

    async def _ask(self) -> None:
        """Until the end: one pass at a time on each link, so that a slow one holds up no other."""
        core, call = self._core, self.call
        passes: dict[str, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._wake.clear()
                await self._save_polled()
                self._find_ways()
                if call.finished(core.now_s()):
                    break
                for link, asks in self._due_by_link().items():
                    if link not in passes or passes[link].done():
                        work = self._pass(asks)
                        passes[link] = tasks.create_task(work, name=f"{call.call_id}.ask.{link}")
                wait_s = max(MIN_TICK_S, call.next_s(core.now_s()) - core.now_s())
                await self._woken(min(TICK_S, wait_s))
            for task in passes.values():
                task.cancel()

    def _find_ways(self) -> None:
        """A device that is opened while the call runs is one more way to ask."""
        core, call = self._core, self.call
        links = tuple(
            (name, link.capabilities.services, len(core.learnt.get(name, ())))
            for name, link in core.links.items()
        )
        if links == self._links:
            return
        self._links = links
        for entry in call.entries.values():
            station = core.roster.stations.get(entry.station)
            if entry.state is EntryState.PENDING and station is not None:
                entry.add_ways(ways_to_ask(core, station, forwarded=bool(call.reply_to)))

    def _due_by_link(self) -> dict[str, list[Ask]]:
        by_link: dict[str, list[Ask]] = {}
        for ask in self.call.due(self._core.now_s()):
            by_link.setdefault("" if ask.way.via else ask.way.link, []).append(ask)
        return by_link

    async def _pass(self, asks: list[Ask]) -> None:
        await self._asker.ask_all(self.call, asks)
        self.wake()

    async def _save_polled(self) -> None:
        """What a neighbour asked for is on disk before anybody is asked."""
        while new := tuple(self.call.unsaved):
            await self._stored(partial(self._save, new))
            self.call.unsaved.difference_update(new)

    def _save(self, new: tuple[int, ...], tx: Tx) -> None:
        record.save_polled(tx, self._core, self.call, new)

    async def _finish(self) -> None:
        core, call = self._core, self.call
        lived_s = core.now_s() - (call.deadline_s - call.length_s)
        entries = await self._stored(lambda tx: record.finished(tx, call, lived_s))
        changed: list[Entry] = []
        for stored in entries:
            entry = call.entries[stored.station]
            if entry.state is EntryState.PENDING and stored.state in (EntryState.INFERRED, EntryState.ABSENT):
                changed.append(entry)
            entry.follow(stored)
        call.ended, call.ended_unix_ms = True, core.clock.unix_ms()
        call.late_until_s = core.now_s() + LATE_WINDOW_S
        self._concluded(call, changed)
        if not call.reply_to:
            found = counts([entry.state for entry in call.entries.values()])
            core.log.info("roll_call_ended", call=call.call_id, **found)

    async def _late(self) -> bool:
        """Take late answers; return whether that is over. False: the neighbour asks for more stations."""
        call = self.call
        while (left_s := call.late_until_s - self._core.now_s()) > 0:
            self._wake.clear()
            if call.reply_to and call.pending:
                call.ended = False
                return False
            await self._woken(max(MIN_TICK_S, left_s))
        return True

    async def _woken(self, limit_s: float) -> None:
        try:
            async with asyncio.timeout(limit_s):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _stored(self, op: Callable[[Tx], T]) -> T:
        """Write until it is on disk; on a full disk the ballast serves."""
        core = self._core
        while True:
            try:
                return await core.ledger.write(op, urgent=True)
            except LedgerError as error:
                core.count("roll_call_writes_refused")
                core.probe("rollcall.not_stored")
                core.log.warning("roll_call_not_stored", call=self.call.call_id, error=str(error))
            await core.clock.sleep(STORE_RETRY_S)
