"""Write everything about a run into one directory."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from sim.record import Event
from sim.report.digest import Digest, digest_of
from sim.report.facts import text
from sim.report.html import page
from sim.report.payload import finite
from sim.report.pcapng import capture
from sim.report.sequence import mermaid, svg
from sim.report.summary import Summary
from sim.report.tables import tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Where everything lies. `sequence` and `drawing` are None when there was no message at all."""

    directory: Path
    html: Path
    capture: Path
    dissector: Path
    summary: Path
    tables: tuple[Path, ...]
    sequence: Path | None
    drawing: Path | None


def write_report(directory: Path, summary: Summary, events: Iterable[Event]) -> Report:
    """Write report.html, tables, wire.pcapng, fieldgate.lua, summary.json and the diagram of one message.

    The message is the failing one, or the first when all went well. Raises OSError when it cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    digest = digest_of(summary, events)
    (directory / "report.html").write_text(page(summary, digest), encoding="utf-8")
    made = []
    for name, content in tables(summary, digest).items():
        made.append(directory / name)
        made[-1].write_bytes(content.encode())
    with (directory / "wire.pcapng").open("wb") as file:
        file.writelines(capture(summary, digest))
    dissector = resources.files("sim.report").joinpath("fieldgate.lua").read_bytes()
    (directory / "fieldgate.lua").write_bytes(dissector)
    told = json.dumps(outline(summary, digest), ensure_ascii=False, indent=1)
    (directory / "summary.json").write_text(told + "\n", encoding="utf-8")
    life = digest.failing(summary) or next(iter(digest.lives), None)
    if life is not None:
        (directory / "sequence.mmd").write_text(mermaid(summary, digest, life), encoding="utf-8")
        (directory / "sequence.svg").write_text(svg(summary, digest, life), encoding="utf-8")
    return Report(
        directory=directory,
        html=directory / "report.html",
        capture=directory / "wire.pcapng",
        dissector=directory / "fieldgate.lua",
        summary=directory / "summary.json",
        tables=tuple(made),
        sequence=directory / "sequence.mmd" if life is not None else None,
        drawing=directory / "sequence.svg" if life is not None else None,
    )


def outline(summary: Summary, digest: Digest) -> dict[str, Any]:
    """What programs read: the same keys as `sim run --json`, and what was found."""
    failing = digest.failing(summary)
    return {
        "scenario": summary.scenario,
        "title_zh": summary.title_zh,
        "title_en": summary.title_en,
        "seed": summary.seed,
        "trace": summary.trace,
        "holds": digest.holds(summary),
        "version": summary.version,
        "replay": summary.replay,
        "duration_s": digest.duration_s,
        "expectations": [
            {"rule": one.rule, "name": one.name, "holds": one.holds, "limit": one.limit}
            | {"found": one.found, "detail": one.detail}
            for one in summary.expectations
        ],
        "metrics": finite(summary.metrics),
        "broken": [{"at_s": event.at_s, "node": event.node} | _plain(event) for event in digest.broken],
        "messages": len(digest.lives),
        "failing": (failing.key or failing.id) if failing is not None else None,
        "probes_missed": digest.missed(summary),
    }


def _plain(event: Event) -> dict[str, str]:
    return {key: text(event.facts, key) for key in event.facts}
