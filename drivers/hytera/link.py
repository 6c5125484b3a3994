"""The link: what the gateway calls, and the life of the radio behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import TypeVar

from drivers.base import (
    Bearer,
    Capabilities,
    ChannelBusy,
    DriverEnv,
    Handle,
    LinkBusyError,
    LinkDownError,
    LinkEvent,
    LinkState,
    Notice,
    PortUnavailableError,
    Precedence,
    Progress,
    Service,
    Stage,
    StateChanged,
    StreamLostError,
    Transmission,
)
from drivers.hytera.address import Numbering
from drivers.hytera.compose import Composer
from drivers.hytera.config import (
    DATA_WINDOW,
    MAX_ATTEMPTS,
    MAX_INBOUND,
    MAX_JOBS,
    NUMBER_BLOCK,
    REPLY_TIMEOUT_S,
    RETRY_FIRST_S,
    RETRY_MAX_S,
    HyteraConfig,
)
from drivers.hytera.counters import Counter, RequestIds
from drivers.hytera.events import EventQueue
from drivers.hytera.inbound import Inbound
from drivers.hytera.outbox import Attempt, Outbox
from drivers.hytera.session import RadioLostError, Session
from drivers.hytera.words import QUIET, QUIET_ZH, VOICE, VOICE_ZH
from drivers.io.backoff import Backoff
from drivers.waiting import Bell
from protocols.errors import FieldgateError
from protocols.hytera import pdu, rcp
from protocols.hytera.hdap import Garbage

SETTINGS: tuple[tuple[pdu.Pdu, type[pdu.Pdu]], ...] = (
    (
        rcp.BroadcastStatusConfigurationRequest(((rcp.TRANSMIT, 1), (rcp.RECEIVE, 1), (rcp.REPEATER, 1))),
        rcp.BroadcastStatusConfigurationReply,
    ),
    (
        rcp.BroadcastMessageConfigurationRequest(rcp.TEXTS | rcp.SHORT_DATA | rcp.CSBK),
        rcp.BroadcastMessageConfigurationReply,
    ),
)
"""Lost when the radio restarts, therefore sent at every connection."""
ID_QUERY = pdu.encode(rcp.RadioIDAndRadioIPQueryRequest(rcp.RADIO_ID))
SHORTEST_WAIT_S = 0.05
"""Neither the housekeeping nor a busy sender spins, however near the next deadline is."""
VOICE_RETRY_S = 2.0
"""Nobody knows when a call ends; ChannelBusy(False) tells, this is for those who do not listen."""
RESULT_RETRY_S = 1.0
QUIET_RETRY_S = 5.0
"""Only an operator ends it."""
COMPLAIN_S = 10.0
"""One notice per fault in this time, whatever a noisy line does."""

ReplyT = TypeVar("ReplyT")


class HyteraLink:
    """One mobile on one port; see drivers.base.Link."""

    def __init__(self, name: str, config: HyteraConfig, env: DriverEnv) -> None:
        self.name = name
        self._config = config
        self._env = env
        self._events = EventQueue()
        self._outbox = Outbox()
        numbering = Numbering(name, config.numbering, config.subnet)
        self._inbound = Inbound(
            config, env, numbering, self._outbox, self._events.put, self._complain, self._job
        )
        self._composer = Composer(name, config, numbering)
        self._ids = RequestIds(env.random)
        self._numbers = Counter(env.memory, "packet_number", bits=16, block=NUMBER_BLOCK)
        self._frames: asyncio.Queue[bytes] = asyncio.Queue(MAX_INBOUND)
        self._jobs: asyncio.Queue[bytes] = asyncio.Queue(MAX_JOBS)
        self._due = Bell()
        self._session: Session | None = None
        self._state = LinkState.STARTING
        self._reason = "starting"
        self._voice_told = False
        self._complained_s: dict[str, float] = {}
        self.garbage_octets = 0
        self.frames_dropped = 0
        self._capabilities = Capabilities(
            bearer=Bearer.PDT,
            services=frozenset({Service.DATA, Service.TEXT, Service.STATUS}),
            mtu_octets=self._config.data_mtu_octets,
            text_max_octets=2 * self._config.text_limit_chars,
            nominal_bps=747,
            half_duplex=True,
            broadcast=self._config.data_group is not None,
            latency_s=4.5,
        )

    @property
    def capabilities(self) -> Capabilities:
        """What this net carries; 747 bit/s is confirmed rate-1/2 data at 140 octets."""
        return self._capabilities

    def events(self) -> AsyncGenerator[LinkEvent]:
        """See drivers.base.Link."""
        return self._events.read()

    async def send(self, transmission: Transmission) -> Handle:
        """See drivers.base.Link. Precedence SOS passes voice and pacing."""
        air = self._composer.check(transmission)
        session = self._session
        if session is None or self._state is not LinkState.UP:
            raise LinkDownError(self.name, self._reason)
        self._gate(transmission, air.id, group=air.group)
        request_id = 0 if transmission.service is Service.STATUS else self._ids.take()
        octets, attempt = self._composer.compose(transmission, air, request_id)
        self._outbox.add(attempt)
        try:
            await session.data(
                octets, written=lambda: self._outbox.written(attempt, self._env.clock.monotonic_s())
            )
        except (RadioLostError, StreamLostError) as error:
            self._abandon(attempt, error.en)
            raise LinkDownError(self.name, error.en) from error
        except asyncio.CancelledError:
            self._abandon(attempt, "cancelled while it was handed over")
            raise
        if self._outbox.has(attempt):
            timeout_s = (
                self._config.check_timeout_s
                if transmission.service is Service.STATUS
                else self._config.result_timeout_s
            )
            self._outbox.sent(attempt, self._env.clock.monotonic_s(), timeout_s)
            self._emit(Progress(handle=attempt.handle, stage=Stage.AT_MODEM, device_ref=attempt.ref))
            self._due.ring()
        return transmission.handle

    async def confirm(self, receipt: int) -> None:
        """See drivers.base.Link: acknowledges a text or short data to the far radio."""
        self._inbound.repeat_owed(receipt)

    async def probe(self) -> None:
        """Ask the radio for its id; costs no airtime."""
        self._job(ID_QUERY)

    async def run(self) -> None:
        """Open, serve, lose and open again, until cancelled."""
        notes = await self._env.memory.load()
        self._numbers.start(notes, 1)
        self._inbound.start(notes)
        backoff = Backoff(self._env.random, first_s=RETRY_FIRST_S, max_s=RETRY_MAX_S)
        while True:
            if await self._once():
                backoff.reset()
            await self._env.clock.sleep(backoff.next_s())

    def close(self) -> None:
        """Let the reader of events end."""
        self._events.close()

    async def _once(self) -> bool:
        """Use the port until it is lost; return whether the radio was ever ready."""
        try:
            stream = await self._env.connector.open_serial(
                self._config.device, baud_bps=self._config.baud_bps
            )
        except PortUnavailableError as error:
            self._change(LinkState.ABSENT, error.reason)
            return False
        session = Session(
            self.name, stream, self._config, self._env, self._numbers, self._frame, self._garbage
        )
        self._change(LinkState.STARTING, "port open, greeting the radio")
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(session.read(), name=f"{self.name}.reader")
                tasks.create_task(self._handle(), name=f"{self.name}.handler")
                tasks.create_task(self._serve(session), name=f"{self.name}.server")
        except* StreamLostError as lost:
            self._lost(LinkState.ABSENT, _reason(lost))
        except* RadioLostError as lost:
            self._lost(LinkState.DOWN, _reason(lost))
        finally:
            self._session = None
            try:
                await session.close()
            finally:
                await stream.aclose()
        return session.ready

    async def _serve(self, session: Session) -> None:
        """Greet and set up the radio, then keep it company."""
        await session.connect()
        await self._set_up(session)
        session.ready = True
        self._session = session
        self._change(LinkState.UP, f"radio {self._composer.own_id} answers")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._work(session), name=f"{self.name}.jobs")
            tasks.create_task(self._keep(session), name=f"{self.name}.keeper")

    async def _set_up(self, session: Session) -> None:
        reply = await self._ask(session, rcp.RadioIDAndRadioIPQueryRequest(rcp.RADIO_ID))
        self._composer.own_id = reply.radio_id if reply is not None else self._config.own_id or 0
        if not self._composer.own_id:
            raise RadioLostError(
                "radio does not tell its id; set own_id", "电台未报告自身号码，请配置 own_id"
            )
        reply = await self._ask(session, rcp.RadioIDAndRadioIPQueryRequest(rcp.RADIO_IP))
        if reply is not None and reply.radio_ip.subnet != self._config.subnet:
            told = reply.radio_ip.subnet
            self._emit(Notice(event="subnet_differed", detail=f"config {self._config.subnet}, radio {told}"))
        for setting, answer in SETTINGS:
            expected = self._inbound.expect(answer)
            await session.data(pdu.encode(setting))
            if await _reply(expected) is None:
                self._emit(Notice(event="setting_not_answered", detail=type(setting).__name__))

    async def _ask(
        self, session: Session, query: rcp.RadioIDAndRadioIPQueryRequest
    ) -> rcp.RadioIDAndRadioIPQueryReply | None:
        expected = self._inbound.expect(rcp.RadioIDAndRadioIPQueryReply)
        await session.data(pdu.encode(query))
        reply = await _reply(expected)
        return reply if reply is not None and reply.result == 0 else None

    async def _handle(self) -> None:
        while True:
            octets = await self._frames.get()
            until_s = self._inbound.voice.until_s()
            await self._inbound.frame(octets)
            self._tell_voice()
            if self._inbound.voice.until_s() != until_s:
                self._due.ring()

    async def _work(self, session: Session) -> None:
        while True:
            await session.data(await self._jobs.get())

    async def _keep(self, session: Session) -> None:
        """End overdue attempts and calls, and ask a silent radio whether it is there."""
        while True:
            self._tell_voice()
            now_s = self._env.clock.monotonic_s()
            for attempt in self._outbox.overdue(now_s):
                self._unknown(attempt, "no result came 未收到结果")
            if now_s - session.heard_s >= self._config.keepalive_s - SHORTEST_WAIT_S:
                await session.data(ID_QUERY)
            next_s = min(
                session.heard_s + self._config.keepalive_s,
                self._outbox.next_deadline_s(),
                self._inbound.voice.until_s() or float("inf"),
            )
            wait_s = next_s - self._env.clock.monotonic_s()
            await self._due.wait(max(SHORTEST_WAIT_S, wait_s), lambda: self._longer_s(session))

    def _longer_s(self, session: Session) -> float:
        """How much longer the keeper may sleep, as the radio was heard meanwhile."""
        now_s = self._env.clock.monotonic_s()
        next_s = min(session.heard_s + self._config.keepalive_s, self._outbox.next_deadline_s())
        left_s = min(next_s, self._inbound.voice.until_s() or float("inf")) - now_s
        return left_s if left_s > SHORTEST_WAIT_S else 0.0

    def _gate(self, transmission: Transmission, destination: int, *, group: bool) -> None:
        if not self._env.may_transmit():
            raise LinkBusyError(self.name, retry_after_s=QUIET_RETRY_S, reason=QUIET, zh=QUIET_ZH)
        enquiry = transmission.service is Service.STATUS
        if transmission.precedence >= Precedence.SOS and not enquiry:
            return
        now_s = self._env.clock.monotonic_s()
        if self._inbound.voice.busy(now_s):
            self._env.hooks.probe("hytera.waits_for_voice")
            raise LinkBusyError(self.name, retry_after_s=VOICE_RETRY_S, reason=VOICE, zh=VOICE_ZH)
        if self._outbox.on_air_until_s > now_s:
            wait_s = max(SHORTEST_WAIT_S, self._outbox.on_air_until_s - now_s)
            raise LinkBusyError(self.name, retry_after_s=wait_s, reason="transmitting", zh="正在发射")
        window = DATA_WINDOW if transmission.service is Service.DATA else 1
        due = self._outbox.due_from(destination, group=group)
        if due >= window or len(self._outbox) >= MAX_ATTEMPTS:
            raise LinkBusyError(
                self.name, retry_after_s=RESULT_RETRY_S, reason="last result is due", zh="等待上一条结果"
            )

    def _abandon(self, attempt: Attempt, reason: str) -> None:
        """Report an attempt that was interrupted; silence would be right only if nothing was written."""
        if self._outbox.finish(attempt.ref) is not None and attempt.written:
            self._unknown(attempt, reason)

    def _unknown(self, attempt: Attempt, reason: str) -> None:
        self._emit(
            Progress(handle=attempt.handle, stage=Stage.UNKNOWN, device_ref=attempt.ref, reason=reason)
        )

    def _lost(self, state: LinkState, reason: str) -> None:
        for attempt in self._outbox.drain():
            if attempt.written:
                self._unknown(attempt, reason)
        self._inbound.voice.clear()
        self._tell_voice()
        for queue in (self._frames, self._jobs):
            while not queue.empty():
                queue.get_nowait()
        self._change(state, reason)

    def _tell_voice(self) -> None:
        busy = self._inbound.voice.busy(self._env.clock.monotonic_s())
        if busy != self._voice_told:
            self._voice_told = busy
            self._emit(ChannelBusy(busy=busy, voice=True))
            self._due.ring()

    def _change(self, state: LinkState, reason: str) -> None:
        if (state, reason) != (self._state, self._reason):
            self._env.log.info("link_state_changed", link=self.name, new=state.value, reason=reason)
            self._state, self._reason = state, reason
            self._emit(StateChanged(state=state, reason=reason))

    def _emit(self, event: LinkEvent) -> None:
        self._events.put(event)

    def _frame(self, octets: bytes) -> None:
        if self._frames.full():
            self.frames_dropped += 1
            self._complain("frames_dropped", f"{self.frames_dropped} in all")
        else:
            self._frames.put_nowait(octets)

    def _garbage(self, garbage: Garbage) -> None:
        self.garbage_octets += garbage.size_octets
        self._complain("garbage_received", f"{self.garbage_octets} octets in all, {garbage.reason}")

    def _complain(self, event: str, detail: str) -> None:
        """Tell of a fault that may go on for ever, now and then."""
        now_s = self._env.clock.monotonic_s()
        if now_s >= self._complained_s.get(event, float("-inf")) + COMPLAIN_S:
            self._complained_s[event] = now_s
            self._emit(Notice(event=event, detail=detail))

    def _job(self, octets: bytes) -> None:
        if self._session is not None and not self._jobs.full():
            self._jobs.put_nowait(octets)


def _reason(group: BaseExceptionGroup[FieldgateError]) -> str:
    """Say why a group of tasks ended, by the first cause in it."""
    first = group.exceptions[0]
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return f"{first.en} {first.zh}"


async def _reply(expected: asyncio.Future[ReplyT]) -> ReplyT | None:
    """Wait for an answer; None when it does not come."""
    with suppress(TimeoutError):
        async with asyncio.timeout(REPLY_TIMEOUT_S):
            return await expected
    return None
