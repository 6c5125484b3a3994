"""Opens a terminal's port, initialises the terminal, watches it and its store, starts again after loss."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from drivers.at_modem.config import AtModemConfig
from drivers.at_modem.dialects import Dialect, Step, load_dialect
from drivers.at_modem.health import DEAF, ERRORS, RESTARTED, is_hard, result_words
from drivers.at_modem.link import AtModemLink
from drivers.at_modem.session import Answer, NoAnswerError, Session
from drivers.base import ByteStream, DriverEnv, Link, Notice, PortUnavailableError, StreamLostError
from drivers.io.backoff import Backoff
from protocols.at import Words, interpret
from protocols.at.meaning import Storage, StoredMessage

TRIES = 3
"""How often each step, and each look at a running terminal, is tried."""

BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 8.0
"""1, 2, 4, 8 s between tries, as these terminals' own firmware does."""

DOUBTFUL_POLL_S = 2.0
"""How soon to look again after a poor reading: three of them decide."""

LIST_INTERVAL_S = 60.0
"""How often the store is listed although nothing was announced: announcements get lost in a flood."""

PORT_LOST = Words("port lost", "端口消失")

TICK_S = 0.001
"""Shorter waits are none: sums of seconds are not exact."""


class AtModemDriver:
    """The driver `at_modem`."""

    config_type = AtModemConfig

    @asynccontextmanager
    async def open(self, name: str, config: AtModemConfig, env: DriverEnv) -> AsyncGenerator[Link]:
        """Own the terminal until the context is left; raises BadInputError for an unknown dialect."""
        dialect = load_dialect(config.dialect)
        link = AtModemLink(name, config, dialect, env, await env.memory.load())
        try:
            async with asyncio.TaskGroup() as tasks:
                keeper = _Keeper(link, config, dialect, env, tasks)
                running = tasks.create_task(keeper.run(), name=f"{name}.keeper")
                try:
                    yield link
                finally:
                    running.cancel()
                    link.close()
        finally:
            link.outbox.close()


