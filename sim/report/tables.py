"""Tables of a run as CSV: one file per question, units in the head, UTF-8 with a mark for Excel."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from drivers.base import Precedence
from sim.record import Event
from sim.report.digest import Digest, Span, percentile
from sim.report.facts import number, text
from sim.report.lives import Life
from sim.report.summary import Summary

Cell = str | int | float | None
Rows = list[Sequence[Cell]]

BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel reads UTF-8 as GBK on a Chinese desktop."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A text that begins so would be run as a formula by a spreadsheet; it gets an apostrophe in front."""

PASSED = ("frames_tx", "frames_rx", "octets_tx", "octets_rx")
BECAME = ("bearer", "state", "repeats", "duplicates", "text")
"""Heads of the last columns of links.csv and messages.csv."""

SHARES = (0.5, 0.9, 0.95, 0.99)
"""Percentiles of every latency table."""


def tables(summary: Summary, digest: Digest) -> dict[str, str]:
    """Return file name → content."""
    made = {
        "delivery.csv": delivery(digest),
        "latency.csv": latency(digest),
        "airtime.csv": airtime(digest),
        "links.csv": links(digest),
        "energy.csv": energy(summary, digest),
        "copies.csv": copies(digest),
        "messages.csv": messages(digest),
        "faults.csv": faults(digest),
    }
    return {name: _csv(rows) for name, rows in made.items()}


def delivery(digest: Digest) -> Rows:
    """How much of what was accepted arrived, by precedence and in all; latency from typing to the screen."""
    head = ["precedence", "typed", "accepted", "delivered", "ratio", *_share_names(), "max_s"]
    rows: Rows = [head]
    groups: list[tuple[str, list[Life]]] = [
        (member.name, [life for life in digest.lives if life.precedence == member and life.typed_ns >= 0])
        for member in sorted(Precedence, reverse=True)
    ]
    groups.append(("ALL", [life for life in digest.lives if life.typed_ns >= 0]))
    for name, lives in groups:
        if not lives:
            continue
        accepted = [life for life in lives if life.accepted]
        arrived = sum(life.arrived_ns >= 0 for life in accepted)
        ratio = round(arrived / len(accepted), 4) if accepted else None
        rows.append((name, len(lives), len(accepted), arrived, ratio, *_latencies(accepted)))
    return rows


def latency(digest: Digest) -> Rows:
    """Latency by precedence and by the last bearer that is known to have carried it."""
    rows: Rows = [["precedence", "bearer", "delivered", *_share_names(), "max_s"]]
    groups: dict[tuple[int, str], list[Life]] = defaultdict(list)
    for life in digest.lives:
        if life.latency_s is not None:
            groups[(-life.precedence, life.bearer or "unknown")].append(life)
    for (rank, bearer), lives in sorted(groups.items()):
        rows.append((Precedence(-rank).name, bearer, len(lives), *_latencies(lives)))
    return rows


def airtime(digest: Digest) -> Rows:
    """What every node sent on every bearer; `occupancy` is the share of the run the bearer was busy with it.

    The last row of a bearer (node "ALL") is the sum: above 1 on a bearer that carries several at a time.
    """
    fates = ("carried", "lost", "cut", "collided", "faded", "deaf")
    rows: Rows = [["bearer", "node", "bursts", "octets", "airtime_s", "occupancy", *fates]]
    for bearer in sorted({bearer for bearer, _ in digest.traffic}):
        nodes = sorted((node, one) for (own, node), one in digest.traffic.items() if own == bearer)
        for node, one in nodes:
            share = _share(one.airtime_s, digest.duration_s)
            found = [one.fates[fate] for fate in fates]
            rows.append((bearer, node, one.bursts, one.octets, round(one.airtime_s, 3), share, *found))
        total_s = sum(one.airtime_s for _, one in nodes)
        rows.append(
            (
                bearer,
                "ALL",
                sum(one.bursts for _, one in nodes),
                sum(one.octets for _, one in nodes),
                round(total_s, 3),
                _share(total_s, digest.duration_s),
                *[sum(one.fates[fate] for _, one in nodes) for fate in fates],
            )
        )
    return rows


def links(digest: Digest) -> Rows:
    """Seconds every link was in every state, how often it changed, and what passed it."""
    states = ("absent", "starting", "up", "suspect", "down", "recovering", "blocked")
    rows: Rows = [
        ["node", "link", "changes", *[f"{state}_s" for state in states], *PASSED],
    ]
    spans: dict[tuple[str, str], list[Span]] = defaultdict(list)
    for span in digest.links:
        spans[(span.node, span.link)].append(span)
    for key in sorted(spans.keys() | digest.use.keys()):
        own = spans.get(key, [])
        held = [
            round(sum(span.length_s(digest.duration_s) for span in own if span.name == state), 3)
            for state in states
        ]
        use = digest.use.get(key)
        passed = [use.frames["tx"], use.frames["rx"], use.octets["tx"], use.octets["rx"]] if use else [0] * 4
        rows.append((*key, max(0, len(own) - 1), *held, *passed))
    return rows


