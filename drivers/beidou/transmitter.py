"""Sends one message at a time and says honestly what became of it.

Clock, feedback, late feedback, receipts: reference page satellite-terminals §1.3, §1.6.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from drivers.base import (
    ByteStream,
    DriverEnv,
    Handle,
    LinkBusyError,
    LinkDownError,
    LinkRefusedError,
    LinkState,
    Notice,
    Progress,
    Stage,
    StreamLostError,
    Transmission,
)
from drivers.beidou.clock import TransmitClock
from drivers.beidou.conditions import Conditions, Inhibit, inhibit_words
from drivers.beidou.config import BeidouConfig
from drivers.beidou.outbound import Outgoing, capabilities, prepare
from drivers.beidou.outbox import Outbox
from drivers.beidou.receipts import DAY_MINUTES, SentRef, SentRefs
from protocols.beidou.reports import CardInfo, Feedback, Receipts
from protocols.errors import FieldgateError

MAX_REJECTIONS = 3
"""Rejections without a reason in a row before a message counts as impossible here."""

REJECTED_RETRY_S = 10.0
"""After such a rejection: by then the beams were told again."""

BLOCKED_RETRY_S = 5.0
"""While a beam is missing nothing says how long; the gateway hears of its return at once anyway."""

_MINUTE_S = 60


@dataclass(slots=True)
class _Pending:
    """A message whose feedback is awaited, or never came."""

    handle: Handle
    outgoing: Outgoing
    answer: asyncio.Future[Feedback | None]


class Transmitter:
    """The sending half of a link; `stream` and `card` are kept up to date by the link."""

    def __init__(
        self, name: str, config: BeidouConfig, env: DriverEnv, notes: dict[str, str], conditions: Conditions
    ) -> None:
        self.outbox = Outbox()
        self.stream: ByteStream | None = None
        self.card: CardInfo | None = None
        self.changed: Callable[[], None] = lambda: None
        self._name = name
        self._config = config
        self._env = env
        self._conditions = conditions
        self._clock = TransmitClock(notes, now_s=env.clock.monotonic_s(), unix_ms=env.clock.unix_ms())
        self._refs = SentRefs(notes)
        self._writing = asyncio.Lock()
        self._pending: _Pending | None = None
        self._unanswered: _Pending | None = None
        self._rejections = 0
        self._midnight_s: float | None = None

    @property
    def interval_s(self) -> float:
        """The card's period with our margin."""
        return capabilities(self.card, self._config).min_interval_s

    async def write(self, octets: bytes) -> None:
        """Write one whole sentence; raises StreamLostError."""
        async with self._writing:
            if self.stream is None:
                raise StreamLostError("the port is gone", "端口已消失")
            await self.stream.write(octets)
            self._env.trace.record(self._name, "tx", octets)

    async def send(self, transmission: Transmission) -> Handle:
        """Send and wait for feedback; see BeidouLink.send."""
        outgoing = prepare(self._name, transmission, self.card, self._config)
        self._check_ready()
        pending = _Pending(transmission.handle, outgoing, asyncio.get_running_loop().create_future())
        self._pending, self._unanswered = pending, None
        written = False
        feedback: Feedback | None = None
        try:
            # kept before writing: after a power cut in mid-send the period counts from here
            self._arm(self.interval_s)
            await self._save()
            async with asyncio.timeout(self._config.fki_timeout_s):
                written = True
                await self.write(outgoing.octets)
                feedback = await pending.answer
        except TimeoutError:
            feedback = None
        except StreamLostError as error:
            self._clock.release()
            raise LinkDownError(self._name, error.en) from error
        except asyncio.CancelledError:
            if written:
                self._no_feedback(pending, "cancelled while waiting for feedback / 等待反馈时被取消")
            else:
                self._clock.release()
            raise
        finally:
            self._pending = None
        return await self._judge(pending, feedback)

    async def on_feedback(self, feedback: Feedback) -> None:
        """Give feedback to the message that waits for it, or correct one whose feedback was late."""
        if feedback.inhibit:
            self._env.hooks.probe("beidou.inhibited")
            until_s = self._env.clock.monotonic_s() + self._config.inhibit_retry_s
            self._conditions.forbid(feedback.inhibit, until_s)
            self.changed()
        if feedback.cmd != "TXA":
            return
        if self._pending is not None:
            if not self._pending.answer.done():
                self._pending.answer.set_result(feedback)
        elif self._unanswered is not None:
            late, self._unanswered = self._unanswered, None
            await self._late(late, feedback)

    def on_receipts(self, receipts: Receipts) -> None:
        """Tell which of our messages arrived."""
        for sent, received in receipts.receipts:
            ref = self._refs.take(receipts.user or 0, sent) if sent else None
            if ref is None:
                self.outbox.put(Notice(event="receipt_unmatched", detail=f"{receipts.user} {sent}"))
                continue
            self.outbox.put(
                Progress(
                    handle=ref.handle,
                    stage=Stage.DELIVERED if ref.is_text else Stage.AT_NETWORK,
                    device_ref=ref.device_ref,
                    reason=f"receipt {received} / 回执 {received}",
                )
            )

    def on_card(self, card: CardInfo) -> None:
        """Take the card the terminal tells."""
        self.card = card
        self._clock.learn_card(str(card.user), self.interval_s, now_s=self._env.clock.monotonic_s())

    def on_time(self, seconds_of_day: float) -> None:
        """Take satellite time (UTC); receipts tell its minutes, and our own clock may be wrong by years."""
        self._midnight_s = self._env.clock.monotonic_s() - seconds_of_day

    def on_port_lost(self) -> None:
        """Nobody will answer now."""
        self.stream = None
        if self._pending is not None and not self._pending.answer.done():
            self._pending.answer.set_result(None)

    def _check_ready(self) -> None:
        now_s = self._env.clock.monotonic_s()
        state = self._conditions.state(now_s)
        if state.state in {LinkState.ABSENT, LinkState.STARTING, LinkState.DOWN}:
            raise LinkDownError(self._name, state.reason)
        if state.state in {LinkState.BLOCKED, LinkState.SUSPECT}:
            wait_s = BLOCKED_RETRY_S if state.until_s is None else state.until_s - now_s
            raise self._busy(wait_s, state.reason)
        if self._pending is not None:
            raise self._busy(self._config.fki_timeout_s, "waiting for the terminal's feedback / 等待终端反馈")
        if (wait_s := self._clock.remaining_s(now_s)) > 0:
            raise self._busy(wait_s, "service period / 服务频度未到")

    async def _judge(self, pending: _Pending, feedback: Feedback | None) -> Handle:
        if feedback is None:
            self._no_feedback(pending, "no feedback from the terminal / 终端无反馈")
            self._arm(self.interval_s)
            await self._save()
            return pending.handle
        if feedback.ok:
            self._on_air(pending, feedback)
            await self._save()
            return pending.handle
        if not feedback.freq_set_ok:
            self._arm((feedback.wait_s or self.interval_s) + self._config.margin_s)
        else:
            self._clock.release()
        await self._save()
        raise self._refusal(feedback)

    def _refusal(self, feedback: Feedback) -> FieldgateError:
        if feedback.inhibit == Inhibit.LOW_BATTERY:
            return LinkDownError(self._name, inhibit_words(feedback.inhibit))
        if feedback.inhibit:
            return self._busy(self._config.inhibit_retry_s, inhibit_words(feedback.inhibit))
        if not feedback.freq_set_ok:
            self._env.hooks.probe("beidou.told_to_wait")
            wait_s = self._clock.remaining_s(self._env.clock.monotonic_s())
            return self._busy(wait_s, "the terminal says: service period / 终端反馈：服务频度未到")
        self._rejections += 1
        if self._rejections >= MAX_REJECTIONS:
            self._rejections = 0
            return LinkRefusedError(
                self._name,
                f"the terminal rejected {MAX_REJECTIONS} messages in a row without a reason",
                f"终端连续 {MAX_REJECTIONS} 次拒绝，未说明原因",
            )
        return self._busy(
            REJECTED_RETRY_S, "the terminal rejected it without a reason / 终端拒绝，未说明原因"
        )

    async def _late(self, pending: _Pending, feedback: Feedback) -> None:
        """Take feedback after the time-out: better evidence than UNKNOWN; nothing was sent meanwhile."""
        self._env.hooks.probe("beidou_late_feedback")
        if feedback.ok:
            self._on_air(pending, feedback)
        else:
            reason = f"late feedback: not sent / 迟到的反馈：未发送 ({inhibit_words(feedback.inhibit or 0)})"
            self.outbox.put(Progress(handle=pending.handle, stage=Stage.FAILED, reason=reason))
            if not feedback.freq_set_ok:
                self._arm((feedback.wait_s or self.interval_s) + self._config.margin_s)
        await self._save()

    def _on_air(self, pending: _Pending, feedback: Feedback) -> None:
        self._rejections = 0
        self._arm(feedback.wait_s + self._config.margin_s if feedback.wait_s else self.interval_s)
        ref = SentRef(pending.outgoing.card, self._minute(), pending.outgoing.is_text, pending.handle)
        self._refs.add(ref)
        self._conditions.inhibit = Inhibit.NONE
        self.changed()
        self.outbox.put(Progress(handle=pending.handle, stage=Stage.ON_AIR, device_ref=ref.device_ref))

    def _no_feedback(self, pending: _Pending, reason: str) -> None:
        self._unanswered = pending
        self._env.hooks.probe("beidou.no_feedback")
        self.outbox.put(Progress(handle=pending.handle, stage=Stage.UNKNOWN, reason=reason))

    def _minute(self) -> int:
        clock = self._env.clock
        if self._midnight_s is None:
            return clock.unix_ms() // 60_000 % DAY_MINUTES
        return int((clock.monotonic_s() - self._midnight_s) // _MINUTE_S) % DAY_MINUTES

    def _arm(self, wait_s: float) -> None:
        self._clock.arm(wait_s, now_s=self._env.clock.monotonic_s())

    async def _save(self) -> None:
        clock = self._env.clock
        notes = self._clock.notes(now_s=clock.monotonic_s(), unix_ms=clock.unix_ms())
        await self._env.memory.save(notes | self._refs.notes())

    def _busy(self, retry_after_s: float, reason: str) -> LinkBusyError:
        en, _, zh = reason.partition(" / ")
        return LinkBusyError(self._name, retry_after_s=retry_after_s, reason=en, zh=zh)
