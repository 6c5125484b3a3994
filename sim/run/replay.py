"""Replay files: a run as data, with what came of it; and shrinking one to the faults that matter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from protocols.errors import BadInputError
from sim.faults.model import Schedule
from sim.run.play import Result, play
from sim.scenario.draw import Drawn
from sim.scenario.model import Do
from sim.scenario.store import drawn_from_json, drawn_to_json

One = TypeVar("One")

MAX_TRIALS: Final = 400
"""Runs that shrinking may spend; a schedule of thirty faults needs about seventy."""

KEPT_ACTIONS: Final = frozenset({Do.HEAL})
"""Actions that shrinking never drops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One run to play again: everything drawn, the version that drew it, and what came of it then."""

    drawn: Drawn
    version: str
    trace: str = ""
    broken: tuple[str, ...] = ()
    """Names of the expectations and promises that did not hold."""


def of_result(result: Result) -> Replay:
    """Make a replay of a run that was played."""
    return of(result.drawn, result.trace, broken_names(result))


def of(drawn: Drawn, trace: str, broken: tuple[str, ...]) -> Replay:
    """Make a replay of what this version drew, and what came of it."""
    return Replay(drawn=drawn, version=version("fieldgate"), trace=trace, broken=broken)


def broken_names(result: Result) -> tuple[str, ...]:
    """Return what did not hold, promises by their own names.

    A metric without anything to count is another failure than one outside its bounds: else shrinking would
    drop all that there was to count.
    """
    promises = {breach.promise for breach in result.breaches}
    missed = {
        v.expect.name if v.counted else f"{v.expect.name}: nothing to count"
        for v in result.verdicts
        if not v.holds and v.expect.name != "promises"
    }
    return tuple(sorted(promises | missed))


def write(path: Path, kept: Replay) -> None:
    """Write a replay file. Raises OSError."""
    drawn = msgspec.json.decode(drawn_to_json(kept.drawn))
    whole = {"version": kept.version, "trace": kept.trace, "broken": kept.broken, "drawn": drawn}
    text = msgspec.json.format(msgspec.json.encode(whole), indent=1)
    path.write_bytes(text + b"\n")


def read(path: Path) -> Replay:
    """Read a replay file; raises BadInputError."""
    try:
        raw = msgspec.json.decode(path.read_bytes(), type=_File)
    except OSError as error:
        raise BadInputError(
            str(path), limit="a file that can be read", found=error.strerror or "", zh="无法读取"
        ) from error
    except msgspec.DecodeError as error:
        raise BadInputError(
            str(path), limit="a replay file", found=str(error), en="cannot be read", zh="不是重放文件"
        ) from error
    try:
        drawn = drawn_from_json(bytes(raw.drawn))
    except BadInputError as error:
        raise error.within(f"{path}: ") from error
    return Replay(
        drawn=drawn,
        version=raw.version,
        trace=raw.trace,
        broken=raw.broken,
    )


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: str
    trace: str
    broken: tuple[str, ...]
    drawn: msgspec.Raw


def shrink(
    kept: Replay,
    *,
    told: Callable[[int, Replay], None] = lambda _trials, _least: None,
    faults_only: bool = False,
) -> Replay:
    """Return the least run that still breaks something of what this one broke.

    Faults are dropped first, then actions unless `faults_only`, by ddmin (Zeller); `told` hears after each
    run how many there were, and the least so far. A run that breaks nothing is returned as it is: the same
    object.
    """
    trials = 0
    last: Replay = kept

    def breaks(drawn: Drawn) -> bool:
        nonlocal trials, last
        trials += 1
        result = play(drawn)
        found = bool(set(broken_names(result)) & set(kept.broken))
        if found:
            last = of_result(result)
        told(trials, last)
        return found

    if not breaks(kept.drawn):
        return kept

    def with_faults(faults: Sequence[object]) -> Drawn:
        return replace(last.drawn, schedule=Schedule(faults=tuple(faults)))  # type: ignore[arg-type]

    def with_actions(actions: Sequence[object]) -> Drawn:
        scenario = replace(last.drawn.scenario, actions=tuple(actions))  # type: ignore[arg-type]
        return replace(last.drawn, scenario=scenario)

    _ddmin(list(last.drawn.schedule.faults), lambda some: breaks(with_faults(some)), lambda: trials)
    if faults_only:
        return last
    actions = [a for a in last.drawn.scenario.actions if a.do not in KEPT_ACTIONS]
    fixed = [a for a in last.drawn.scenario.actions if a.do in KEPT_ACTIONS]
    _ddmin(actions, lambda some: breaks(with_actions([*some, *fixed])), lambda: trials)
    return last


def _ddmin(items: list[One], breaks: Callable[[list[One]], bool], spent: Callable[[], int]) -> None:
    """Drop pieces, then smaller ones, as long as it still breaks (Zeller and Hildebrandt, 2002)."""
    if items and breaks([]):
        return
    pieces = 2
    while len(items) >= 2 and spent() < MAX_TRIALS:  # noqa: PLR2004 - one alone cannot be halved
        size = max(1, len(items) // pieces)
        for start in range(0, len(items), size):
            rest = items[:start] + items[start + size :]
            if rest and breaks(rest):
                items, pieces = rest, max(2, pieces - 1)
                break
            if spent() >= MAX_TRIALS:
                return
        else:
            if size == 1:
                return
            pieces = min(len(items), 2 * pieces)