class _Keeper:
    """Keeps port and terminal going."""

    def __init__(
        self,
        link: AtModemLink,
        config: AtModemConfig,
        dialect: Dialect,
        env: DriverEnv,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._link = link
        self._config = config
        self._dialect = dialect
        self._env = env
        self._tasks = tasks
        self._failures = 0
        self._listed_s = 0.0
        self._lost = PORT_LOST

    async def run(self) -> None:
        """Open, serve, and open again after loss, until cancelled."""
        backoff = Backoff(self._env.random, first_s=BACKOFF_FIRST_S, max_s=BACKOFF_MAX_S)
        while True:
            try:
                stream = await self._env.connector.open_serial(
                    self._config.device, baud_bps=self._config.baud_bps
                )
            except PortUnavailableError as error:
                zh = error.zh.removeprefix(f"{error.device}：")
                self._absent(Words(error.reason, zh))
                await self._env.clock.sleep(backoff.next_s())
                continue
            backoff.reset()
            try:
                await self._serve(stream)
            finally:
                self._link.attach(None, self._tasks)
                await stream.aclose()
            self._absent(self._lost)
            await self._env.clock.sleep(backoff.next_s())

    def _absent(self, reason: Words) -> None:
        change = self._link.health.absent(reason)
        if change is not None:
            self._env.log.warning("link_port_absent", link=self._link.name, reason=reason.en)
            self._link.outbox.put(change)

    async def _serve(self, stream: ByteStream) -> None:
        """Return when the port is gone."""
        session = Session(self._link.name, stream, self._env, self._link.take)
        self._link.attach(session, self._tasks)
        self._link.health.opened(self._env.clock.monotonic_s())
        self._link.publish()
        self._lost = PORT_LOST
        async with asyncio.TaskGroup() as tasks:
            talker = tasks.create_task(self._converse(session, stream), name=f"{self._link.name}.talker")
            try:
                await session.read()
            finally:
                session.interrupt("port lost")
                talker.cancel()

    async def _converse(self, session: Session, stream: ByteStream) -> None:
        backoff = Backoff(self._env.random, first_s=BACKOFF_FIRST_S, max_s=BACKOFF_MAX_S)
        try:
            while True:
                self._link.restarted = False
                if await self._initialise(session):
                    backoff.reset()
                    await self._watch(session)
                else:
                    self._link.publish()
                    await self._env.clock.sleep(backoff.next_s())
        except StreamLostError as error:
            self._lost = Words(error.en, error.zh)
            await stream.aclose()  # the reader sees the end

    async def _initialise(self, session: Session) -> bool:
        """Return whether the terminal did every step."""
        await session.escape()
        for step in self._steps():
            if not await self._step(session, step) or self._link.restarted:
                return False
        self._failures = 0
        self._link.health.initialised(self._env.clock.monotonic_s())
        self._link.publish()
        self._link.check_now = self._link.mail = True
        self._link.wake.ring()
        return True

    def _steps(self) -> tuple[Step, ...]:
        centre = self._config.smsc
        kind = 145 if centre.startswith("+") else 129
        return (*self._dialect.init, *((Step(f'AT+CSCA="{centre}",{kind}'),) if centre else ()))

    async def _step(self, session: Session, step: Step) -> bool:
        health, now_s = self._link.health, self._env.clock.monotonic_s
        backoff = Backoff(self._env.random, first_s=BACKOFF_FIRST_S, max_s=BACKOFF_MAX_S)
        words = DEAF
        for attempt in range(TRIES):
            if attempt:
                await self._env.clock.sleep(backoff.next_s())
            try:
                answer = await session.command(step.send, self._config.command_timeout_s)
            except NoAnswerError:
                words = RESTARTED if self._link.restarted else DEAF
                continue
            if answer.result.ok or not step.needed:
                if not step.expect or any(line.raw == step.expect for line in answer.lines):
                    return True
                found = answer.lines[-1].raw if answer.lines else "nothing"
                health.failed(Words(f"{step.send}: {found}", f"{step.send}：{found}"))
                return False
            if is_hard(answer.result):
                health.failed(result_words(answer.result))
                return False
            words = _with_command(step.send, answer)
        if words is not RESTARTED:
            health.trouble(words, now_s())
        return False

    async def _watch(self, session: Session) -> None:
        """Look after a running terminal; return when it must be initialised again."""
        link, clock = self._link, self._env.clock
        look_s = clock.monotonic_s()
        while True:
            pause_s = look_s - clock.monotonic_s()
            if pause_s > TICK_S:
                await link.wake.wait(pause_s)
            if link.restarted:
                return
            if link.check_now or clock.monotonic_s() >= look_s - TICK_S:
                link.check_now = False
                await self._look(session)
                quick = link.health.doubtful or self._failures
                look_s = clock.monotonic_s() + (DOUBTFUL_POLL_S if quick else self._config.poll_interval_s)
            if not self._failures and self._mail_due():
                await self._empty_store(session)
            if self._failures >= TRIES:
                return

    async def _look(self, session: Session) -> None:
        """Ask for registration and signal; the answers reach the link as lines."""
        for query in (self._dialect.registration_query, self._dialect.signal_query):
            if await self._ask(session, query) is None:
                break
        self._link.publish()

    async def _ask(self, session: Session, command: str) -> Answer | None:
        """Return a good answer; None counts as a failure."""
        try:
            answer = await session.command(command, self._config.command_timeout_s)
        except NoAnswerError:
            self._fail(DEAF)
            return None
        if not answer.result.ok:
            self._fail(ERRORS if not answer.result.family else result_words(answer.result))
            return None
        self._failures = 0
        self._link.health.doubt = None
        self._link.transmitter.unanswered = 0
        return answer

    def _fail(self, words: Words) -> None:
        self._failures += 1
        if self._failures >= TRIES and not self._link.restarted:
            self._link.health.trouble(words, self._env.clock.monotonic_s())
        self._link.health.doubt = words if self._failures < TRIES else None
        self._link.publish()

    def _mail_due(self) -> bool:
        now_s = self._env.clock.monotonic_s()
        return (
            self._link.mail
            or now_s - self._listed_s >= LIST_INTERVAL_S
            or bool(self._link.inbox.doomed(now_s))
        )

    async def _empty_store(self, session: Session) -> None:
        """List what is stored, hand it on, delete what is confirmed.

        In this order, so that no place is deleted that has been filled anew since.
        """
        link, now_s = self._link, self._env.clock.monotonic_s()
        link.mail = False
        self._listed_s = now_s
        answer = await self._ask(session, self._dialect.list_command)
        if answer is None:
            link.mail = True
            return
        link.inbox.listed(_stored(answer), now_s)
        link.inbox.again(lambda: link.outbox.room)
        await link.save()
        usage = await self._ask(session, "AT+CPMS?")
        if usage is not None and _is_full(usage):
            freed = link.inbox.full(now_s)
            link.inbox.again(lambda: link.outbox.room)
            self._env.log.warning("sms_storage_full", link=link.name, freed=freed)
            link.outbox.put(
                Notice(event="sms_storage_full", detail=f"{freed} places freed / 存储已满，释放 {freed} 处")
            )
        for index in link.inbox.doomed(now_s):
            if await self._ask(session, f"AT+CMGD={index}") is None:
                link.mail = True
                return
            link.inbox.deleted(index)


def _with_command(command: str, answer: Answer) -> Words:
    words = result_words(answer.result)
    if not answer.result.family:
        words = ERRORS
    return Words(f"{command}: {words.en}", f"{command}：{words.zh}")


def _stored(answer: Answer) -> dict[int, str]:
    found: dict[int, str] = {}
    for line in answer.lines:
        meaning = interpret(line)
        if isinstance(meaning, StoredMessage) and meaning.index is not None and meaning.pdu is not None:
            found[meaning.index] = meaning.pdu
    return found


def _is_full(answer: Answer) -> bool:
    line = answer.find("+CPMS")
    meaning = interpret(line) if line is not None else None
    return isinstance(meaning, Storage) and meaning.used >= meaning.total > 0


DRIVER = AtModemDriver()
