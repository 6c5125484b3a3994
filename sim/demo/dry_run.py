"""Proves the counter before it is believed: a tap drops one message and doubles one, and it must say so."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from typing_extensions import override

from protocols.errors import FieldgateError
from sim.channel import Channel
from sim.demo.counter import Count, Seen, Sent, compare
from sim.demo.narrator import Narrator
from sim.devices.sat_phone import Phone
from sim.devices.sms_centre import SmsCentre

TEXTS = ("一号闸门已开", "二号闸门已开", "三号闸门已开", "四号闸门已开")
DROPPED, DOUBLED = 1, 2
"""Which of the texts the tap drops and doubles."""


class CounterError(FieldgateError):
    """The counter did not see what was done to the messages."""


class Tap(Channel):
    """Carries at once; swallows one thing and carries another twice."""

    def __init__(self, *, tampering: bool) -> None:
        super().__init__("tap", rng=random.Random(0))  # noqa: S311 - draws nothing
        self._tampering = tampering
        self._count = -1

    @override
    def carry(
        self,
        size_octets: int,
        deliver: Callable[[], None],
        *,
        back: bool = False,
        spoilt: Callable[[], None] | None = None,
        lost: Callable[[str], None] | None = None,
        rng: random.Random | None = None,
    ) -> None:
        del spoilt
        self._count += 1
        times = {DROPPED: 0, DOUBLED: 2}.get(self._count, 1) if self._tampering else 1
        for _ in range(times):
            super().carry(size_octets, deliver, back=back, lost=lost, rng=rng)


async def prove_counter(narrator: Narrator) -> None:
    """Two phones, four texts, once untouched and once through the tap; raises CounterError."""
    clean, tampered = await _exchange(tampering=False), await _exchange(tampering=True)
    right = (
        clean.holds
        and not clean.repeats
        and [one.text for one in tampered.lost] == [TEXTS[DROPPED]]
        and [one.text for one in tampered.duplicates] == [TEXTS[DOUBLED]]
    )
    if not right:
        raise CounterError(
            "the counter missed a dropped or doubled message; its figures would be worth nothing",
            "计数器未发现被丢弃或重复的报文，其结果不可信",
        )
    narrator.good(
        "先验证计数器：4 条短信中丢弃 1 条、重复 1 条，计数器报告丢失 1、重复 1；不动手脚时报告 0、0",
        "the counter first: of 4 texts a tap drops one and doubles one; it reports lost 1, duplicates 1 "
        "(0 and 0 without the tap)",
    )


async def _exchange(*, tampering: bool) -> Count:
    centre = SmsCentre()
    sender = Phone("1001", centre, channel=Tap(tampering=tampering))
    reader = Phone("1002", centre)
    for text in TEXTS:
        sender.type_text(text, "1002")
    for _ in range(SETTLE_TURNS):
        await asyncio.sleep(0.001)
    sent = [Sent(sender="1001", to="1002", text=one.text) for one in sender.typed]
    seen = [Seen(where="1002", sender=one.sender, text=one.text) for one in reader.screen]
    return compare(sent, seen)


SETTLE_TURNS = 50
"""Turns of the loop in which everything without delay has arrived."""
