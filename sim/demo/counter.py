"""Counts what was lost, doubled or repeated: what people typed against what people saw. Pure.

No gateway is asked about its own messages: one side is what was typed on a device or handed to an API, the
other what a screen or the other gateway's API showed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.native import (
    AUTOMATIC,
    PLEASE_ACKNOWLEDGE,
    REPEATED,
    ROLL_CALL_TEXT,
    SOS_CLEARED,
    SOS_PLACED,
    SOS_RAISED,
)

MAX_REPEATS = 2
"""A text on a device that knows nothing of us is repeated at most this often."""

ANSWERS = "点名"
"""Where an answer to a roll call is shown: the board at headquarters."""

ACKNOWLEDGEMENTS = "回执"
"""Where an acknowledgement by a person is shown: beside the message, at its origin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Something a person typed or a client handed over: from, to and text; seconds on the loop's clock."""

    sender: str
    to: str
    text: str
    at_s: float = 0.0
    ref: str = ""
    """The message's number, where its sender was told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Something a screen or an API showed: where, from whom, what; `repeat` when it was marked so."""

    where: str
    sender: str
    text: str
    at_s: float = 0.0
    repeat: bool = False
    ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """The result; every tuple names what it counts."""

    sent: int
    lost: tuple[Sent, ...]
    duplicates: tuple[Seen, ...]
    repeats: tuple[Seen, ...]
    too_often: tuple[Seen, ...]
    """Repeats beyond the rule."""
    unexplained: tuple[Seen, ...]
    """Shown, though nobody sent it."""

    @property
    def holds(self) -> bool:
        """Whether the promises hold."""
        return not (self.lost or self.duplicates or self.too_often or self.unexplained)


def normal(text: str) -> str:
    """Bring a notice of an emergency to the fact it tells; name and place in it vary."""
    if text.startswith(SOS_CLEARED):
        return SOS_CLEARED
    for told in (SOS_RAISED, SOS_PLACED):
        if text.startswith(told):
            return told
    return text


def compare(sent: Iterable[Sent], seen: Iterable[Seen]) -> Count:
    """Match by sender, recipient and exact text; the same text sent twice is expected twice."""
    sent, seen = list(sent), list(seen)
    expected = Counter((one.sender, one.to, one.text) for one in sent)
    left = Counter(expected)
    repeated: Counter[tuple[str, str, str]] = Counter()
    duplicates: list[Seen] = []
    repeats: list[Seen] = []
    too_often: list[Seen] = []
    unexplained: list[Seen] = []
    arrived: Counter[tuple[str, str, str]] = Counter()
    for one in seen:
        key = (one.sender, one.where, one.text)
        if key not in expected:
            unexplained.append(one)
            continue
        arrived[key] += 1
        if one.repeat:
            repeated[key] += 1
            repeats.append(one)
            if repeated[key] > MAX_REPEATS * expected[key]:
                too_often.append(one)
        elif left[key] > 0:
            left[key] -= 1
        else:
            duplicates.append(one)
    lost: list[Sent] = []
    for was in reversed(sent):
        key = (was.sender, was.to, was.text)
        if arrived[key] < expected[key]:
            arrived[key] += 1
            lost.append(was)
    return Count(
        sent=len(sent),
        lost=tuple(reversed(lost)),
        duplicates=tuple(duplicates),
        repeats=tuple(repeats),
        too_often=tuple(too_often),
        unexplained=tuple(unexplained),
    )


def typed(station: str, text: str, *, default_to: str, at_s: float) -> Sent:
    """What a person meant who typed this on a device: an answer, an acknowledgement, or a message."""
    words = text.strip()
    if words.startswith("到"):
        return Sent(sender=station, to=ANSWERS, text=words, at_s=at_s)
    if words == "收到":
        return Sent(sender=station, to=ACKNOWLEDGEMENTS, text=words, at_s=at_s)
    if words.startswith("@"):
        to, _, rest = words[1:].partition(" ")
        return Sent(sender=station, to=to, text=rest.strip(), at_s=at_s)
    return Sent(sender=station, to=default_to, text=words, at_s=at_s)


def on_screen(station: str, text: str, at_s: float) -> Seen | None:
    """What a native screen shows, taken apart; None for questions and automatic replies of a gateway."""
    words = text.removesuffix(PLEASE_ACKNOWLEDGE)
    if words.startswith(AUTOMATIC) or words == ROLL_CALL_TEXT:
        return None
    repeat = words.startswith(REPEATED)
    sender, _, said = words.removeprefix(REPEATED).partition("：")
    return Seen(where=station, sender=sender, text=said, at_s=at_s, repeat=repeat)
