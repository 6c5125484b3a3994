"""A roll call as the page that people print and read out. Times are UTC+8 unless told otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import msgspec

from gateway.columns import printable, table
from gateway.words import say, say_reason, say_roll_call

CHINA = timezone(timedelta(hours=8))
"""One time zone holds for the whole country."""

ORDER = (
    "absent",
    "fault",
    "wrong_station",
    "pending",
    "late",
    "relayed",
    "substitute",
    "inferred",
    "answered",
    "excused",
    "maintenance",
)
"""What somebody must act on stands first."""


class Entry(msgspec.Struct, frozen=True):
    """What the report needs of an entry."""

    station: int
    state: str
    call_sign: str = ""
    name: str = ""
    evidence: str = ""
    bearer: str = ""
    by: str = ""
    tries: int = 0
    called_unix_ms: int = 0
    answered_unix_ms: int = 0
    note: str = ""
    authenticated: bool = True


class Call(msgspec.Struct, frozen=True):
    """What the report needs of a roll call."""

    id: str
    title: str
    exercise: bool
    caller: str
    state: str
    started_unix_ms: int
    counts: dict[str, int]
    entries: list[Entry]
    ended_unix_ms: int = 0
    hash: str = ""


def text(call: dict[str, object], lang: str) -> str:
    """Return the report in `lang` (zh or en)."""
    record = msgspec.convert(call, Call)
    zh = lang == "zh"
    mark = ("【演练】" if zh else "[EXERCISE] ") if record.exercise else ""
    labels = ("点名报告", "编号", "发起", "开始", "结束", "状态") if zh else ENGLISH_LABELS
    lines = [
        f"{mark}{labels[0]}  {printable(record.title)}".rstrip(),
        f"{labels[1]}: {record.id}",
        f"{labels[2]}: {printable(record.caller)}",
        f"{labels[3]}: {clock_time(record.started_unix_ms)}",
        f"{labels[4]}: {clock_time(record.ended_unix_ms)}",
        f"{labels[5]}: {say(record.state, lang)}",
        "",
        "  ".join(
            f"{say_roll_call(name, lang)} {record.counts.get(name, 0)}" for name in ("expected", *COUNT_ORDER)
        ),
        "",
        *table(HEAD_ZH if zh else HEAD_EN, [_row(entry, lang) for entry in _sorted(record.entries)]),
    ]
    if record.hash:
        lines += ["", f"{'记录摘要' if zh else 'record hash'}: {record.hash}"]
    return "\n".join(lines) + "\n"


def clock_time(unix_ms: int) -> str:
    """Return date and time in China, `-` for not yet."""
    if unix_ms <= 0:
        return "-"
    at = datetime.fromtimestamp(unix_ms // 1000, UTC).astimezone(CHINA)
    return at.strftime("%Y-%m-%d %H:%M:%S +08")


def _sorted(entries: list[Entry]) -> list[Entry]:
    place = {state: number for number, state in enumerate(ORDER)}
    return sorted(entries, key=lambda entry: (place.get(entry.state, len(ORDER)), entry.station))


def _row(entry: Entry, lang: str) -> tuple[str, ...]:
    took_ms = entry.answered_unix_ms - entry.called_unix_ms
    took = (
        f"{took_ms / 1000:.1f}" if entry.answered_unix_ms and entry.called_unix_ms and took_ms >= 0 else "-"
    )
    note = say_reason(entry.note, lang)
    if entry.by:
        note = f"{entry.by} {note}".strip()
    if not entry.authenticated and entry.answered_unix_ms:
        note = f"{'未认证' if lang == 'zh' else 'unauthenticated'} {note}".strip()
    return (
        str(entry.station),
        entry.call_sign,
        entry.name,
        say_roll_call(entry.state, lang),
        say(entry.evidence, lang) or "-",
        say(entry.bearer, lang) or "-",
        str(entry.tries),
        took,
        note,
    )


COUNT_ORDER = (
    "answered",
    "late",
    "relayed",
    "substitute",
    "inferred",
    "absent",
    "fault",
    "wrong_station",
    "excused",
    "maintenance",
    "pending",
)
HEAD_ZH = ("台号", "呼号", "名称", "状态", "依据", "承载", "次数", "用时(秒)", "备注")
HEAD_EN = ("no.", "call sign", "name", "state", "evidence", "bearer", "tries", "took (s)", "note")
ENGLISH_LABELS = ("Roll call report", "id", "called by", "started", "ended", "state")
