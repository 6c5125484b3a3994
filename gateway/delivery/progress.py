"""What devices and networks report about our attempts: stages, outcomes, late references."""

from __future__ import annotations

from collections import deque

from drivers.base import Handle, Progress, Stage
from drivers.waiting import Bell
from gateway.core import Core
from gateway.delivery.outbox import Outbox
from gateway.delivery.sender import MAX_DOUBLINGS, UNKNOWN_WAIT_S, Sender
from gateway.delivery.states import OF_STAGE, move
from gateway.delivery.work import Work
from gateway.domain import Attempt, Evidence, RecipientState
from gateway.ledger import attempts, events, hops
from gateway.ledger.errors import LedgerError
from gateway.ledger.tx import Tx
from gateway.links import LinkRunner

FAILED_FIRST_S = 5.0
"""Wait before a native text that failed is tried again; doubles to FAILED_MAX_S."""

FAILED_MAX_S = 300.0
"""Longest wait between two tries of a native text."""

ON_AIR_S = 300.0
"""A native text that is on the air without a report is of unknown outcome after this long."""

AGAIN_S = 1.0
"""Wait before a report that the ledger refused is offered to it again."""

MAX_REFUSED = 1_024
"""Reports kept while the ledger refuses, the newest: more than all links tell in a minute."""

NEVER_S = 1e12
"""The network has it and delivers on its own; nothing is repeated."""


