"""Figures over time for the charts: computed from every event, however much the timeline leaves out."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from drivers.base import Precedence
from sim.record import Event
from sim.report.digest import Digest, percentile
from sim.report.facts import number, text
from sim.report.summary import Summary

BINS = 240
"""Steps along the time axis of a chart: about one in four pixels."""

MAX_POINTS = 1_500
"""Points of one line: more than a screen has pixels for."""


def charts(summary: Summary, digest: Digest) -> dict[str, Any]:
    """Return all series; times in microseconds."""
    return {
        "delivery": _delivery(digest),
        "latency": _latency(digest),
        "roll_calls": _roll_calls(digest),
        "air": _air(summary, digest),
        "octets": _octets(summary, digest),
        "energy": _energy(digest),
        "density": _density(digest),
    }


def micro(at_ns: int) -> int:
    """Microseconds: enough to tell frames apart, exact in a browser's numbers for 285 years."""
    return at_ns // 1000


def thin(values: list[Any], limit: int) -> list[Any]:
    """Return at most `limit` of the values, evenly, the last one always."""
    if len(values) <= limit:
        return values
    step = len(values) / (limit - 1)
    return [*[values[int(index * step)] for index in range(limit - 1)], values[-1]]


def _steps(times_ns: list[int]) -> list[list[int]]:
    found = [[micro(at_ns), count] for count, at_ns in enumerate(sorted(times_ns), 1)]
    return thin(found, MAX_POINTS)


def _delivery(digest: Digest) -> dict[str, Any]:
    lives = [life for life in digest.lives if life.typed_ns >= 0]
    return {
        "typed": _steps([life.typed_ns for life in lives]),
        "accepted": _steps([life.accepted_ns for life in lives if life.accepted]),
        "delivered": _steps([life.arrived_ns for life in lives if life.accepted and life.arrived_ns >= 0]),
    }


def _latency(digest: Digest) -> list[dict[str, Any]]:
    found = []
    for member in sorted(Precedence, reverse=True):
        own = [life.latency_s for life in digest.lives if life.precedence == member and life.accepted]
        values = sorted(value for value in own if value is not None)
        if own:
            shares = [percentile(values, share) for share in (0.5, 0.9, 0.99, 1.0)]
            found.append({"p": int(member), "n": len(own), "arrived": len(values), "s": shares})
    return found


def _roll_calls(digest: Digest) -> list[dict[str, Any]]:
    calls: dict[str, dict[str, Any]] = {}
    states: dict[str, dict[str, str]] = defaultdict(dict)
    for event in digest.roll_calls:
        name = text(event.facts, "call")
        call = calls.setdefault(
            name, {"call": name, "node": event.node, "begin": micro(event.at_ns), "end": -1, "points": []}
        )
        station = text(event.facts, "station")
        if station:
            states[name][station] = text(event.facts, "state")
            call["points"].append([micro(event.at_ns), dict(Counter(states[name].values()))])
        if event.facts.get("ended"):
            call["end"] = micro(event.at_ns)
    for call in calls.values():
        call["points"] = thin(call["points"], MAX_POINTS)
    return list(calls.values())


def _bin(at_ns: int, digest: Digest) -> int:
    if digest.duration_s <= 0:
        return 0
    return min(BINS - 1, max(0, int(at_ns / 1e9 / digest.duration_s * BINS)))


def _air(summary: Summary, digest: Digest) -> dict[str, list[float]]:
    """Share of every bin that a bearer was busy; in the order of the nodes' links."""
    found: dict[str, list[float]] = {}
    for bearer in _bearers(summary, {key for key, _ in digest.traffic}):
        found[bearer] = [0.0] * BINS
    wide_s = digest.duration_s / BINS or 1.0
    for event in digest.bursts:
        seconds = number(event.facts, "airtime_s")
        if seconds:
            found[text(event.facts, "bearer")][_bin(event.at_ns, digest)] += seconds / wide_s
    return {name: [round(v, 4) for v in values] for name, values in found.items() if any(values)}


def _octets(summary: Summary, digest: Digest) -> dict[str, list[float]]:
    """Octets a second that passed the gateways' links of a bearer, both ways."""
    named = summary.bearers
    order = _bearers(summary, {named.get(key, key[1]) for key in digest.use})
    found = {bearer: [0.0] * BINS for bearer in order}
    wide_s = digest.duration_s / BINS or 1.0
    for event in digest.frames:
        bearer = named.get((event.node, event.link), event.link)
        found[bearer][_bin(event.at_ns, digest)] += len(event.data) / wide_s
    return {name: [round(v, 1) for v in values] for name, values in found.items()}


def _bearers(summary: Summary, used: set[str]) -> list[str]:
    order = dict.fromkeys(link.bearer for node in summary.nodes for link in node.links)
    return [*[bearer for bearer in order if bearer in used], *sorted(used - order.keys())]


def _energy(digest: Digest) -> dict[str, list[list[float]]]:
    found: dict[str, list[list[float]]] = defaultdict(list)
    for event in digest.power:
        left = number(event.facts, "left_wh")
        if left is not None:
            found[event.node].append([micro(event.at_ns), round(left, 2)])
    return {node: thin(points, MAX_POINTS) for node, points in found.items()}


def _density(digest: Digest) -> list[int]:
    counts = [0] * BINS
    events: list[Event] = digest.frames or digest.bursts
    for event in events:
        counts[_bin(event.at_ns, digest)] += 1
    return counts
