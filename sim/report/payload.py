"""What the page is given: everything as compact columns, bounded, with what was left out said.

Times are microseconds. Lines and links are numbers (see `Lanes`). Texts are plain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from drivers.base import Precedence
from gateway.words import REASONS_ZH, ROLL_CALL_ZH, ZH
from sim.record import Event
from sim.report.digest import Digest
from sim.report.facts import number, text
from sim.report.land import land
from sim.report.lanes import Lanes
from sim.report.lives import Life
from sim.report.sequence import inline_svg
from sim.report.series import charts, micro, thin
from sim.report.steps import steps_of
from sim.report.summary import Summary
from sim.report.words import FATES_ZH, FAULTS_ZH, WHY_ZH

MAX_FRAMES = 40_000
"""Ticks kept for the page: about 500 KiB; a screen shows a thousandth of that at a time."""

MAX_BURSTS = 20_000
"""Bursts on the air kept for the page."""

MAX_MESSAGES = 3_000
"""Messages kept for the page; those that did not arrive come first."""

MAX_DRAWN = 250
"""Messages that get a sequence diagram of their own, about 5 KiB each; the rest has its steps in words."""

MAX_SPANS = 20_000
"""Link states, faults, ticks of boards and alarms kept of each sort."""


def payload(summary: Summary, digest: Digest) -> dict[str, Any]:
    """Return the page's data, ready for JSON."""
    lanes = Lanes(summary, digest)
    missed = digest.missed(summary)
    left_out: dict[str, list[int]] = {}
    return {
        "meta": _meta(summary, digest),
        "lanes": [
            {
                "id": node.id,
                "name": node.name,
                "kind": node.kind,
                "station": node.station,
                "battery": node.battery_wh,
                "links": [[link.name, link.bearer] for link in node.links],
            }
            for node in lanes.nodes
        ],
        "messages": _messages(summary, digest, lanes, left_out),
        "links": _kept("links", _links(digest, lanes), left_out),
        "frames": _frames(digest, lanes, left_out),
        "bursts": _bursts(digest, lanes, left_out),
        "faults": _kept("faults", _faults(digest, lanes), left_out),
        "power": _kept("power", [_power(event, lanes) for event in digest.power], left_out),
        "phases": [
            [micro(s.begin_ns), micro(s.end_ns) if s.end_ns >= 0 else -1, s.name] for s in digest.phases
        ],
        "alarms": _kept("alarms", [_alarm(event, lanes) for event in digest.alarms], left_out),
        "ticks": _kept("ticks", [_tick(event, lanes) for event in digest.roll_calls], left_out),
        "broken": [_broken(event, lanes) for event in digest.broken[:MAX_SPANS]],
        "charts": charts(summary, digest),
        "land": land(summary.land, digest, lanes),
        "probes": {
            "reached": dict(sorted(digest.probes.items())),
            "missed": missed,
            "of": len(summary.probes),
        },
        "left_out": left_out,
        "hidden_people": lanes.hidden_people,
        "words": {
            "zh": dict(ZH) | dict(FATES_ZH),
            "faults_zh": dict(FAULTS_ZH),
            "roll_zh": dict(ROLL_CALL_ZH),
            "reasons_zh": dict(REASONS_ZH) | dict(WHY_ZH),
        },
        "precedences": [member.name for member in Precedence],
    }


def _meta(summary: Summary, digest: Digest) -> dict[str, Any]:
    return {
        "scenario": summary.scenario,
        "title_zh": summary.title_zh,
        "title_en": summary.title_en,
        "seed": str(summary.seed),
        "trace": summary.trace,
        "version": summary.version,
        "replay": summary.replay,
        "duration": round(digest.duration_s * 1e6),
        "holds": digest.holds(summary),
        "expectations": [
            [one.rule, one.name, one.holds, one.limit, one.found, one.detail] for one in summary.expectations
        ],
        "metrics": finite(summary.metrics),
        "counts": {
            "frames": len(digest.frames),
            "bursts": len(digest.bursts),
            "commits": sum(digest.commits.values()),
        },
    }


