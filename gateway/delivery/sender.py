"""The sending loop: every free link gets the most urgent thing that should go over it."""

from __future__ import annotations

import asyncio

from drivers.base import (
    Handle,
    LinkBusyError,
    LinkDownError,
    LinkRefusedError,
    Precedence,
    Service,
    Stage,
    Transmission,
)
from gateway.core import Core
from gateway.delivery import tries
from gateway.delivery.hops import Frame
from gateway.delivery.outbox import CheckJob, FrameJob, Job, Outbox, ResendJob, TextJob
from gateway.delivery.planner import FORM
from gateway.delivery.streams import Streams
from gateway.delivery.work import Work
from gateway.domain import LinkState
from gateway.ledger import attempts
from gateway.ledger.errors import LedgerClosedError, LedgerError
from gateway.ledger.tx import Tx
from gateway.links import DriverFailedError, LinkRunner
from gateway.routing import Candidate, native_octets
from protocols import air

MAX_SLEEP_S = 5.0
"""Longest the loop sleeps; everything that matters wakes it earlier."""

IDLE_SLEEP_S = 60.0
"""The same with nothing to send: whatever comes rings."""

SEND_MAX_S = 300.0
"""A driver that holds a transmission longer is stuck; the link is freed and the outcome is unknown."""

RETRY_S = 2.0
"""Wait before a link that refused to take something is asked again."""

UNKNOWN_WAIT_S = 30.0
"""Wait before a native text with unknown outcome is repeated: the answer may only be late."""

MAX_DOUBLINGS = 8
"""Keeps the doubling of waits within numbers."""

NATIVE_OUTCOME_S = 90.0
"""A native text whose outcome has not come by then is unknown; satellite modems answer within 60 s."""

MAX_HANDLES = 4_096
"""Transmissions whose progress can still be told apart."""

CHECK_FIRST_S = 20.0
"""Wait for a station that was asked whether it is there; doubles to CHECK_MAX_S. A radio answers in 13 s."""

CHECK_MAX_S = 300.0
"""Longest wait: a person who comes out of a cellar gets what waited within five minutes."""

MIN_SLEEP_S = 0.001
"""A timer of no time at all would starve the others."""

LEDGER_RETRY_S = 1.0
"""Wait after the ledger refused; nothing is sent whose attempt is not on disk."""


