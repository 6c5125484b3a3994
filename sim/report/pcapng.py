"""A run as a capture for Wireshark: one interface per node and link, virtual nanoseconds, faults as comments.

Stamps count from the run's beginning (1970-01-01 00:00:00 in Wireshark). What breaks is a comment of the next
frame it touches within NEAR_NS; when there is none, a packet of its own on interface "world" that says it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from gateway import pcapng
from sim.record import Event
from sim.report.digest import Digest, Span
from sim.report.facts import text
from sim.report.summary import Summary

WORLD = "world"
"""Interface of what happened where no frame was near."""

NEAR_NS = 1_000_000_000
"""A fault within a second before a frame is told at that frame."""

MAX_COMMENTS = 8
"""Comments of one packet: a hundred faults at one instant would hide it; the rest get their own."""

MAX_LOOKED_AT = 2_000
"""Frames tried for one note: more in a second means a net so busy that any place is as good."""

Bearers = dict[tuple[str, str], str]
"""Node and link → bearer."""


@dataclass(frozen=True, slots=True)
class _Note:
    at_ns: int
    node: str
    link: str
    target: str
    words: str


def capture(summary: Summary, digest: Digest) -> Iterator[bytes]:
    """Yield the blocks of the file, in order."""
    yield pcapng.section(
        comment=f"fieldgate {summary.version}: {summary.scenario}, seed {summary.seed}, trace {summary.trace}"
    )
    yield pcapng.interface(WORLD, "faults, power and broken promises of the world")
    bearers = summary.bearers
    keys = [*bearers, *sorted(digest.use.keys() - bearers.keys())]
    for node, link in keys:
        bearer = bearers.get((node, link), "")
        yield pcapng.interface(f"{node}/{link}", f"bearer={bearer or link}")
    places = {key: index for index, key in enumerate(keys, 1)}
    told, alone = _places(digest, bearers)
    lonely = iter([*alone, None])
    note = next(lonely)
    for index, frame in enumerate(digest.frames):
        while note is not None and note.at_ns <= frame.at_ns:
            yield _alone(note)
            note = next(lonely)
        yield _packet(frame, places[(frame.node, frame.link)], told.get(index, []))
    while note is not None:
        yield _alone(note)
        note = next(lonely)


def _places(digest: Digest, bearers: Bearers) -> tuple[dict[int, list[_Note]], list[_Note]]:
    """Say which note goes with which frame, and which stand alone."""
    frames = digest.frames
    times = [frame.at_ns for frame in frames]
    told: dict[int, list[_Note]] = {}
    alone: list[_Note] = []
    for note in _notes(digest):
        near = range(bisect_left(times, note.at_ns), bisect_right(times, note.at_ns + NEAR_NS))
        for index in near[:MAX_LOOKED_AT]:
            full = len(told.get(index, ())) >= MAX_COMMENTS
            if not full and _touches(note, frames[index], bearers):
                told.setdefault(index, []).append(note)
                break
        else:
            alone.append(note)
    return told, alone


def _packet(frame: Event, index: int, notes: list[_Note]) -> bytes:
    own = text(frame.facts, "note")
    inbound = text(frame.facts, "direction") == "rx"
    return pcapng.packet(
        index,
        frame.at_ns,
        frame.data,
        flags=pcapng.INBOUND if inbound else pcapng.OUTBOUND,
        comments=(*([own] if own else []), *[f"{_clock(n.at_ns)} {n.words}" for n in notes]),
    )


def _alone(note: _Note) -> bytes:
    return pcapng.packet(0, note.at_ns, note.words.encode(), comments=(note.words,))


def _touches(note: _Note, frame: Event, bearers: Bearers) -> bool:
    if note.node or note.link:
        return note.node in {"", frame.node} and note.link in {"", frame.link}
    if not note.target:
        return True
    head, _, rest = note.target.replace("/", ":").partition(":")
    bearer = bearers.get((frame.node, frame.link), frame.link)
    if head == frame.node:
        return rest in {"", frame.link}
    return head in {bearer, frame.link} and frame.node in {rest or frame.node, *rest.split(">")}


def _notes(digest: Digest) -> list[_Note]:
    notes = [_begins(span) for span in digest.faults]
    notes += [_ends(span) for span in digest.faults if span.end_ns >= 0]
    for event in digest.power:
        if (state := text(event.facts, "state")) in {"off", "on"}:
            words = f"POWER {state} at {event.node} ({text(event.facts, 'why') or '-'})"
            notes.append(_Note(event.at_ns, event.node, "", "", words))
    for event in digest.broken:
        words = f"BROKEN {text(event.facts, 'promise')}: {text(event.facts, 'detail')}"
        notes.append(_Note(event.at_ns, event.node, event.link, "", words))
    return sorted(notes, key=lambda note: note.at_ns)


def _begins(span: Span) -> _Note:
    where = span.target or "/".join(part for part in (span.node, span.link) if part) or "world"
    cause = f" (cause: {span.why})" if span.why else ""
    return _Note(
        span.begin_ns, span.node, span.link, span.target, f"FAULT {span.name} begins on {where}{cause}"
    )


def _ends(span: Span) -> _Note:
    where = span.target or "/".join(part for part in (span.node, span.link) if part) or "world"
    return _Note(span.end_ns, span.node, span.link, span.target, f"FAULT {span.name} ends on {where}")


def _clock(at_ns: int) -> str:
    return f"[{at_ns / 1e9:.3f} s]"
