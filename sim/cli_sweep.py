"""`fieldgate sim run FILE --seeds A..B`: play many seeds, keep what broke, count the rare paths reached."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from sim.cli_files import keep, look_ahead, write_all, writing
from sim.cli_outside import BROKEN, HOLDS, REFUSED
from sim.pace import RealWall
from sim.record import What
from sim.run import replay
from sim.run.failure import KEPT
from sim.run.play import play
from sim.run.probes import never_reached
from sim.run.progress import Progress
from sim.run.sweep import Outcome, seeds_csv, sweep
from sim.scenario.draw import draw
from sim.scenario.model import Scenario

LINE = 110
"""Longest line of names."""

MAX_FILES = 20
"""Replay files that one sweep writes: whoever breaks everything needs no more to see it."""


def sweep_and_tell(args: argparse.Namespace, scenario: Scenario) -> int:
    """Play them all, tell of each as it is done, and at the end of the first that broke."""
    if args.rate:
        print("--rate 只用于一个种子，不能与 --seeds 同用", file=sys.stderr)
        print("--rate is for one seed: not with --seeds", file=sys.stderr)
        return REFUSED
    look_ahead(args)
    seeds: range = args.seeds
    out = sys.stderr if args.json else sys.stdout
    title = f"{scenario.title_zh} {scenario.title_en} · {len(seeds)} 个种子 seeds {seeds[0]}..{seeds[-1]}"
    print(title, file=out, flush=True)
    bar = Progress(len(seeds), RealWall(), quiet=args.json)
    outcomes: list[Outcome] = []
    try:
        for outcome in sweep(scenario, seeds):
            outcomes.append(outcome)
            bar.step(broken=not outcome.holds)
            _one_of_many(args, scenario, outcome, bar)
    finally:  # on Ctrl-C as well: what was played so far is worth as much as it was
        bar.end()
        _tell_sweep(scenario, outcomes, out, of=len(seeds))
    outcomes.sort(key=lambda outcome: outcome.seed)
    broken = [outcome for outcome in outcomes if not outcome.holds]
    _tell_first(args, scenario, broken)
    if args.report:
        _sweep_table(args.report, outcomes)
    return BROKEN if broken else HOLDS


def _one_of_many(args: argparse.Namespace, scenario: Scenario, outcome: Outcome, bar: Progress) -> None:
    told = outcome.told
    if not outcome.holds:
        path = ""
        if bar.broken <= MAX_FILES:
            path = str(_keep_replay(args.keep, scenario, outcome))
            told = told | {"replay": path}
        bar.say(f"✗ 种子 seed {outcome.seed}: {'; '.join(outcome.details)[:160]}  {path}")
    if args.json:
        print(json.dumps(told, ensure_ascii=False), flush=True)


def _keep_replay(folder: Path, scenario: Scenario, outcome: Outcome) -> Path:
    path = folder / f"{scenario.name}-{outcome.seed}.replay.json"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        replay.write(path, replay.of(draw(scenario, outcome.seed), outcome.trace, outcome.broken))
    return path


def _tell_first(args: argparse.Namespace, scenario: Scenario, broken: list[Outcome]) -> None:
    """Play the first seed that broke once more with everything kept, and say where it broke."""
    seed = next((outcome.seed for outcome in broken if not outcome.failed), None)
    if seed is None:
        return
    command = f"fieldgate sim run {args.file} --seed {seed}"
    result = play(draw(scenario, seed), keep=frozenset(What) if args.report else KEPT)
    if args.report:
        write_all(args.report, result, command)
    if not result.holds:
        keep(args, result, command, None)


def _tell_sweep(scenario: Scenario, outcomes: list[Outcome], out: TextIO, *, of: int) -> None:
    probes: Counter[str] = Counter()
    for outcome in outcomes:
        probes.update(outcome.probes)
    missed = never_reached(probes)
    if outcomes:
        print(f"罕见路径 rare paths: 到达 reached {len(probes)}", file=out)
        print(*_wrapped(f"{name} ×{times}" for name, times in sorted(probes.items())), sep="\n", file=out)
        print(f"从未到达 never reached: {len(missed)}", *_wrapped(missed), sep="\n", file=out)
    broken = sum(not outcome.holds for outcome in outcomes)
    counted = f"{len(outcomes)} 个种子 seeds"
    if len(outcomes) < of:
        counted = f"中断 interrupted: {len(outcomes)} / {of} 个种子 seeds"
    print(f"{scenario.name}: {counted}, {broken} 个未成立 broken", file=out, flush=True)


def _wrapped(names: Iterable[str]) -> Iterator[str]:
    """Return names side by side, in lines that fit a terminal."""
    line = ""
    for name in names:
        if line and len(line) + len(name) > LINE:
            yield f"  {line}"
            line = ""
        line += f"{' · ' if line else ''}{name}"
    if line:
        yield f"  {line}"


def _sweep_table(directory: Path, outcomes: list[Outcome]) -> None:
    path = directory / "seeds.csv"
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
        path.write_bytes(seeds_csv(outcomes).encode())
    print(f"种子表 table of seeds: {path}", file=sys.stderr)