def finite(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """Return metrics as JSON can hold them: what is no finite number is null."""
    return {name: value if math.isfinite(value) else None for name, value in metrics.items()}


def _kept(name: str, rows: list[Any], left_out: dict[str, list[int]], limit: int = MAX_SPANS) -> list[Any]:
    if len(rows) > limit:
        left_out[name] = [limit, len(rows)]
    return thin(rows, limit)


def _messages(
    summary: Summary, digest: Digest, lanes: Lanes, left_out: dict[str, list[int]]
) -> list[dict[str, Any]]:
    ranked = sorted(digest.lives, key=lambda life: (life.arrived_ns >= 0, -life.precedence, life.at_ns))
    kept = ranked[:MAX_MESSAGES]
    if len(kept) < len(ranked):
        left_out["messages"] = [len(kept), len(ranked)]
    if len(kept) > MAX_DRAWN:
        left_out["diagrams"] = [MAX_DRAWN, len(kept)]
    failing = digest.failing(summary)
    drawn = {id(life) for life in kept[:MAX_DRAWN]} | {id(failing)}
    found = []
    for life in sorted(kept, key=lambda life: life.at_ns):
        one = _message(life, lanes)
        one["failing"] = life is failing
        if id(life) in drawn:
            one["svg"] = inline_svg(summary, digest, life)
        one["steps"] = [
            [micro(s.at_ns), s.place, s.to, s.zh, s.en, s.tone.value]
            for s in steps_of(summary, digest, life, context=False)
        ]
        found.append(one)
    return found


def _message(life: Life, lanes: Lanes) -> dict[str, Any]:
    arrivals: dict[int, int] = {}
    begin = lanes.lane(life.by) if life.native else lanes.lane(life.node or life.by)
    for event in life.steps:
        if event.what.value == "shown":
            lane = lanes.of(event)
            if lane >= 0 and lane not in arrivals:
                arrivals[lane] = micro(event.at_ns)
    to = lanes.lane(life.to)
    if not arrivals and life.done_ns >= 0 and to >= 0:
        arrivals[to] = micro(life.done_ns)
    return {
        "key": life.key,
        "id": life.id,
        "t": micro(life.at_ns),
        "from": begin,
        "to": to,
        "by": life.by or life.node,
        "whom": life.to,
        "text": life.text,
        "p": life.precedence,
        "native": life.native,
        "accepted": life.accepted,
        "typed": life.typed_ns >= 0,
        "latency": life.latency_s,
        "arrived": micro(life.arrived_ns) if life.arrived_ns >= 0 else -1,
        "end": micro(life.steps[-1].at_ns) if life.steps else micro(life.at_ns),
        "arrivals": sorted(arrivals.items(), key=lambda item: item[1]),
        "bearer": life.bearer,
        "state": life.state,
        "repeats": life.repeats,
        "duplicates": life.duplicates,
        "dropped": life.dropped_steps,
    }


def _links(digest: Digest, lanes: Lanes) -> list[list[Any]]:
    return [
        [
            lane,
            place,
            micro(span.begin_ns),
            micro(span.end_ns) if span.end_ns >= 0 else -1,
            span.name,
            span.why,
        ]
        for span in digest.links
        if (lane := lanes.lane(span.node)) >= 0 and (place := lanes.link(span.node, span.link)) >= 0
    ]


def _frames(digest: Digest, lanes: Lanes, left_out: dict[str, list[int]]) -> dict[str, list[int]]:
    """Columns: line, link, microseconds since the one before, octets, negative when received."""
    kept = _kept("frames", digest.frames, left_out, MAX_FRAMES)
    columns: dict[str, list[int]] = {"lane": [], "link": [], "dt": [], "octets": []}
    last = 0
    for event in kept:
        lane, link = lanes.lane(event.node), lanes.link(event.node, event.link)
        if lane < 0 or link < 0:
            continue
        at = micro(event.at_ns)
        columns["lane"].append(lane)
        columns["link"].append(link)
        columns["dt"].append(at - last)
        columns["octets"].append(
            -len(event.data) if text(event.facts, "direction") == "rx" else len(event.data)
        )
        last = at
    return columns


def _bursts(digest: Digest, lanes: Lanes, left_out: dict[str, list[int]]) -> list[list[Any]]:
    """Line, line it went to or -1, microseconds, airtime in microseconds, octets, bearer, fate."""
    found = []
    for event in _kept("bursts", digest.bursts, left_out, MAX_BURSTS):
        facts = event.facts
        air = round((number(facts, "airtime_s") or 0.0) * 1e6)
        octets = round(number(facts, "octets") or 0)
        ends = lanes.lane(event.node), lanes.lane(text(facts, "to"))
        found.append([*ends, micro(event.at_ns), air, octets, text(facts, "bearer"), text(facts, "fate")])
    return found


def _faults(digest: Digest, lanes: Lanes) -> list[dict[str, Any]]:
    return [
        {
            "name": span.name,
            "target": span.target or "/".join(part for part in (span.node, span.link) if part),
            "t": micro(span.begin_ns),
            "end": micro(span.end_ns) if span.end_ns >= 0 else -1,
            "cause": span.why,
            "at": [[place.lane, place.link] for place in lanes.touched(span)],
        }
        for span in digest.faults
    ]


def _power(event: Event, lanes: Lanes) -> list[Any]:
    facts = event.facts
    left = number(facts, "left_wh")
    return [lanes.lane(event.node), micro(event.at_ns), text(facts, "state"), text(facts, "why"), left]


def _alarm(event: Event, lanes: Lanes) -> list[Any]:
    return [lanes.lane(event.node), micro(event.at_ns), text(event.facts, "key"), text(event.facts, "state")]


def _tick(event: Event, lanes: Lanes) -> list[Any]:
    """Line of the caller, line of the station or -1, when, call, station, state, evidence, the end."""
    facts = event.facts
    station = text(facts, "station")
    lane = lanes.lane(station) if station else -1
    told = [text(facts, "call"), station, text(facts, "state"), text(facts, "evidence")]
    return [lanes.lane(event.node), lane, micro(event.at_ns), *told, bool(facts.get("ended"))]


def _broken(event: Event, lanes: Lanes) -> list[Any]:
    facts = event.facts
    return [lanes.lane(event.node), micro(event.at_ns), text(facts, "promise"), text(facts, "detail")]
