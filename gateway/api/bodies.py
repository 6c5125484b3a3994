"""Request bodies and query parameters: typed, bounded, unknown keys refused by name."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Literal, TypeVar

import msgspec
from aiohttp import web

from gateway.api.backend import NewMessage
from gateway.domain import MAX_LIFETIME_S, MAX_TEXT_CHARS, MessageKind, Precedence
from protocols.errors import BadInputError

MAX_RECIPIENTS = 64
"""Names in one request; more stations than that are a group."""
MAX_ROLL_CALL_STATIONS = 1_000
"""Stations named in one roll call; longer than a city's roster, and bounded."""
MAX_NAME_CHARS = 64
"""Longest call sign, group, link, alarm key or title part that can be typed."""
MAX_NOTE_CHARS = 200
"""Longest operator's note on a roll-call entry, and longest title."""
MAX_DEADLINE_S = 24 * 3600
"""Longest roll call: after a day it is another roll call."""
MAX_KEY_CHARS = 64
"""Longest Idempotency-Key."""
BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Unicode's Bidi_Control: with them an order reads otherwise than it was written. Chinese needs none."""
UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Mn", "Me", "Zs", "Zl", "Zp"})
"""Spaces, zero-width characters, and marks that need a letter to stand on."""
FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols by category that draw nothing."""
PRINTABLE_KEY = re.compile(r"[!-~]{1,64}")

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME_CHARS)]
Note = Annotated[str, msgspec.Meta(max_length=MAX_NOTE_CHARS)]


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Root of all request bodies."""


class MessageBody(Body, frozen=True, kw_only=True):
    """POST /messages."""

    to: Annotated[list[Name], msgspec.Meta(min_length=1, max_length=MAX_RECIPIENTS)]
    text: str
    precedence: int | str = "ROUTINE"
    kind: Literal["text", "order"] = "text"
    lifetime_s: int | None = None
    ack_wanted: bool = False
    keep: bool = False
    exercise: bool = False

    def new_message(self) -> NewMessage:
        """Return what was asked for, every limit checked; raises BadInputError."""
        _check_text(self.text)
        if self.lifetime_s is not None and not 0 < self.lifetime_s <= MAX_LIFETIME_S:
            raise BadInputError(
                "lifetime_s",
                limit=f"1..{MAX_LIFETIME_S} seconds",
                found=self.lifetime_s,
                en="already over or too long",
                zh="有效期已过或过长",
            )
        return NewMessage(
            to=tuple(self.to),
            text=self.text,
            precedence=precedence_of(self.precedence),
            kind=MessageKind(self.kind),
            lifetime_s=self.lifetime_s,
            ack_wanted=self.ack_wanted,
            keep=self.keep,
            exercise=self.exercise,
        )


class RollCallBody(Body, frozen=True, kw_only=True):
    """POST /rollcalls. No stations: the whole roster."""

    stations: Annotated[list[Name], msgspec.Meta(max_length=MAX_ROLL_CALL_STATIONS)] = []
    title: Note = ""
    exercise: bool = False
    deadline_s: Annotated[int, msgspec.Meta(ge=1, le=MAX_DEADLINE_S)] | None = None

    def __post_init__(self) -> None:
        """Refuse a title that is more than words."""
        check_characters("title", self.title)


class EntryBody(Body, frozen=True, kw_only=True):
    """POST /rollcalls/{id}/entries/{station}: states an operator may give."""

    state: Literal["answered", "substitute", "excused", "maintenance", "wrong_station", "fault", "absent"]
    note: Note = ""

    def __post_init__(self) -> None:
        """Refuse a note that is more than words."""
        check_characters("note", self.note)


class QuietBody(Body, frozen=True, kw_only=True):
    """POST /quiet."""

    link: Name = "all"
    on: bool


class AskBody(Body, frozen=True, kw_only=True):
    """POST /links/ask."""

    station: Name


B = TypeVar("B", bound=Body)


async def read_body(request: web.Request, body_type: type[B]) -> B:
    """Decode and check a JSON body; raises BadInputError naming the key."""
    data = await request.read()
    try:
        return msgspec.json.decode(data, type=body_type)
    except msgspec.ValidationError as error:
        raise _refused(str(error), body_type) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInputError(
            "body",
            limit="one JSON object in UTF-8",
            found=str(error),
            en="malformed JSON",
            zh="JSON 格式错误",
        ) from error


