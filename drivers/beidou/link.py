"""One Beidou terminal and its card as a link: what comes in, what state follows, what the gateway is told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator

from drivers.base import (
    ByteStream,
    Capabilities,
    DriverEnv,
    Handle,
    LinkEvent,
    Quality,
    StateChanged,
    StreamLostError,
    Transmission,
)
from drivers.beidou import inbound
from drivers.beidou.conditions import Conditions
from drivers.beidou.config import BeidouConfig
from drivers.beidou.inbound import Inbound
from drivers.beidou.outbound import capabilities
from drivers.beidou.outbox import Outbox
from drivers.beidou.transmitter import Transmitter
from protocols.beidou.commands import CardQuery, Report
from protocols.beidou.copies import parse_copy
from protocols.beidou.framing import BinaryCopy, Decoder, Event, Sentence
from protocols.beidou.reports import Beams, CardInfo, Feedback, Message, Place, Receipts
from protocols.beidou.sentences import Malformed, compose, parse
from protocols.beidou.values import MAX_CARD

FULL_POWER = 4
"""Strongest beam power a terminal tells."""

BEAM_REPORTS = 2
"""Reports waited for before a link without one counts as up: not every terminal knows CCRMO."""


class BeidouLink:
    """What the gateway sees of one terminal and its card."""

    def __init__(self, name: str, config: BeidouConfig, env: DriverEnv, notes: dict[str, str]) -> None:
        self._name = name
        self._config = config
        self._env = env
        self._conditions = Conditions()
        self._told: StateChanged | None = None
        self._power: tuple[int, ...] = ()
        self._decoder = Decoder()
        self._inbound = Inbound(config.data_cards)
        self._transmitter = Transmitter(name, config, env, notes, self._conditions)
        self._transmitter.changed = self.publish
        self.outbox: Outbox = self._transmitter.outbox
        self.dropped: Counter[str] = Counter()
        self.card_told = asyncio.Event()
        self.heard_s = env.clock.monotonic_s()
        self._promised: Capabilities | None = None
        self._promised_with: CardInfo | None = None

    @property
    def name(self) -> str:
        """The link's name in the configuration."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """What the card last seen may send; those of a level-3 card with 60 s until one was seen."""
        card = self._transmitter.card
        if self._promised is None or card is not self._promised_with:
            self._promised, self._promised_with = capabilities(card, self._config), card
        return self._promised

    async def send(self, transmission: Transmission) -> Handle:
        """Send one message and wait for the terminal's feedback, `fki_timeout_s` at most.

        Y: ON_AIR, and the service period starts. No answer: UNKNOWN, and one full period is waited for.
        Raises LinkRefusedError before anything is written if the card cannot carry it, LinkBusyError with the
        wait while the period runs or something forbids transmitting, LinkDownError without terminal or card.
        """
        return await self._transmitter.send(transmission)

    def events(self) -> AsyncGenerator[LinkEvent]:
        """Yield events in order; one reader."""
        return self.outbox.stream()

    async def confirm(self, receipt: int) -> None:
        """Do nothing: a terminal hands a message over once and keeps no copy that could be released."""

    async def probe(self) -> None:
        """Ask the terminal for its card; costs no air. An answer keeps the link up, silence is noticed."""
        try:
            async with asyncio.timeout(self._config.fki_timeout_s):
                await self.ask_card()
        except (StreamLostError, TimeoutError):
            return  # whoever reads the port tells

    async def ask_card(self) -> None:
        """Send CCICA; `card_told` is set by the answer. Raises StreamLostError."""
        self.card_told.clear()
        await self._transmitter.write(compose(CardQuery(type=0, frame=0)))

    async def start_reports(self) -> None:
        """Send CCRMO for periodic beam reports; a restarted terminal has forgotten it."""
        period_s = self._config.bsi_period_s
        whole = int(period_s) if period_s == int(period_s) else period_s
        await self._transmitter.write(compose(Report("BSI", 2, whole)))

    def port_opened(self, stream: ByteStream, *, again: bool) -> None:
        """Take a fresh port; `again`: the same one at another rate, so nothing is news."""
        self._transmitter.stream = stream
        self._decoder = Decoder()
        self._power = ()
        self.heard_s = self._env.clock.monotonic_s()
        if not again:
            self._conditions.opened()
        self.publish()

    def port_closed(self) -> None:
        """Let go of the port; an answer owed will not come."""
        self._transmitter.on_port_lost()

    def port_lost(self, reason: str) -> None:
        """Tell that there is no port."""
        self.port_closed()
        self._conditions.lost(reason)
        self.publish()

    def terminal_silent(self) -> None:
        """Note that an answer is overdue."""
        self._conditions.silent = "terminal silent, asking / 终端无声，正在询问"
        self.publish()

    def terminal_dead(self) -> None:
        """Note that no try was answered."""
        self._conditions.dead = True
        self.publish()

    def terminal_deaf(self) -> None:
        """Note that the terminal reports, but answered no try."""
        self._conditions.deaf = True
        self.publish()

    async def feed(self, data: bytes) -> None:
        """Take octets from the port."""
        self._env.trace.record(self._name, "rx", data)
        for event in self._decoder.feed(data):
            await self._take(event)

    def publish(self, news: str = "") -> None:
        """Tell the state if it changed, or if `news` is to be told."""
        state = self._conditions.state(self._env.clock.monotonic_s())
        if state != self._told or news:
            self._told = state
            told = StateChanged(state=state.state, reason=news or state.reason, until_s=state.until_s)
            self.outbox.put(told)
            self._env.log.info("link_state_changed", link=self._name, new=str(told.state), reason=told.reason)

    async def _take(self, event: Event) -> None:
        if isinstance(event, BinaryCopy):
            self._heard()
            self.outbox.put(inbound.copy(parse_copy(event)))
        elif isinstance(event, Sentence):
            self._heard()
            await self._take_sentence(event)
        else:
            self._drop(type(event).__name__)

    async def _take_sentence(self, sentence: Sentence) -> None:
        match parse(sentence):
            case Feedback() as feedback:
                await self._transmitter.on_feedback(feedback)
            case Message() as message:
                self._on_message(message)
            case CardInfo() as card:
                self._on_card(card)
            case Beams() as beams:
                self._on_beams(beams)
            case Receipts() as receipts:
                self._transmitter.on_receipts(receipts)
            case Place() as report:
                if (where := inbound.place(report)) is not None:
                    self.outbox.put(where)
            case Sentence(id="RMC", fields=[time, b"A", *_]) if time[:6].isdigit() and len(time) >= len(
                "hhmmss"
            ):
                self._transmitter.on_time(int(time[:2]) * 3600 + int(time[2:4]) * 60 + int(time[4:6]))
            case Malformed():
                self._drop(f"malformed {sentence.id}")
            case _:
                pass  # GNSS and vendor sentences are no business of this link

    def _on_message(self, message: Message) -> None:
        clock = self._env.clock
        self.outbox.put(
            self._inbound.message(
                message, group=self._group(), now_s=clock.monotonic_s(), unix_ms=clock.unix_ms()
            )
        )

    def _on_card(self, card: CardInfo) -> None:
        if self._conditions.card is None:
            due_s = self._env.clock.monotonic_s() + BEAM_REPORTS * self._config.bsi_period_s
            self._conditions.beams_due_s = due_s
        before, self._conditions.card = self._transmitter.card, card
        self.card_told.set()
        self._conditions.deaf = False
        news = ""
        if card.card_present:
            self._transmitter.on_card(card)
            if before is not None and before != card:
                news = (
                    f"card {card.user}: level {card.service_level}, period {card.period_s} s"
                    f" / 卡 {card.user}：{card.service_level} 级，频度 {card.period_s} 秒"
                )
        self.publish(news)

    def _on_beams(self, beams: Beams) -> None:
        best = max(beams.power, default=0)
        self._conditions.beams = best >= self._config.beam_min
        if beams.power != self._power:
            self._power = beams.power
            shown = " ".join(map(str, beams.power))
            self.outbox.put(Quality(quality_pct=min(best, FULL_POWER) * 25, detail=f"beams {shown}"))
        self.publish()

    def _group(self) -> str:
        card = self._transmitter.card
        broadcast = card.broadcast if card is not None else None
        return "" if broadcast in {None, 0, MAX_CARD} else str(broadcast)

    def _heard(self) -> None:
        self.heard_s = self._env.clock.monotonic_s()
        if self._conditions.silent is not None or self._conditions.dead:
            self._conditions.silent, self._conditions.dead = None, False
            self.publish()

    def _drop(self, what: str) -> None:
        self.dropped[what] += 1
        self._env.log.debug("input_dropped", link=self._name, what=what, count=self.dropped[what])