class Sender:
    """Runs for the life of the gateway."""

    def __init__(self, core: Core, outbox: Outbox, streams: Streams) -> None:
        self._core = core
        self._outbox = outbox
        self._streams = streams
        self.handles: dict[int, tuple[Handle, ...]] = {}
        """Attempts behind each transmission handed to a link."""
        self.text_works: dict[int, Work] = {}
        """Native works by handle."""
        self.frames: dict[int, Frame] = {}
        """Frames by the handle they were last handed over with."""

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                now_s = self._core.now_s()
                if silent := self._time_passes(now_s):
                    tasks.create_task(self._unknown(silent), name="sender.unknown")
                self._outbox.planner.begin()
                for link in () if self._outbox.idle else tuple(self._core.links.values()):
                    if self._ready(link, now_s):
                        job = self._outbox.next_job(link, now_s)
                        if job is not None:
                            link.sending = True
                            self._reserve(job)
                            tasks.create_task(self._transmit(link, job), name=f"{link.name}.send")
                await self._sleep()

    def _ready(self, link: LinkRunner, now_s: float) -> bool:
        state = link.health.view(now_s).state
        dead = state in (LinkState.ABSENT, LinkState.STARTING, LinkState.BLOCKED)
        return not (link.sending or link.quiet or dead or link.not_before_s > now_s)

    def _reserve(self, job: Job) -> None:
        """Take what the job carries out of the choice until its outcome is known."""
        if isinstance(job, FrameJob):
            for work in job.works:
                work.frames.add(0)
            if job.ack:
                self._outbox.acks.pop(job.way.next_hop, None)
        elif isinstance(job, ResendJob):
            job.frame.handing_over = True
        elif isinstance(job, CheckJob):
            wait_s = min(CHECK_FIRST_S * 2**job.work.checks, CHECK_MAX_S)
            job.work.checks += 1
            self._outbox.works.hold(job.work, self._core.now_s() + wait_s)
        else:
            job.work.native_pending = job.way.link
            self._outbox.works.expect(job.work, self._core.now_s() + SEND_MAX_S + NATIVE_OUTCOME_S)

    def _time_passes(self, now_s: float) -> list[Handle]:
        """End what is over; return native attempts whose outcome did not come."""
        for frame, name, sent_s in self._outbox.overdue(now_s):
            self._core.links[name].health.missed(frame.peer, sent_s, now_s)
            self._core.count("acknowledgements_missed")
        for work in self._outbox.works.expired(now_s):
            self._outbox.settle(work.key)
        silent = self._outbox.works.silent(now_s)
        for work in silent:
            work.native_pending = ""
            work.unknowns += 1
        return [Handle(work.native_handle) for work in silent if work.native_handle]

    async def _unknown(self, handles: list[Handle]) -> None:
        """Keep in the ledger that no answer came."""

        def note(tx: Tx) -> None:
            for handle in handles:
                attempts.progress(tx, handle, Stage.UNKNOWN, reason="no answer")

        try:
            await self._core.ledger.write(note, urgent=True)
        except LedgerError as error:
            self._core.log.warning("unknown_outcome_not_stored", error=str(error))

    async def _sleep(self) -> None:
        now_s = self._core.now_s()
        times = [now_s + (IDLE_SLEEP_S if self._outbox.idle else MAX_SLEEP_S)]
        deadline_s = self._outbox.frames.next_deadline_s()
        if deadline_s is not None:
            times.append(deadline_s)
        times += [owed.due_s for owed in self._outbox.acks.values() if owed.due_s > now_s]
        for link in self._core.links.values():
            if link.not_before_s > now_s:
                times.append(link.not_before_s)
            change_s = None if self._outbox.idle else link.health.next_change_s(now_s)
            if change_s is not None:
                times.append(change_s)
        if (work_s := self._outbox.works.next_s(now_s)) is not None:
            times.append(work_s)
        wait_s = max(MIN_SLEEP_S, min(times) - now_s)
        if self._core.hooks.buggify("sender.early_timer"):
            wait_s = max(MIN_SLEEP_S, wait_s * self._core.random.random())
        await self._core.wake.wait(wait_s)

    # --- transmitting ------------------------------------------------------------------------------------

    async def _transmit(self, link: LinkRunner, job: Job) -> None:
        try:
            if isinstance(job, FrameJob):
                await self._send_frame(link, job)
            elif isinstance(job, ResendJob):
                await self._resend(link, job)
            elif isinstance(job, CheckJob):
                await self._check(link, job)
            else:
                await self._send_text(link, job)
        except LedgerClosedError:
            return
        except LedgerError as error:
            self._core.log.warning("ledger_refused_attempt", link=link.name, error=str(error))
            self._core.probe("sender.attempt_not_stored")
            link.not_before_s = self._core.now_s() + LEDGER_RETRY_S
        finally:
            link.sending = False
            if isinstance(job, FrameJob):
                for work in job.works:
                    work.frames.discard(0)
            elif isinstance(job, ResendJob):
                job.frame.handing_over = False
            self._core.wake.ring()

    async def _send_frame(self, link: LinkRunner, job: FrameJob) -> None:
        peer = job.way.next_hop
        works = [work for work in job.works if self._outbox.works.get(work.key) is work]
        elements = [*self._acknowledgement(peer, job), *self._outbox.planner.elements(peer, works)]
        if not elements:
            return
        handed = False
        try:
            handed = await self._seal_and_hand_over(link, job, works, elements)
        finally:
            if job.ack and not handed:
                self._outbox.owe_ack(peer, link)
        if handed:
            for work in works:
                work.tries += 1
                if not work.elicits_ack:
                    self._outbox.settle(work.key)

    async def _seal_and_hand_over(
        self, link: LinkRunner, job: FrameJob, works: list[Work], elements: list[air.Element]
    ) -> bool:
        peer = job.way.next_hop
        counter = await self._streams.next_counter(peer)
        octets = air.seal_frame(
            self._core.keys, counter=counter, destination=peer, elements=elements, form=FORM
        )
        precedence = max((work.precedence for work in works), default=Precedence.IMMEDIATE)
        frame: Frame | None = None
        if air.elicits_ack(tuple(elements)):
            kept = [work for work in works if work.elicits_ack]
            urgency = max(work.precedence for work in kept)  # what only rides along is not sent again
            frame = self._outbox.frames.new(peer, counter, octets, tuple(w.key for w in kept), urgency)
            frame.handing_over = True
            for work in kept:
                work.frames.add(frame.serial)
        try:
            return await self._hand_over(link, job.way, octets, precedence, works, frame)
        finally:
            if frame is not None:
                frame.handing_over = False

    def _acknowledgement(self, peer: int, job: FrameJob) -> list[air.Element]:
        ack = self._streams.acknowledgement(peer) if job.ack else None
        return [] if ack is None else [ack]

    async def _resend(self, link: LinkRunner, job: ResendJob) -> None:
        frame = job.frame
        works = [work for key in frame.works if (work := self._outbox.works.get(key)) is not None]
        if not works:
            self._outbox.frames.drop(frame)
            return
        self._core.count("frames_repeated")
        self._core.probe("sender.frame_repeated")
        await self._hand_over(link, job.way, frame.octets, frame.precedence, works, frame)

    async def _hand_over(
        self,
        link: LinkRunner,
        way: Candidate,
        octets: bytes,
        precedence: Precedence,
        works: list[Work],
        frame: Frame | None,
    ) -> bool:
        """Note the attempts, give the frame to the link, and say whether the device took it."""
        copies = [(work.message.id, work.station) for work in works if work.message is not None]
        handles = await self._core.ledger.write(
            lambda tx: tries.begin_frame(tx, copies, link.name, way.next_hop, len(octets)), urgent=True
        )
        handle = handles[0]
        self._remember(handle, handles if copies else ())
        begun_s = self._core.now_s()
        if frame is not None:
            self.frames[handle], frame.failed_early = frame, False
        transmission = Transmission(
            handle=handle,
            service=Service.DATA,
            destination=way.address,
            precedence=precedence,
            payload=octets,
        )
        reason = await self._give(link, transmission)
        if reason is None:
            if frame is not None:
                factor = self._core.config.routing.ack_timeout_factor
                timeout_s = tries.ack_timeout_s(link.capabilities, len(octets), factor)
                self._outbox.frames.sent(frame, link.name, self._core.now_s(), timeout_s)
                if frame.failed_early:
                    self._core.probe("sender.failed_early")
                    link.health.missed(frame.peer, begun_s, self._core.now_s(), told=True)
                    self._outbox.failed(frame, link.name)
                    link.not_before_s = max(link.not_before_s, self._core.now_s() + RETRY_S)
            return True
        if copies:
            await self._core.ledger.write(lambda tx: tries.ended(tx, handles, reason), urgent=True)
        if frame is not None and reason.startswith((tries.REFUSED, tries.UNKNOWN)):
            self._outbox.frames.give_up(frame)
            self._outbox.release(frame)
            for work in works:
                work.sizes.clear()
                wait_s = min(RETRY_S * 2 ** min(work.tries, MAX_DOUBLINGS), CHECK_MAX_S)
                work.tries += 1
                self._outbox.works.hold(work, self._core.now_s() + wait_s)
        return False

    async def _give(self, link: LinkRunner, transmission: Transmission) -> str | None:
        """Hand over; return None, or why not (the link's next moment is noted)."""
        try:
            async with asyncio.timeout(SEND_MAX_S):
                await link.send(transmission)
        except LinkBusyError as error:
            link.not_before_s = self._core.now_s() + max(0.05, error.retry_after_s)
            return f"busy: {error.reason}"
        except DriverFailedError as error:
            link.not_before_s = self._core.now_s() + RETRY_S
            return f"{tries.UNKNOWN}: {error.reason}"
        except LinkDownError as error:
            link.not_before_s = self._core.now_s() + RETRY_S
            return f"down: {error.reason}"
        except LinkRefusedError as error:
            self._core.log.warning("link_refused", link=link.name, reason=error.reason)
            return f"{tries.REFUSED}: {error.reason}"
        except TimeoutError:
            self._core.log.warning("link_send_stuck", link=link.name, waited_s=SEND_MAX_S)
            return None
        return None

    async def _check(self, link: LinkRunner, job: CheckJob) -> None:
        """Ask; the answer is an event of the link, no answer lets the next question wait longer."""
        handle = await self._core.ledger.write(attempts.new_handle)
        await self._give(
            link,
            Transmission(
                handle=handle,
                service=Service.STATUS,
                destination=job.way.address,
                precedence=job.work.precedence,
            ),
        )

    async def _send_text(self, link: LinkRunner, job: TextJob) -> None:
        work, message = job.work, job.work.message
        assert message is not None  # noqa: S101 - only message copies go as text
        said = self._outbox.planner.native_text(work, job.way)
        size = native_octets(said.text, job.way.encoding)
        try:
            handle = await self._core.ledger.write(
                lambda tx: tries.begin_text(
                    tx, message, work.station, link.name, size, part=said.part, parts=said.parts
                ),
                urgent=True,
            )
        except LedgerError:
            work.native_pending = ""  # nothing was handed over: it waits for no outcome
            raise
        if handle is None:
            self._outbox.settle(work.key)
            return
        self._remember(handle, (handle,))
        self.text_works[handle] = work
        work.native_handle, reserved_s = handle, work.native_deadline_s
        work.last_try_s, work.checks = self._core.now_s(), 0
        work.parts, work.part = said.parts, said.part - 1
        transmission = Transmission(
            handle=handle,
            service=Service.TEXT,
            destination=job.way.address,
            precedence=work.precedence,
            text=said.text,
        )
        reason = await self._give(link, transmission)
        now_s = self._core.now_s()
        work.tries += 1
        if reason is None:
            if work.native_pending and work.native_deadline_s == reserved_s:  # no progress was told yet
                self._outbox.works.expect(work, now_s + NATIVE_OUTCOME_S)
            return
        work.native_pending = ""
        if reason.startswith(tries.UNKNOWN):
            work.unknowns += 1
            self._outbox.works.hold(work, now_s + UNKNOWN_WAIT_S)
        await self._core.ledger.write(
            lambda tx: tries.text_ended(tx, handle, message.id, work.station, reason), urgent=True
        )
        if reason.startswith(tries.REFUSED):
            self._outbox.settle(work.key)

    def _remember(self, handle: Handle, handles: tuple[Handle, ...]) -> None:
        self.handles[handle] = handles
        while len(self.handles) > MAX_HANDLES:
            oldest = next(iter(self.handles))
            del self.handles[oldest]
            self.text_works.pop(oldest, None)
            self.frames.pop(oldest, None)
