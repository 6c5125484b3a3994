"""The Beidou short-message space segment: cards, the messages between them, receipts and copies.

There is no store-and-forward: a card that hears no satellite when its message comes has lost it. Only the
latest messages of a card can be asked for again. Facts: reference page satellite-terminals §1.2-1.6.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from drivers.base import Clock
from sim.channel import Channel, through
from sim.clock import SimClock
from sim.rng import Streams

DAY_MINUTES: Final = 1_440
STORED_MESSAGES: Final = 5
"""Messages and receipts per card that can be asked for again (a BDHZR holds five)."""
RECEIPT_OCTETS: Final = 8
"""Size of a receipt on the channel."""
DUPLICATE_DELAY_S: Final = 0.7
"""How long after the first a message comes again, by another beam."""


@dataclass(frozen=True, slots=True)
class RdssMessage:
    """One short message as it travels; `content` is what stood in the sentence, `sent` is hhmm (UTC)."""

    sender: int
    dest: int
    express: bool
    mode: int
    content: bytes
    sent: str


class Card(Protocol):
    """What the space segment knows of a terminal or handset."""

    card: int
    broadcast: int
    subordinates: frozenset[int]

    @property
    def hears(self) -> bool:
        """Whether a satellite's signal reaches it now."""

    def deliver(self, message: RdssMessage, kind: int) -> None:
        """Take a message: kind 1 normal, 2 express, 3 broadcast, 4 latest stored."""

    def copy(self, message: RdssMessage) -> None:
        """Take a copy of a subordinate's message (commanders)."""

    def receipted(self, dest: int, times: tuple[tuple[str, str], ...]) -> None:
        """Take receipts of messages sent to `dest`: (sent, received) as hhmm."""


Tell = Callable[[RdssMessage, int, str], None]
"""Takes a message, the card it was for, and its fate there: "carried", "faded", "lost" or "cut"."""