class ProgressKeeper:
    """Moves attempts and recipients as the links report."""

    def __init__(self, core: Core, outbox: Outbox, sender: Sender) -> None:
        self._core = core
        self._outbox = outbox
        self._sender = sender
        self._refused: deque[tuple[LinkRunner, Progress]] = deque(maxlen=MAX_REFUSED)
        self._bell = Bell()

    async def run(self) -> None:
        """Take again what the ledger refused, until cancelled: devices tell an outcome once."""
        while True:
            await self._bell.wait(None)
            await self._core.clock.sleep(AGAIN_S)
            for _ in range(len(self._refused)):
                link, event = self._refused.popleft()
                await self._store(link, event)

    def _keep(self, link: LinkRunner, event: Progress) -> None:
        """Keep a report for later; a text that went well is not repeated meanwhile."""
        self._refused.append((link, event))
        self._bell.ring()
        work = self._sender.text_works.get(event.handle) if event.handle is not None else None
        if work is not None and work.native_pending and event.stage in (Stage.DELIVERED, Stage.AT_NETWORK):
            self._outbox.works.expect(work, self._core.now_s() + NEVER_S)

    async def progressed(self, link: LinkRunner, event: Progress) -> None:
        """Take one report: what it says of a frame at once, of copies in the ledger first, then here."""
        self._frame_failed(link, event)
        await self._store(link, event)
        self._core.wake.ring()

    async def _store(self, link: LinkRunner, event: Progress) -> None:
        handles = self._sender.handles.get(event.handle, ()) if event.handle is not None else ()

        done: dict[int, attempts.PartsDone] = {}

        def note(tx: Tx) -> tuple[list[Attempt], list[hops.OwedReceipt]]:
            newest = hops.newest_owed(tx)
            found = [
                attempts.progress(tx, h, event.stage, device_ref=event.device_ref, reason=event.reason)
                for h in handles
            ]
            if not found and event.handle is None and event.device_ref:
                known = attempts.by_device_ref(tx, link.name, event.device_ref)
                if known is not None:
                    found = [attempts.progress(tx, Handle(known.handle), event.stage, reason=event.reason)]
            moved = [attempt for attempt in found if attempt is not None]
            for attempt in moved:
                if attempt.parts > 1:
                    done[attempt.handle] = attempts.parts_done(tx, attempt.message, attempt.station)
                _note_state(tx, attempt, event, done.get(attempt.handle))
            return moved, hops.owed(tx, above=newest)

        try:
            moved, owed = await self._core.ledger.write(note, urgent=True)
        except LedgerError as error:
            self._core.log.warning("progress_not_stored", link=link.name, error=str(error))
            self._core.probe("progress.not_stored")
            self._keep(link, event)
            return
        for receipt in owed:
            self._outbox.add_receipt(receipt)
        for attempt in moved:
            if event.handle is None:
                self._core.probe("progress.report_after_restart")
            work = self._outbox.works.get(("m", str(attempt.message), str(attempt.station)))
            native = event.handle is None or event.handle in self._sender.text_works
            if work is not None and native and attempt.next_hop == 0:
                if (parted := done.get(attempt.handle)) is None:
                    self._native(work, event)
                else:
                    self._part(work, event, attempt, parted)

    def _frame_failed(self, link: LinkRunner, event: Progress) -> None:
        if event.handle is not None and event.stage in (Stage.FAILED, Stage.UNKNOWN):
            frame = self._sender.frames.get(event.handle)
            if frame is not None and frame.handing_over:
                frame.failed_early = True
            elif frame is not None and link.name in frame.under_way:
                self._core.probe("progress.frame_failed")
                sent_s, _ = frame.under_way[link.name]
                link.health.missed(frame.peer, sent_s, self._core.now_s(), told=True)
                self._outbox.failed(frame, link.name)
                link.not_before_s = max(link.not_before_s, self._core.now_s() + FRAME_RETRY_S)

    def _part(self, work: Work, event: Progress, attempt: Attempt, done: attempts.PartsDone) -> None:
        """Take what became of one part; the next follows once the network or the device has this one."""
        if len(done.delivered) == done.parts:
            self._outbox.settle(work.key)
            return
        if work.parts != done.parts:
            return  # parted anew since
        current = attempt.handle == work.native_handle
        if event.stage in (Stage.DELIVERED, Stage.AT_NETWORK):
            if work.part < done.first:
                work.part, work.unknowns, work.tries = done.first, 0, 0
            if current and done.first < done.parts:
                work.native_pending = ""
            elif current:
                self._outbox.works.expect(work, self._core.now_s() + NEVER_S)
        elif current or (event.stage is Stage.FAILED and done.first < work.part):
            self._native(work, event)
            work.part = min(work.part, done.first)

    def _native(self, work: Work, event: Progress) -> None:
        now_s = self._core.now_s()
        match event.stage:
            case Stage.DELIVERED:
                self._outbox.settle(work.key)
            case Stage.FAILED:
                work.native_pending = ""
                wait_s = FAILED_FIRST_S * 2 ** min(work.tries, MAX_DOUBLINGS)
                self._outbox.works.hold(work, now_s + min(wait_s, FAILED_MAX_S))
            case Stage.UNKNOWN:
                work.native_pending = ""
                work.unknowns += 1
                self._outbox.works.hold(work, now_s + UNKNOWN_WAIT_S)
            case Stage.ON_AIR:
                self._outbox.works.expect(work, now_s + ON_AIR_S)
            case Stage.AT_NETWORK:
                self._outbox.works.expect(work, now_s + NEVER_S)
            case Stage.AT_MODEM:
                pass


FRAME_RETRY_S = 1.0
"""Pause on a link that failed to transmit a frame; another link may take it at once."""


def _note_state(tx: Tx, attempt: Attempt, event: Progress, parts: attempts.PartsDone | None) -> None:
    events.append(
        tx,
        "attempt.moved",
        {
            "id": str(attempt.message),
            "station": attempt.station,
            "link": attempt.link,
            "stage": event.stage.value,
            "reason": event.reason,
        },
    )
    state = OF_STAGE.get(event.stage)
    if state is RecipientState.DELIVERED and attempt.next_hop:
        state = RecipientState.AT_NETWORK  # a radio took the frame; delivered is what our own protocol says
    if parts is not None and state in (RecipientState.DELIVERED, RecipientState.AT_NETWORK):
        state = _of_parts(parts)
    if state is not None:
        move(tx, attempt.message, attempt.station, state, Evidence.OBSERVED, detail=event.reason)


def _of_parts(done: attempts.PartsDone) -> RecipientState:
    """How far a text in parts is: no further than its last part."""
    if len(done.delivered) == done.parts:
        return RecipientState.DELIVERED
    return RecipientState.AT_NETWORK if done.first == done.parts else RecipientState.ON_AIR
