"""What devices and networks report about our attempts: stages, outcomes, late references."""

from __future__ import annotations

from drivers.base import Handle, Progress, Stage
from gateway.core import Core
from gateway.delivery.outbox import Outbox
from gateway.delivery.sender import Sender
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

UNKNOWN_WAIT_S = 30.0
"""Wait before a native text with unknown outcome is repeated: the answer may only be late."""

ON_AIR_S = 300.0
"""A native text that is on the air without a report is of unknown outcome after this long."""

NEVER_S = 1e12
"""The network has it and delivers on its own; nothing is repeated."""


class ProgressKeeper:
    """Moves attempts and recipients as the links report."""

    def __init__(self, core: Core, outbox: Outbox, sender: Sender) -> None:
        self._core = core
        self._outbox = outbox
        self._sender = sender

    async def progressed(self, link: LinkRunner, event: Progress) -> None:
        """Take one report: in the ledger first, then in what waits."""
        handles = self._sender.handles.get(event.handle, ()) if event.handle is not None else ()

        def note(tx: Tx) -> tuple[list[Attempt], list[hops.OwedReceipt]]:
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
                _note_state(tx, attempt, event)
            return moved, hops.owed(tx) if moved else []

        try:
            moved, owed = await self._core.ledger.write(note, urgent=True)
        except LedgerError as error:
            self._core.log.warning("progress_not_stored", link=link.name, error=str(error))
            moved, owed = [], []
        for receipt in owed:
            self._outbox.add_receipt(receipt)
        self._after(link, event, moved)
        self._core.wake.set()

    def _after(self, link: LinkRunner, event: Progress, moved: list[Attempt]) -> None:
        if event.handle is not None and event.stage in (Stage.FAILED, Stage.UNKNOWN):
            frame = self._sender.frames.get(event.handle)
            if frame is not None and link.name in frame.under_way:
                sent_s, _ = frame.under_way[link.name]
                link.health.missed(frame.peer, sent_s, self._core.now_s(), told=True)
                self._outbox.failed(frame, link.name)
                link.not_before_s = max(link.not_before_s, self._core.now_s() + FRAME_RETRY_S)
        for attempt in moved:
            work = self._outbox.works.get(("m", str(attempt.message), str(attempt.station)))
            native = event.handle is None or event.handle in self._sender.text_works
            if work is not None and native and attempt.next_hop == 0:
                self._native(work, event)

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

MAX_DOUBLINGS = 8
"""Keeps the doubling of waits within numbers."""


def _note_state(tx: Tx, attempt: Attempt, event: Progress) -> None:
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
    if state is not None:
        move(tx, attempt.message, attempt.station, state, Evidence.OBSERVED, detail=event.reason)
