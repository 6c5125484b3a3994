"""The end of the demo: what became of every message, the roll call, the count; tables and one JSON object."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from gateway.columns import width
from sim.demo import cast
from sim.demo.counter import ACKNOWLEDGEMENTS, ANSWERS, Count, Seen, Sent, compare, normal
from sim.demo.narrator import Narrator
from sim.demo.seat import Json
from sim.demo.story import Story


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One message of the story; `latency_s` from typing to the screen, None where it never came."""

    id: str
    sender: str
    to: str
    text: str
    states: tuple[str, ...]
    bearers: tuple[str, ...]
    latency_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Everything the demo has found out."""

    rows: tuple[Row, ...]
    counts: dict[str, int]
    wrong: tuple[tuple[str, str, str], ...]
    """Stations the roll call is wrong about: call sign, what it says, what is true."""
    entries: tuple[Json, ...]
    count: Count
    links: tuple[str, ...]
    """Links of the vehicle that headquarters does not see as they are."""

    @property
    def holds(self) -> bool:
        """Whether the promises held."""
        return self.count.holds and not self.wrong and not self.links and self.counts == cast.counts()

    def json(self) -> str:
        """One line for programs."""
        body: dict[str, Any] = {
            "messages": [
                {
                    "id": row.id,
                    "from": row.sender,
                    "to": row.to,
                    "states": list(row.states),
                    "bearers": list(row.bearers),
                    "latency_s": row.latency_s,
                }
                for row in self.rows
            ],
            "roll_call": self.counts,
            "lost": len(self.count.lost),
            "duplicates": len(self.count.duplicates),
            "repeats": len(self.count.repeats),
            "holds": self.holds,
        }
        return json.dumps(body, ensure_ascii=False)


async def conclude(story: Story) -> Outcome:
    """Collect both sides and compare them."""
    call = await story.hq.get(f"rollcalls/{story.roll_call_id}")
    seen = [*story.field.seen(), *await story.hq.inbox(), *await story.vehicle.inbox()]
    hq_messages, vehicle_messages = await story.hq.messages(), await story.vehicle.messages()
    signs = {role.number: role.call_sign for role in cast.CAST} | {1: cast.HQ, 3: cast.VEHICLE}
    seen += [*_answers(call), *_acknowledgements(hq_messages, signs)]
    sent = sorted([*story.sent, *story.field.sent()], key=lambda one: one.at_s)
    states = {entry["call_sign"]: entry["state"] for entry in call["entries"]}
    wrong = tuple(
        (sign, states.get(sign, "-"), expected)
        for sign, expected in cast.EXPECTED.items()
        if states.get(sign) != expected
    )
    far = await story.hq.links(cast.VEHICLE)
    own = await story.vehicle.links(cast.VEHICLE)
    return Outcome(
        rows=tuple(_rows(sent, seen, [*hq_messages, *vehicle_messages], story)),
        counts={name: call["counts"][name] for name in cast.counts()},
        wrong=wrong,
        entries=tuple(call["entries"]),
        count=compare(sent, seen),
        links=tuple(b for b, row in own.items() if far.get(b, {}).get("state") != row["state"]),
    )


def _answers(call: Json) -> list[Seen]:
    """Answers as the board at headquarters shows them, without online checks and boxes' own answers."""
    found: list[Seen] = []
    for entry in call["entries"]:
        people = entry["head_count"]
        words = f"到 {people}人" if people is not None else entry["note"]
        if words.startswith("到"):
            found.append(Seen(where=ANSWERS, sender=entry["call_sign"], text=words))
    return found


def _acknowledgements(messages: list[Json], signs: dict[int, str]) -> list[Seen]:
    return [
        Seen(where=ACKNOWLEDGEMENTS, sender=signs[recipient["station"]], text="收到", ref=message["id"])
        for message in messages
        for recipient in message["recipients"]
        if recipient["state"] == "acknowledged" and recipient["station"] not in {1, 3}
    ]