class RdssSpace:
    """Carries messages between cards over one channel (its delay, loss and cut switch).

    `clock` is satellite time; a receipt tells its minute. `duplicates` is the share of messages that come
    twice; `receipts` whether senders are told of delivery unasked. With `streams` each card has draws of its
    own.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        rng: random.Random,
        clock: Clock | None = None,
        duplicates: float = 0.0,
        receipts: bool = True,
        streams: Streams | None = None,
    ) -> None:
        self.channel = channel
        self._streams = streams
        self.duplicates = duplicates
        self.receipts = receipts
        self.sent: list[RdssMessage] = []
        self.delivered: list[tuple[int, RdssMessage]] = []
        self.unheard: list[tuple[int, RdssMessage]] = []
        self.tell: Tell | None = None
        self.ways: dict[tuple[int, int], Channel] = {}
        """Extra channels: (a, 0) for all that card a sends, (0, b) for all that b hears, (a, b) for both."""
        self._rng = rng
        self.clock = clock or SimClock()
        self._cards: dict[int, Card] = {}
        self._stored: defaultdict[int, deque[RdssMessage]] = defaultdict(
            lambda: deque(maxlen=STORED_MESSAGES)
        )
        self._receipts: defaultdict[tuple[int, int], deque[tuple[str, str]]] = defaultdict(
            lambda: deque(maxlen=STORED_MESSAGES)
        )

    def add(self, card: Card) -> None:
        """Register a card; the number must be free."""
        if card.card in self._cards:
            raise ValueError(f"card {card.card} is there already")
        self._cards[card.card] = card

    def hhmm(self) -> str:
        """Satellite time of day (UTC)."""
        minutes = self.clock.unix_ms() // 60_000 % DAY_MINUTES
        return f"{minutes // 60:02d}{minutes % 60:02d}"

    def transmit(self, sender: int, dest: int, *, express: bool, mode: int, content: bytes) -> None:
        """Take a message from a card's transmitter."""
        message = RdssMessage(sender, dest, express, mode, content, self.hhmm())
        self.sent.append(message)
        lost = partial(self._told, message, dest)
        arrive = partial(self._arrive, message)
        through(self._up(sender), len(content), arrive, lost=lost, rng=self._luck(sender))

    def latest(self, card: int) -> None:
        """Send a card the latest message stored for it, again."""
        if self._stored[card]:
            message = self._stored[card][-1]
            repeat = partial(self._repeat, card, message)
            through(self._up(card), len(message.content), repeat, rng=self._luck(card))

    def ask_receipts(self, sender: int, dest: int) -> None:
        """Send a card the receipts of its latest messages to `dest`."""
        times = tuple(self._receipts[sender, dest])
        receipt = partial(self._receipt, sender, dest, times)
        through(self._up(sender), RECEIPT_OCTETS, receipt, rng=self._luck(sender))

    def _luck(self, card: int) -> random.Random:
        """Return a card's own stream; without streams everybody's."""
        return self._rng if self._streams is None else self._streams.stream(f"rdss/{card}")

    def _up(self, card: int) -> tuple[Channel, ...]:
        way = self.ways.get((card, 0))
        return (self.channel,) if way is None else (way, self.channel)

    def _down(self, sender: int, number: int, size_octets: int, deliver: Callable[[], None]) -> None:
        keys = (sender, number), (0, number)
        through([self.ways[key] for key in keys if key in self.ways], size_octets, deliver)

    def _arrive(self, message: RdssMessage) -> None:
        group = [
            card.card
            for card in self._cards.values()
            if card.broadcast == message.dest and card.card != message.sender
        ]
        if message.dest in self._cards:
            self._stored[message.dest].append(message)
            self._repeatable(message.dest, message, 2 if message.express else 1)
        elif group:
            for number in group:
                self._repeatable(number, message, 3)
        for card in list(self._cards.values()):
            parties = {message.sender, message.dest}
            if card.subordinates & parties and card.card not in parties and card.hears:
                card.copy(message)

    def _repeatable(self, number: int, message: RdssMessage, kind: int) -> None:
        self._down(message.sender, number, len(message.content), partial(self._reach, number, message, kind))

    def _reach(self, number: int, message: RdssMessage, kind: int) -> None:
        if self._hand_over(number, message, kind) and kind != 3:  # noqa: PLR2004 - no receipt of a broadcast
            self._owe_receipt(message)
        if self._luck(number).random() < self.duplicates:
            loop = asyncio.get_running_loop()
            loop.call_later(DUPLICATE_DELAY_S, self._hand_over, number, message, kind)

    def _hand_over(self, number: int, message: RdssMessage, kind: int) -> bool:
        card = self._cards[number]
        if not card.hears:
            self.unheard.append((number, message))
            self._told(message, number, "faded")
            return False
        self._told(message, number, "carried")
        self.delivered.append((number, message))
        card.deliver(message, kind)
        return True

    def _told(self, message: RdssMessage, number: int, fate: str) -> None:
        if self.tell is not None:
            self.tell(message, number, fate)

    def _owe_receipt(self, message: RdssMessage) -> None:
        times = (message.sent, self.hhmm())
        self._receipts[message.sender, message.dest].append(times)
        if self.receipts and message.sender in self._cards:
            receipt = partial(self._receipt, message.sender, message.dest, (times,))
            self.channel.carry(RECEIPT_OCTETS, receipt, rng=self._luck(message.sender))

    def _repeat(self, number: int, message: RdssMessage) -> None:
        def arrive() -> None:
            self._hand_over(number, message, 4)

        self._down(message.sender, number, len(message.content), arrive)

    def _receipt(self, sender: int, dest: int, times: tuple[tuple[str, str], ...]) -> None:
        def arrive() -> None:
            if self._cards[sender].hears:
                self._cards[sender].receipted(dest, times)

        self._down(0, sender, RECEIPT_OCTETS, arrive)


def later(delay_s: float, act: Callable[[], None]) -> asyncio.TimerHandle:
    """Act after a delay on the running loop."""
    return asyncio.get_running_loop().call_later(delay_s, act)
