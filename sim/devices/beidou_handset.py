"""A Beidou short-message handset: card, screen, keypad, and the person who holds it."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

from sim.devices.beidou import CANYON_LOSS, CAPACITY_BITS, Sky
from sim.devices.rdss import RdssMessage, RdssSpace, later
from sim.diary import Diary, NoDiary
from sim.people import Person

MAX_SHOWN = 1000
"""Texts a screen remembers: more than any scenario shows."""
MIXED = 2
A4_BITS = 8


@dataclass(frozen=True, slots=True)
class ShownText:
    """A text that appeared on a screen: seconds on the loop's clock, the sender's card."""

    at_s: float
    sender: int
    text: str


@dataclass(slots=True)
class TypedText:
    """A text somebody typed. `outcome`: "waiting" for the period, "sent", then "delivered"; or "refused"."""

    at_s: float
    to: int
    text: str
    outcome: str = "waiting"
    sent_hhmm: str = ""


class BeidouHandset:
    """One handset; texts go to card `home` unless another is given. Its card's period holds for it too."""

    def __init__(  # noqa: PLR0913 - a handset has this many facts
        self,
        card: int,
        space: RdssSpace,
        *,
        rng: random.Random,
        name: str = "",
        home: int = 0,
        person: Person | None = None,
        period_s: float = 60.0,
        level: int = 3,
        broadcast: int = 0,
    ) -> None:
        self.card, self.name, self.home, self.person = card, name, home, person
        self.period_s, self.level, self.broadcast = period_s, level, broadcast
        self.diary: Diary = NoDiary()
        self.subordinates: frozenset[int] = frozenset()
        self.sky = Sky.OPEN
        self.powered = True
        self.screen: list[ShownText] = []
        self.typed: list[TypedText] = []
        self._space, self._rng = space, rng
        self._ready_s = 0.0
        space.add(self)

    @property
    def hears(self) -> bool:
        """Whether it is on and has a satellite in view."""
        lost = self.sky is Sky.CANYON and self._rng.random() < CANYON_LOSS
        return self.powered and max(self.sky.value) > 0 and not lost

    def texts(self) -> list[str]:
        """Return what the screen shows, oldest first."""
        return [shown.text for shown in self.screen]

    def type_text(self, text: str, to: int = 0) -> TypedText:
        """Type and send; the handset waits for its period. Watch `outcome` of what is returned."""
        now_s = asyncio.get_running_loop().time()
        typed = TypedText(now_s, to or self.home, text)
        self.typed.append(typed)
        self.diary.typed(len(self.typed), str(typed.to), text)
        octets = text.encode("gbk", "replace")
        if 8 * len(octets) + A4_BITS > CAPACITY_BITS[self.level, False]:
            typed.outcome = "refused"
            return typed
        at_s = max(now_s, self._ready_s)
        self._ready_s = at_s + self.period_s
        later(at_s - now_s, lambda: self._transmit(typed, octets))
        return typed

    def deliver(self, message: RdssMessage, kind: int) -> None:
        """Show a message; the person may answer."""
        del kind
        text = self._read(message)
        self.screen.append(ShownText(asyncio.get_running_loop().time(), message.sender, text))
        del self.screen[:-MAX_SHOWN]
        self.diary.shown(str(message.sender), text)
        if self.person is not None:
            self.person.read(text, lambda answer: self._answer(answer, message.sender))

    def copy(self, message: RdssMessage) -> None:
        """Ignore copies: a handset is no commander."""

    def receipted(self, dest: int, times: tuple[tuple[str, str], ...]) -> None:
        """Tick what arrived."""
        for sent, _ in times:
            for number, typed in enumerate(self.typed, start=1):
                if (typed.to, typed.sent_hhmm, typed.outcome) == (dest, sent, "sent"):
                    typed.outcome = "delivered"
                    self.diary.taken(number)

    def _answer(self, text: str, to: int) -> None:
        if self.powered:
            self.type_text(text, to)

    def _transmit(self, typed: TypedText, octets: bytes) -> None:
        if not self.hears:
            typed.outcome = "refused"
            return
        typed.outcome, typed.sent_hhmm = "sent", self._space.hhmm()
        content = b"A4" + octets.hex().upper().encode()
        self._space.transmit(self.card, typed.to, express=False, mode=MIXED, content=content)

    def _read(self, message: RdssMessage) -> str:
        if message.mode != MIXED:
            return message.content.decode("gbk", "replace")
        try:
            return bytes.fromhex(message.content.removeprefix(b"A4").decode("ascii")).decode("gbk", "replace")
        except ValueError:
            return message.content.removeprefix(b"A4").decode("gbk", "replace")