def precedence_of(value: int | str) -> Precedence:
    """Read a number 0..5 or a name; raises BadInputError."""
    try:
        return Precedence(value) if isinstance(value, int) else Precedence[value.upper()]
    except (ValueError, KeyError):
        names = " ".join(f"{p.value}={p.name}" for p in Precedence)
        raise BadInputError("precedence", limit=names, found=value, zh="没有这个等级") from None


def query_int(request: web.Request, name: str, default: int, low: int, high: int) -> int:
    """Read an integer parameter; raises BadInputError with the bounds."""
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS and low <= int(text) <= high):
        raise BadInputError(name, limit=f"{low}..{high}", found=text, zh="应为范围内的整数")
    return int(text)


def query_name(request: web.Request, name: str) -> str | None:
    """Read an optional text parameter, bounded."""
    text = request.query.get(name)
    if text is not None and not 0 < len(text) <= MAX_NAME_CHARS:
        raise BadInputError(name, limit=f"1..{MAX_NAME_CHARS} characters", found=len(text), zh="长度无效")
    return text


def known_query(request: web.Request, *names: str) -> None:
    """Refuse a misspelt parameter instead of ignoring it."""
    for name in request.query:
        if name not in names:
            raise BadInputError(name, limit=", ".join(names) or "none", found=name, zh="没有这个参数")


def idempotency_key(request: web.Request) -> str | None:
    """Read the Idempotency-Key header: 1..64 printable ASCII characters without spaces."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and PRINTABLE_KEY.fullmatch(key) is None:
        raise BadInputError(
            "Idempotency-Key",
            limit=f"1..{MAX_KEY_CHARS} printable ASCII characters, no space",
            found=key,
            zh="应为 1 至 64 个可打印字符",
        )
    return key


def _check_text(text: str) -> None:
    """Lengths and kinds only: the text itself is never repeated in an error."""
    if not text.strip() or len(text) > MAX_TEXT_CHARS:
        raise BadInputError(
            "text", limit=f"1..{MAX_TEXT_CHARS} characters", found=len(text), zh="报文为空或过长（按字数）"
        )
    check_characters("text", text)
    if not any(_visible(character) for character in text):
        raise BadInputError(
            "text",
            limit="at least one visible character",
            found=f"U+{ord(text.strip()[0]):04X}",
            en="nothing to see",
            zh="没有可见字符",
        )


def check_characters(field: str, text: str) -> None:
    """Refuse what acts on a screen instead of standing on it; raises BadInputError naming the character."""
    for character in text:
        found = f"U+{ord(character):04X}"
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\t\r":
            raise BadInputError(field, limit="no control characters", found=found, zh="含有控制字符")
        if character in BIDI_CONTROLS:
            raise BadInputError(
                field,
                limit="no characters that turn the direction of writing",
                found=found,
                en="would be read otherwise than it was written",
                zh="含有改变书写方向的字符",
            )


def _visible(character: str) -> bool:
    return unicodedata.category(character) not in UNSEEN_CATEGORIES and character not in FILLERS


def _refused(words: str, body_type: type[Body]) -> BadInputError:
    what, _, where = words.partition(" - at ")
    if match := UNKNOWN.fullmatch(what):
        keys = ", ".join(body_type.__struct_fields__)
        return BadInputError(match[1], limit=f"keys: {keys}", found=match[1], en="unknown key", zh="未知的键")
    if match := MISSING.fullmatch(what):
        return BadInputError(match[1], limit="required", found="missing", en="missing key", zh="缺少必需的键")
    field = where.strip("`").removeprefix("$.").strip("$") or "body"
    limit, _, found = what.partition(", got ")
    return BadInputError(
        field, limit=limit.replace("`", ""), found=found.strip("`") or "other", zh="类型或取值不符"
    )


UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
MISSING = re.compile(r"Object missing required field `(.*)`", re.DOTALL)
MAX_DIGITS = 18
"""Digits read before int() sees them: SQLite integers have 64 bits."""
