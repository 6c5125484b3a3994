"""What is kept and told of a run that broke: replay file, story, sequence diagram of the failing message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.columns import printable
from sim.record import Event, What
from sim.report.digest import Digest, digest_of
from sim.report.lives import Life
from sim.report.sequence import mermaid, svg
from sim.report.steps import Step, steps_of
from sim.report.summary import Summary
from sim.run import pending, replay
from sim.run.play import Result
from sim.run.report import summary_of
from sim.run.telling import head, verdict_line

KEPT: Final = frozenset(What) - {What.FRAME, What.COMMIT, What.AIR, What.MOVED}
"""Happenings that tell why a run broke; frames and commits are a hundred times as many."""

TOLD_EVENTS: Final = 12
TOLD_STEPS: Final = 14
TOLD_PENDING: Final = 8
TOLD_BREACHES: Final = 5
"""Lines of each sort on the terminal: together they fit a screen; the file has them all."""

FILE_EVENTS: Final = 400
"""Happenings before the breach that the file has; `--report` has every one."""

LINE: Final = 150
"""Longest line on the terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The files of one failure. `sequence` is None where no message is to blame."""

    replay: Path
    story: Path
    sequence: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One broken run, sorted: build it from a result that kept its events (KEPT at least)."""

    result: Result
    summary: Summary
    digest: Digest
    life: Life | None
    pending: Sequence[str]

    @classmethod
    def of(cls, result: Result, command: str) -> Failure:
        """Sort a result; `command` plays it again. Plays a quiet twin to know what always waits."""
        summary = summary_of(result, command=command)
        digest = digest_of(summary, result.events)
        waits = pending.telling(result.pending, pending.resting(result.drawn))
        return cls(result=result, summary=summary, digest=digest, life=digest.failing(summary), pending=waits)

    def keep(self, folder: Path, *, again: Path | None = None) -> Kept:
        """Write the files; `again` is the replay file if there is one already. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        stem = f"{self.result.drawn.scenario.name}-{self.result.drawn.seed}"
        path = again or folder / f"{stem}.replay.json"
        if again is None:
            replay.write(path, replay.of_result(self.result))
        story = folder / f"{stem}.failure.txt"
        story.write_text("\n".join(self._story()) + "\n", encoding="utf-8")
        drawing = None
        if self.life is not None:
            drawing = folder / f"{stem}.sequence.svg"
            drawing.write_text(svg(self.summary, self.digest, self.life), encoding="utf-8")
            diagram = mermaid(self.summary, self.digest, self.life)
            drawing.with_suffix(".mmd").write_text(diagram, encoding="utf-8")
        return Kept(replay=path, story=story, sequence=drawing)

    def told(self, kept: Kept) -> Iterator[str]:
        """Return what the terminal shows."""
        yield f"未成立 broken: 种子 seed {self.result.drawn.seed}"
        yield from _some([f"  {line}" for line in self._breaches()], TOLD_BREACHES, "")
        if self.life is not None:
            yield f"有问题的报文 the failing message: {_name(self.life)}"
            yield from _some([f"  {line}" for line in self._steps(self.life)], TOLD_STEPS, "")
        if self.result.breaches or self.life is None:
            yield "此前最后的事件 last events before it:"
            yield from (f"  {line[:LINE]}" for line in self._events(TOLD_EVENTS))
        if self.pending:
            without = "平静时也在的不列 without those of a quiet world"
            yield f"仍在等待的任务 pending tasks ({len(self.pending)}; {without}):"
            yield from _some([f"  {line}" for line in self.pending], TOLD_PENDING, "")
        yield f"全部经过 the whole story: {kept.story}"
        if kept.sequence is not None:
            yield f"时序图 sequence diagram:   {kept.sequence}"
        yield f"重放 play it again:        fieldgate sim replay {kept.replay}"
        yield f"缩小 find what matters:    fieldgate sim shrink {kept.replay}"

    def _story(self) -> Iterator[str]:
        result = self.result
        yield head(result.drawn)
        yield f"轨迹 trace {result.trace} · {self.summary.replay}"
        yield from (verdict_line(verdict) for verdict in result.verdicts)
        yield from _part("破坏的承诺 broken promises", self._breaches())
        if self.life is not None:
            yield from _part(f"有问题的报文 the failing message: {_name(self.life)}", self._steps(self.life))
        yield from _part("此前最后的事件 last events before it", self._events(FILE_EVENTS))
        yield from _part("与平静时不同的等待 tasks that wait elsewhere than in a quiet world", self.pending)
        yield from _part("全部等待 every task", result.pending)
        faults = result.drawn.schedule.faults
        yield from _part(
            "故障 faults",
            (
                f"{f.at_s:10.3f} {f.kind.value:<14} {f.target} {f.for_s:.3f} s {f.value:g} ({f.cause})"
                for f in faults
            ),
        )

    def _breaches(self) -> list[str]:
        broken = [
            f"{b.at_s:10.3f} s  {b.promise} {b.node}: {printable(b.detail)}" for b in self.result.breaches
        ]
        missed = [
            verdict_line(v) for v in self.result.verdicts if not v.holds and v.expect.name != "promises"
        ]
        return [*broken, *missed]

    def _steps(self, life: Life) -> list[str]:
        return [_step(step) for step in steps_of(self.summary, self.digest, life)]

    def _events(self, most: int) -> list[str]:
        """Return the last happenings up to the first breach; without one, up to the end."""
        events = [event for event in self.result.events if _tells(event)]
        first = next((i for i, event in enumerate(events) if event.what is What.BROKEN), len(events) - 1)
        return [_event(event) for event in events[max(0, first + 1 - most) : first + 1]]


def _part(title: str, lines: Sequence[str] | Iterator[str]) -> Iterator[str]:
    yield ""
    yield title
    yield from (f"  {line}" for line in lines)


def _some(lines: list[str], most: int, lead: str) -> Iterator[str]:
    """Return the first lines, and how many there are more."""
    yield from (line if len(line) <= LINE else f"{line[: LINE - 1]}…" for line in lines[:most])
    if len(lines) > most:
        yield f"{lead}  … 另有 {len(lines) - most} 行 more"


def _name(life: Life) -> str:
    return f"{life.by or life.node} → {life.to or '?'}  “{printable(life.text)}”"


def _step(step: Step) -> str:
    where = f"{step.place} → {step.to}" if step.to not in {"", step.place} else step.place
    words = step.en if step.en == step.zh else f"{step.zh} / {step.en}"
    return f"{step.at_ns / 1e9:10.3f} s  {where:<16} {printable(words)}"


def _tells(event: Event) -> bool:
    """Whether it may say why something broke: a full report keeps frames too, and batteries say much."""
    return event.what in KEPT and (event.what is not What.POWER or "state" in event.facts)


def _event(event: Event) -> str:
    facts = " ".join(
        f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}"
        for key, value in event.facts.items()
        if value not in ("", None)
    )
    where = f"{event.node}/{event.link}" if event.link else event.node
    return f"{event.at_s:10.3f} s  {event.what.value:<9} {where:<14} {printable(facts)}"