def _rows(sent: list[Sent], seen: list[Seen], messages: list[Json], story: Story) -> list[Row]:
    numbers = {role.call_sign: role.number for role in cast.CAST} | {cast.HQ: 1, cast.VEHICLE: 3}
    first_legs = {role.call_sign: role.bearer for role in cast.CAST}
    rows: list[Row] = []
    for one in sent:
        if one.to in {ANSWERS, ACKNOWLEDGEMENTS}:
            continue
        arrived = [s for s in seen if (s.sender, s.where, s.text) == (one.sender, one.to, one.text)]
        known = one.ref or next((s.ref for s in arrived if s.ref), "")
        ref = known or next((m["id"] for m in messages if _is(m, numbers[one.sender], one.text)), "")
        attempts = [
            a for m in messages if m["id"] == ref for a in m.get("attempts", ()) if a["stage"] != "failed"
        ]
        attempts.sort(key=lambda a: a["created_unix_ms"])
        legs = [first_legs[one.sender]] if one.sender in first_legs else []
        legs += [LINK_BEARERS.get(a["link"], a["link"]) for a in attempts]
        rows.append(
            Row(
                id=ref,
                sender=one.sender,
                to=one.to,
                text=one.text,
                states=_states(story, ref, numbers[one.to]),
                bearers=tuple(dict.fromkeys(legs)),
                latency_s=round(min(s.at_s for s in arrived) - one.at_s, 1) if arrived else None,
            )
        )
    return rows


def _is(message: Json, sender: int, text: str) -> bool:
    return bool(message["sender"] == sender and normal(message["text"]) == text)


LINK_BEARERS = {"cell": "cellular"}
"""The demo's links are named after their bearers but for this one."""


def _states(story: Story, ref: str, station: int) -> tuple[str, ...]:
    """What the origin told of this copy."""
    origin = story.hq if ref.startswith("1-") else story.vehicle
    return tuple(origin.states.get((ref, station), ()))


TEXT_CELLS = 24
"""Cells of the table's text column: the whole then fits about 100 columns."""


def _cut(text: str) -> str:
    """Shorten a text to the column; a Chinese character takes two cells."""
    if width(text) <= TEXT_CELLS:
        return text
    while width(text) >= TEXT_CELLS:
        text = text[:-1]
    return text + "…"


def show(outcome: Outcome, narrator: Narrator) -> None:
    """Print the tables."""
    narrator.table(
        ("编号 id", "从 from", "到 to", "报文 text", "承载 bearers", "状态 state", "用时 s"),
        [
            (
                row.id,
                row.sender,
                row.to,
                _cut(row.text),
                "→".join(row.bearers),
                row.states[-1] if row.states else "-",
                "-" if row.latency_s is None else f"{row.latency_s:.1f}",
            )
            for row in outcome.rows
        ],
    )
    narrator.table(
        ("呼号", "名称 name", "结果 result", "应为 true", "凭据 evidence", "承载", "附言 note"),
        [
            (
                entry["call_sign"],
                entry["name"],
                entry["state"],
                cast.EXPECTED[entry["call_sign"]],
                entry["evidence"],
                entry["bearer"],
                f"{entry['head_count']} 人" if entry["head_count"] is not None else entry["note"],
            )
            for entry in outcome.entries
        ],
    )
    narrator.plain("")
    count = outcome.count
    shown = " ".join(f"{name}={number}" for name, number in outcome.counts.items())
    narrator.plain(f"  点名 roll call: {shown}")
    narrator.plain(
        f"  共 {count.sent} 条 sent; 丢失 lost {len(count.lost)}; 重复 duplicates {len(count.duplicates)}; "
        f"重发 repeats {len(count.repeats)}"
    )
    for lost in count.lost:
        narrator.plain(f"    丢失 lost: {lost.sender} → {lost.to}: {lost.text}")
    for seen in (*count.duplicates, *count.too_often, *count.unexplained):
        narrator.plain(f"    多余 too much: {seen.sender} → {seen.where}: {seen.text} {seen.ref}")
    for sign, state, expected in outcome.wrong:
        narrator.plain(f"    点名有误 roll call wrong: {sign} {state}, should be {expected}")
    for link in outcome.links:
        narrator.plain(f"    链路状态有误 link not seen as it is: {link}")
    if outcome.holds:
        narrator.good("承诺全部兑现", "all promises held")
    else:
        narrator.bad("承诺未兑现", "a promise was broken")
