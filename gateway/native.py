"""Native text: what a person on a device that knows nothing of us can say, and what we say to it. Pure.

Native text is unauthenticated: it may carry a message, answer a roll call, acknowledge the last message that
asked for it, and raise an alarm; never an order, key, roster or configuration change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

AUTOMATIC = "【自动】"
"""Automatic replies begin so; a text that begins so is never answered."""

REPEATED = "（重发）"
"""A text whose first outcome could not be learnt begins so."""

PLEASE_ACKNOWLEDGE = "（请回复 收到）"
"""Asks the reader for an acknowledgement by a person."""

SOS_RAISED = "【求救】"
"""Begins the message by which a gateway tells headquarters of an emergency."""

BUTTON = "紧急按键"
"""What an emergency says that was raised by a button, not by words."""

SOS_PLACED = "【求救位置】"
"""Begins the message that tells headquarters where an emergency is: a place, not another cry."""

SOS_CLEARED = "【求救解除】"
"""Begins the message that an emergency was cancelled on the device that raised it."""

ROLL_CALL_TEXT = "【点名】请回复 到"
"""Asks one station to answer a roll call."""

HELP_TEXT = (
    AUTOMATIC + "直接输入=发指挥部；@呼号 内容=发该台；收到=确认；到/到 12人=应答点名；求救=报警；帮助=本说明"
)
"""Everything that can be typed, in one text of fewer than 67 characters."""

MAX_PARTS = 4
"""Parts of one text at most: more than that on a handheld's screen nobody reads, and each costs airtime."""

MAX_DIGITS = 4
"""Head-counts above 9999 are typing errors."""

_HELP = frozenset({"帮助", "help", "?", "？", "bz"})
_ACKNOWLEDGE = frozenset({"收到", "已收到", "明白", "roger", "ack", "ok", "收到。", "sd"})
_SOS = re.compile(r"(求救|救命|sos|mayday)", re.IGNORECASE)
_PRESENT = re.compile(
    rf"^(?:到|在|在岗|到位|点名到|here|present|dao)[\s,，。.!！、:：]*(?:(\d{{1,{MAX_DIGITS}}})\s*(?:人|名|个|p)?)?[。.!！]?$",
    re.IGNORECASE,
)
_HEAD_COUNT = re.compile(rf"(\d{{1,{MAX_DIGITS}}})\s*(?:人|名)")
_ADDRESSED = re.compile(r"^[@＠]\s*([\w.#+-]{1,20})[\s:：,，]+(.+)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Help:
    """Wants to know what can be typed."""


@dataclass(frozen=True, slots=True)
class Automatic:
    """Made by a machine: never answered, never a command; shown as a message."""


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """A person says the last message that asked for it has been understood."""


@dataclass(frozen=True, slots=True)
class Present:
    """Looks like an answer to a roll call; `head_count` None when not said."""

    head_count: int | None


@dataclass(frozen=True, slots=True)
class Distress:
    """Holds SOS words."""


@dataclass(frozen=True, slots=True)
class To:
    """A message to a named station."""

    word: str
    text: str


@dataclass(frozen=True, slots=True)
class Plain:
    """A message to headquarters."""


Intent = Help | Automatic | Acknowledge | Present | Distress | To | Plain


def read(text: str) -> Intent:
    """Tell what a native text wants; anything not recognised is Plain and goes to headquarters as typed."""
    typed = text.strip()
    if typed.startswith(AUTOMATIC):
        return Automatic()
    if typed.casefold() in _HELP:
        return Help()
    if typed.casefold() in _ACKNOWLEDGE:
        return Acknowledge()
    if present := _PRESENT.match(typed):
        return Present(int(present[1]) if present[1] else None)
    if _SOS.search(typed):
        return Distress()
    if addressed := _ADDRESSED.match(typed):
        return To(addressed[1], addressed[2].strip())
    return Plain()


def head_count(text: str) -> int | None:
    """Find a head-count anywhere in an answer in the person's own words."""
    found = _HEAD_COUNT.search(text)
    return int(found[1]) if found else None


def compose(
    text: str, *, sender: str, ack_wanted: bool, repeated: bool, part: int = 1, parts: int = 1
) -> str:
    """Write a message as a native device shows it: who it is from first, but 【自动】 always in front.

    Of `parts` equal parts only `part` is written, with its number behind the sender; the last one asks.
    """
    if text.startswith(AUTOMATIC):
        return text
    number = f"({part}/{parts})" if parts > 1 else ""
    ask = PLEASE_ACKNOWLEDGE if ack_wanted and part == parts else ""
    said = text[len(text) * (part - 1) // parts : len(text) * part // parts]
    return f"{REPEATED if repeated else ''}{sender}{number}：{said}{ask}"
