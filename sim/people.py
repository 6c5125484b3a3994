"""People with a device in their hands: they read a text and answer it late, never, in Chinese, or at once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from typing_extensions import override

from gateway.native import PLEASE_ACKNOWLEDGE

ROLL_CALL_WORDS = ("点名", "roll call")
"""Words by which a person knows that a roll call is being held."""
AUTOMATIC = "【自动】"
"""How an automatic reply begins; nobody answers those."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """How somebody answers: seconds from seeing the text, and the share of texts answered at all (0..1)."""

    roll_call: str = "到"
    other: str = "收到"
    delay_s: tuple[float, float] = (3.0, 12.0)
    share: float = 1.0


PROMPT = Habit()
HEAD_COUNT = Habit(roll_call="到 12人")
LATE = Habit(delay_s=(90.0, 150.0))
NEVER = Habit(share=0.0)
ROLL_CALL_ONLY = Habit(other="")


class Person:
    """Reacts to texts by habit; what a person types is what the device's own log of typing shows."""

    def __init__(self, habit: Habit, *, rng: random.Random) -> None:
        self.habit = habit
        self._rng = rng

    def read(self, text: str, answer: Callable[[str], None]) -> None:
        """See a text; call `answer` with what is typed back, later or never."""
        reply = self._reply(text)
        delay_s = self._rng.uniform(*self.habit.delay_s)
        if reply and self._rng.random() < self.habit.share:
            asyncio.get_running_loop().call_later(delay_s, answer, reply)

    def _reply(self, text: str) -> str:
        if text.startswith(AUTOMATIC):
            return ""
        return self.habit.roll_call if any(word in text for word in ROLL_CALL_WORDS) else self.habit.other


class Reader(Person):
    """Answers roll calls, and 收到 where it is asked for; reads everything else in silence."""

    @override
    def read(self, text: str, answer: Callable[[str], None]) -> None:
        if any(word in text for word in ROLL_CALL_WORDS) or text.endswith(PLEASE_ACKNOWLEDGE):
            super().read(text, answer)
