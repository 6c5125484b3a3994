"""The link that an AT terminal makes: what it can, its state, its events, one transmission at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from drivers.at_modem.compose import check, is_long, text_max_octets
from drivers.at_modem.config import AtModemConfig
from drivers.at_modem.dialects import Dialect
from drivers.at_modem.health import RESTARTED, Health, bilingual
from drivers.at_modem.inbox import Inbox
from drivers.at_modem.outbox import Outbox
from drivers.at_modem.reports import Reports
from drivers.at_modem.session import Session
from drivers.at_modem.transmitter import CANCELLED as NOT_SUBMITTED
from drivers.at_modem.transmitter import Job, Transmitter
from drivers.base import (
    Capabilities,
    CostModel,
    DriverEnv,
    Handle,
    Link,
    LinkDownError,
    LinkEvent,
    LinkState,
    Notice,
    Quality,
    Service,
    Stage,
    TextEncoding,
    Transmission,
)
from drivers.waiting import Bell
from protocols.at import Line, Words, interpret
from protocols.at.meaning import Pushed, SimReady, Stored
from protocols.errors import FieldgateError
from protocols.sms import MAX_UD_OCTETS, StatusReport

MAX_LINES_PER_S = 200
"""More lines than this in a second are a flood: the answer to a full store has fewer."""

QUALITY_STEP_DB = 1.0
QUALITY_INTERVAL_S = 30.0
"""A measurement is told when it moved by the step, and at least this often."""

REFERENCE_NOTE = "concat_reference"
REFERENCES = 1 << 16
"""Long texts are numbered with 16 bits, going on where they were before a restart."""

CLOSED = Words("the link was closed", "链路已关闭")
CANCELLED = Words("cancelled while waiting for the network", "等待网络应答时被取消")


class AtModemLink(Link):
    """One terminal. `wake` rings when the keeper has something to do before its next look."""

    def __init__(
        self, name: str, config: AtModemConfig, dialect: Dialect, env: DriverEnv, notes: dict[str, str]
    ) -> None:
        self.health = Health(dialect)
        self.outbox = Outbox()
        self.inbox = Inbox(self.outbox.put, self._reported)
        self.reports = Reports(notes)
        self.wake = Bell()
        self.restarted = False
        self.mail = False
        self.check_now = False
        self.transmitter = Transmitter(name, config, env.clock, self.outbox.put, self.reports)
        self._name = name
        self._config = config
        self._dialect = dialect
        self._env = env
        self._session: Session | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._reference = _number(notes.get(REFERENCE_NOTE, ""), env)
        self._works: list[asyncio.Task[None]] = []
        self._told_quality: tuple[float, float] | None = None
        self._lines_from_s = 0.0
        self._lines = 0
        self._saved: dict[str, str] = {}
        self._capabilities = Capabilities(
            bearer=self._dialect.bearer,
            services=frozenset({Service.TEXT, Service.DATA}),
            mtu_octets=MAX_UD_OCTETS,
            text_max_octets=text_max_octets(self._config),
            text_encoding=TextEncoding.UCS2_SMS,
            nominal_bps=self._dialect.nominal_bps,
            min_interval_s=self._dialect.min_interval_s,
            latency_s=self._dialect.latency_s,
            cost=CostModel(fen_per_frame=self._config.fen_per_sms),
        )

    @property
    def name(self) -> str:
        """The link's name in the configuration."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """Short messages: text in parts, and frames that fit one message."""
        return self._capabilities

    def attach(self, session: Session | None, tasks: asyncio.TaskGroup) -> None:
        """Use an open port (None: it is gone) and the task group that lives as long as the link."""
        self._session = session
        self._tasks = tasks
        self.restarted = self.mail = False

    async def send(self, transmission: Transmission) -> Handle:
        """Return when the network has answered, or the time for that is over; Progress told the outcome."""
        check(self._name, transmission, self._config)
        session, tasks = self._session, self._tasks
        if self.health.state not in (LinkState.UP, LinkState.SUSPECT) or session is None or tasks is None:
            raise LinkDownError(self._name, bilingual(self.health.words))
        job = Job(transmission, self._reference)
        outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        work = tasks.create_task(self._work(session, job, outcome), name=f"{self._name}.send")
        self._works.append(work)
        work.add_done_callback(self._works.remove)
        try:
            await asyncio.shield(outcome)
        except asyncio.CancelledError:
            job.cancelled = True
            if not job.commanded:
                work.cancel()
                self.transmitter.tell(job, Stage.FAILED, reason=bilingual(NOT_SUBMITTED))
            elif job.written and not outcome.done():
                self.transmitter.tell(job, Stage.UNKNOWN, reason=bilingual(CANCELLED))
            raise
        return transmission.handle

    async def events(self) -> AsyncGenerator[LinkEvent]:
        """Yield events in order; one reader."""
        async for event in self.outbox.stream():
            yield event
            if not self._env.hooks.buggify("at_modem.reader_lags"):
                self.inbox.again(lambda: self.outbox.room)

    async def confirm(self, receipt: int) -> None:
        """Let the places of a received message be deleted from the terminal's store."""
        if self.inbox.confirm(receipt, self._env.clock.monotonic_s()):
            self.mail = True
            self.wake.ring()

    async def probe(self) -> None:
        """Ask the terminal for registration and signal; answers arrive as events."""
        self._told_quality = None
        self.check_now = True
        self.wake.ring()

    def close(self) -> None:
        """Stop what is under way; its outcome is told."""
        for work in self._works:
            work.cancel()

    def publish(self) -> None:
        """Tell the state, if it changed."""
        change = self.health.change(self._env.clock.monotonic_s())
        if change is not None:
            self._env.log.info(
                "link_state_changed", link=self._name, new=change.state.value, reason=change.reason
            )
            self.outbox.put(change)

    def take(self, line: Line) -> None:
        """Take any line of the terminal, asked for or not."""
        self._count_line()
        meaning = interpret(line)
        if meaning is None:
            return
        if isinstance(meaning, Stored):
            self.mail = True
            self.wake.ring()
        elif isinstance(meaning, Pushed):
            if meaning.pdu is not None:
                self.inbox.pushed(meaning.pdu, self._env.clock.monotonic_s())
        elif isinstance(meaning, SimReady) and line.name == self._dialect.restart_line:
            self._start_seen(ready=meaning.ready)
        quality = self.health.take(meaning)
        if quality is not None:
            self._tell_quality(quality)
        self.publish()

    async def save(self) -> None:
        """Put on disk what a restart must know."""
        notes = self.reports.notes | {REFERENCE_NOTE: str(self._reference)}
        if notes != self._saved:
            await self._env.memory.save(notes)
            self._saved = notes

    async def _work(self, session: Session, job: Job, outcome: asyncio.Future[None]) -> None:
        """Send in a task of the link's own: a cancelled caller must not tear the conversation."""
        try:
            if is_long(job.transmission):
                job.reference = self._reference = (self._reference + 1) % REFERENCES
                await self.save()
            await self.transmitter.run(session, job)
            await self.save()
        except FieldgateError as error:
            if job.cancelled:
                self.transmitter.tell(job, Stage.FAILED, reason=error.en)
            else:
                outcome.set_exception(error)
        except asyncio.CancelledError:
            if job.written:
                self.transmitter.tell(job, Stage.UNKNOWN, reason=bilingual(CLOSED))
            elif not outcome.done():
                outcome.set_exception(LinkDownError(self._name, bilingual(CLOSED)))
            raise
        finally:
            if not outcome.done():
                outcome.set_result(None)
            elif job.cancelled:
                outcome.exception()  # nobody waits for it any more
            if self.transmitter.unanswered:
                self.check_now = True
                self.wake.ring()

    def _start_seen(self, *, ready: bool) -> None:
        self.restarted = True
        self.health.opened(self._env.clock.monotonic_s(), RESTARTED)
        if self._session is not None:
            self._session.interrupt("the terminal has started anew")
        self.outbox.put(Notice(event="modem_restarted", detail="card ready" if ready else "card not ready"))
        self.wake.ring()

    def _reported(self, report: StatusReport) -> None:
        progress = self.reports.progress(report)
        if progress is not None:
            self.outbox.put(progress)

    def _tell_quality(self, quality: Quality) -> None:
        now_s = self._env.clock.monotonic_s()
        value = quality.snr_db if quality.snr_db is not None else quality.rssi_dbm or 0.0
        if self._told_quality is not None:
            told_s, told = self._told_quality
            if now_s - told_s < QUALITY_INTERVAL_S and abs(value - told) < QUALITY_STEP_DB:
                return
        self._told_quality = now_s, value
        self.outbox.put(quality)

    def _count_line(self) -> None:
        now_s = self._env.clock.monotonic_s()
        if now_s - self._lines_from_s >= 1.0:
            self._lines_from_s, self._lines = now_s, 0
        self._lines += 1
        if self._lines == MAX_LINES_PER_S:
            self._env.log.warning("modem_flooded", link=self._name, lines_per_s=self._lines)
            self.outbox.put(Notice(event="modem_flooded", detail=f"{MAX_LINES_PER_S} lines within a second"))


def _number(note: str, env: DriverEnv) -> int:
    return int(note) if note.isascii() and note.isdigit() else env.random.randrange(REFERENCES)
