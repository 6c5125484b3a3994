"""The steps of one message's life, in words of both languages: what diagrams and the page's panel show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from gateway.words import say, say_reason
from sim.record import Event, What
from sim.report.digest import Digest, Span
from sim.report.facts import flag, number, text, whole
from sim.report.lives import DONE, ENDED, Life
from sim.report.summary import Summary
from sim.report.words import FATES_ZH, say_fault

MAX_SHOWN = 80
"""Steps of one diagram: about four screens; what is left out is said in its last line."""

AFTER_NS = 2_000_000_000
"""What broke this long after the last sign of a message still belongs to its picture."""


class Tone(Enum):
    """How a step looks."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"
    MUTED = "muted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line: an arrow where `to` differs from `place`, else a note; a band where both are ""."""

    at_ns: int
    place: str = ""
    to: str = ""
    zh: str
    en: str
    tone: Tone = Tone.PLAIN
    dashed: bool = False


class Namer:
    """Names nodes and stations as people know them."""

    def __init__(self, summary: Summary) -> None:
        self._nodes = {node.id: node for node in summary.nodes}
        self._stations = {node.station: node.id for node in summary.nodes if node.station}

    def label(self, place: str) -> str:
        """Return what stands over a column."""
        node = self._nodes.get(place)
        return f"{node.name} {place}" if node is not None and node.name and node.name != place else place

    def station(self, facts_station: str) -> str:
        """Return the node of a station number, or the number itself."""
        found = self._stations.get(int(facts_station)) if facts_station.isdecimal() else None
        return found or facts_station

    def known(self, place: str) -> bool:
        """Whether this is a node of the world."""
        return place in self._nodes


def steps_of(summary: Summary, digest: Digest, life: Life, *, context: bool = True) -> list[Step]:
    """Return at most MAX_SHOWN steps in order of time, with what broke around them if `context`."""
    namer = Namer(summary)
    steps: list[Step] = []
    holder = ""
    seen: set[str] = set()
    for event in life.steps:
        place = event.node or text(event.facts, "by")
        if event.what in {What.MESSAGE, What.SHOWN} and holder and event.node and event.node not in seen:
            bearer = text(event.facts, "bearer") or life.hops.get(holder) or life.bearer or event.link
            zh, en = (say(bearer, "zh"), bearer) if bearer else ("经空中", "over the air")
            arrow = Step(at_ns=event.at_ns, place=holder, to=event.node, zh=zh, en=en, dashed=True)
            steps.append(arrow)
        if event.what in {What.MESSAGE, What.SHOWN, What.TYPED} and event.node:
            seen.add(event.node)
            holder = holder if holder and event.what is not What.MESSAGE else event.node
        steps.append(_step(event, place, life, namer))
    if context and steps:
        places = {step.place for step in steps} | {step.to for step in steps} | {life.to}
        steps += _context(digest, places, life)
        steps.sort(key=lambda step: step.at_ns)
    if len(steps) > MAX_SHOWN:
        left = len(steps) - MAX_SHOWN + 1
        last = Step(at_ns=steps[-1].at_ns, zh=f"另有 {left} 步", en=f"{left} more steps", tone=Tone.MUTED)
        steps = [*steps[: MAX_SHOWN - 1], last]
    return steps


def _step(event: Event, place: str, life: Life, namer: Namer) -> Step:
    match event.what:
        case What.TYPED:
            return _typed(event, place, life, namer)
        case What.SHOWN:
            return _shown(event, place, namer)
        case What.MESSAGE:
            return _told(event, place, life, namer)
        case _:
            return _carried(event, place)


def _typed(event: Event, place: str, life: Life, namer: Namer) -> Step:
    """Return what was typed; told again once it is taken or refused, where that took a while."""
    by = text(event.facts, "by") or place
    zh = f"键入“{text(event.facts, 'text')}”"
    en = f"typed “{text(event.facts, 'text')}”"
    if flag(event.facts, "accepted") and event.at_ns > life.typed_ns:
        return Step(at_ns=event.at_ns, place=place, to=place, zh="已受理", en="accepted", tone=Tone.GOOD)
    if event.facts.get("accepted") is False and not flag(event.facts, "native"):
        zh, en = f"未受理：{zh}", f"not accepted: {en}"
        return Step(at_ns=event.at_ns, place=by, to=place, zh=zh, en=en, tone=Tone.BAD)
    to = place if namer.known(place) or not by else by
    return Step(at_ns=event.at_ns, place=by, to=to, zh=zh, en=en)