def energy(summary: Summary, digest: Digest) -> Rows:
    """What every node drew from its battery, as far as it was told, and how long it had no power."""
    rows: Rows = [["node", "first_wh", "last_wh", "used_wh", "cuts", "off_s"]]
    events: dict[str, list[Event]] = defaultdict(list)
    for event in digest.power:
        events[event.node].append(event)
    order = {node.id: place for place, node in enumerate(summary.nodes)}
    for node in sorted(events, key=lambda name: (order.get(name, len(order)), name)):
        left = [wh for event in events[node] if (wh := number(event.facts, "left_wh")) is not None]
        used = sum(max(0.0, before - after) for before, after in pairwise(left))
        cuts, off_s = _off(events[node], digest.duration_s)
        first, last = (round(left[0], 2), round(left[-1], 2)) if left else (None, None)
        rows.append((node, first, last, round(used, 2) if left else None, cuts, round(off_s, 3)))
    return rows


def copies(digest: Digest) -> Rows:
    """Every message that was shown more than once: repeats say so on the screen, duplicates do not (P2)."""
    rows: Rows = [["key", "id", "by", "to", "screens", "repeats", "duplicates"]]
    rows += [
        (life.key, life.id, life.by, life.to, len(life.screens), life.repeats, life.duplicates)
        for life in digest.lives
        if life.repeats or life.duplicates
    ]
    return rows


def messages(digest: Digest) -> Rows:
    """Every message: who, when, what became of it; `accepted` is empty for what a gateway made itself."""
    rows: Rows = [
        [
            "key",
            "id",
            "typed_s",
            "node",
            "by",
            "to",
            "precedence",
            "native",
            "accepted",
            "latency_s",
            *BECAME,
        ],
    ]
    for life in digest.lives:
        delay_s = life.latency_s
        rows.append(
            (
                life.key,
                life.id,
                round(life.at_ns / 1e9, 6),
                life.node,
                life.by,
                life.to,
                Precedence(life.precedence).name,
                int(life.native),
                int(life.accepted) if life.typed_ns >= 0 else None,
                None if delay_s is None else round(delay_s, 6),
                life.bearer,
                life.state,
                life.repeats,
                life.duplicates,
                life.text,
            )
        )
    return rows


def faults(digest: Digest) -> Rows:
    """Everything that broke, when, for how long and why."""
    rows: Rows = [["fault", "target", "node", "link", "begins_s", "ends_s", "length_s", "cause"]]
    for span in digest.faults:
        end_s = round(span.end_ns / 1e9, 6) if span.end_ns >= 0 else None
        length_s = round(span.length_s(digest.duration_s), 6)
        begin_s = round(span.begin_ns / 1e9, 6)
        rows.append((span.name, span.target, span.node, span.link, begin_s, end_s, length_s, span.why))
    return rows


def _share_names() -> list[str]:
    return [f"p{round(share * 100)}_s" for share in SHARES]


def _latencies(lives: Iterable[Life]) -> list[float | None]:
    values = sorted(delay_s for life in lives if (delay_s := life.latency_s) is not None)
    found = [percentile(values, share) for share in (*SHARES, 1.0)]
    return [None if value is None else round(value, 3) for value in found]


def _share(part_s: float, whole_s: float) -> float | None:
    return round(part_s / whole_s, 6) if whole_s > 0 else None


def _off(events: list[Event], end_s: float) -> tuple[int, float]:
    cuts, off_s, since_s = 0, 0.0, None
    for event in events:
        state = text(event.facts, "state")
        if state == "off" and since_s is None:
            cuts, since_s = cuts + 1, event.at_s
        elif state == "on" and since_s is not None:
            off_s, since_s = off_s + event.at_s - since_s, None
    return cuts, off_s + (max(0.0, end_s - since_s) if since_s is not None else 0.0)


def _csv(rows: Rows) -> str:
    out = io.StringIO()
    out.write(BYTE_ORDER_MARK)
    writer = csv.writer(out, lineterminator="\r\n")
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return out.getvalue()


def _cell(value: Cell) -> Cell:
    if isinstance(value, str) and value.startswith(FORMULA):
        return "'" + value
    return value