def _shown(event: Event, place: str, namer: Namer) -> Step:
    by = text(event.facts, "by") or place
    where = "" if by in {"", place} or not namer.known(place) else f" · {by}"
    to = place if namer.known(place) else by
    repeat = flag(event.facts, "repeat")
    zh = "显示（重发）" if repeat else "显示"
    en = "shown (repeat)" if repeat else "shown"
    return Step(at_ns=event.at_ns, place=to, to=to, zh=zh + where, en=en + where, tone=Tone.GOOD)


def _told(event: Event, place: str, life: Life, namer: Namer) -> Step:
    state, evidence = text(event.facts, "state"), text(event.facts, "evidence")
    to = namer.station(text(event.facts, "station"))
    whom = f"→{to} " if to and to not in {place, life.to} else ""
    tone = Tone.GOOD if state in DONE else Tone.BAD if state in ENDED else Tone.PLAIN
    by = text(event.facts, "by")
    proof = f" ({evidence.replace('_', ' ')})" if evidence else ""
    proof_zh = f"（{say(evidence, 'zh')}）" if evidence else ""
    zh = f"{whom}{say(state, 'zh')}{proof_zh}{' ' + by if by else ''}"
    en = f"{whom}{say(state, 'en')}{proof}{' by ' + by if by else ''}"
    return Step(at_ns=event.at_ns, place=place, to=place, zh=zh, en=en, tone=tone)


def _carried(event: Event, place: str) -> Step:
    bearer = text(event.facts, "bearer") or event.link
    fate = text(event.facts, "fate") or "carried"
    octets = whole(event.facts, "octets") or len(event.data)
    rssi = number(event.facts, "rssi_dbm")
    more = "" if rssi is None else f" {rssi:.0f} dBm"
    fate_zh = FATES_ZH.get(fate, fate)
    return Step(
        at_ns=event.at_ns,
        place=place,
        to=text(event.facts, "to") or place,
        zh=f"{say(bearer, 'zh')} {octets} 字节{more}" + ("" if fate == "carried" else f"：{fate_zh}"),
        en=f"{bearer} {octets} octets{more}" + ("" if fate == "carried" else f": {fate}"),
        tone=Tone.PLAIN if fate == "carried" else Tone.BAD,
    )


def _context(digest: Digest, places: set[str], life: Life) -> Iterable[Step]:
    begin_ns = life.at_ns
    last_ns = life.steps[-1].at_ns + AFTER_NS
    if life.arrived_ns < 0:
        last_ns = max(last_ns, round(digest.duration_s * 1e9))
    for span in digest.faults:
        if span.node and span.node not in places:
            continue
        if span.begin_ns <= last_ns and (span.end_ns < 0 or span.end_ns >= begin_ns):
            yield _begins(span, begin_ns)
        if begin_ns <= span.end_ns <= last_ns:
            yield _ends(span)
    yield from (_link(span) for span in digest.links if _near(span, places, begin_ns, last_ns))


def _where(span: Span) -> str:
    return span.target or "/".join(part for part in (span.node, span.link) if part)


def _begins(span: Span, begin_ns: int) -> Step:
    old = span.begin_ns < begin_ns
    where = _where(span)
    zh = f"{say_fault(span.name, 'zh')} {where}" + (f"（{span.why}）" if span.why else "")
    en = f"{say_fault(span.name, 'en')} {where}" + (f" ({span.why})" if span.why else "")
    return Step(
        at_ns=max(span.begin_ns, begin_ns),
        zh=f"故障仍在：{zh}" if old else f"故障：{zh}",
        en=f"fault goes on: {en}" if old else f"fault: {en}",
        tone=Tone.BAD,
    )


def _ends(span: Span) -> Step:
    zh = f"故障结束：{say_fault(span.name, 'zh')} {_where(span)}"
    en = f"fault ends: {say_fault(span.name, 'en')} {_where(span)}"
    return Step(at_ns=span.end_ns, zh=zh, en=en, tone=Tone.MUTED)


def _near(span: Span, places: set[str], begin_ns: int, last_ns: int) -> bool:
    return span.node in places and begin_ns < span.begin_ns <= last_ns


def _link(span: Span) -> Step:
    why_zh, why_en = say_reason(span.why, "zh"), say_reason(span.why, "en")
    zh = f"{span.link} {say(span.name, 'zh')}" + (f"：{why_zh}" if span.why else "")
    en = f"{span.link} {say(span.name, 'en')}" + (f": {why_en}" if span.why else "")
    return Step(at_ns=span.begin_ns, place=span.node, to=span.node, zh=zh, en=en, tone=Tone.MUTED)
