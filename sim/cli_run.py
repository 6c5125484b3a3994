"""`fieldgate sim run`, `replay` and `shrink`: play scenarios, play a run again, make a failing one small."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli_outside import BROKEN, HOLDS, REFUSED, feed_trace, outside

if TYPE_CHECKING:
    from sim.pace import Pace
    from sim.run.play import Result
    from sim.run.sweep import Outcome
    from sim.scenario.draw import Drawn
    from sim.scenario.model import Scenario

LAST_EVENTS = 12
"""Events told of a run that failed; its replay file and report have all."""


def add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `run`, `replay` and `shrink`."""
    run = commands.add_parser(
        "run",
        help="play a scenario 运行场景",
        description="Plays a scenario in virtual time, for one seed or many. Exit status 0 only if every "
        "expectation held. 在虚拟时间中运行；全部期望成立时退出码为 0。",
    )
    run.add_argument(
        "file", metavar="FILE", help="a TOML file, or the name of a shipped one 文件或自带场景名"
    )
    seeds = run.add_mutually_exclusive_group()
    seeds.add_argument("--seed", type=int, metavar="N", help="the seed (that of the file) 种子")
    seeds.add_argument("--seeds", type=_range, metavar="A..B", help="many seeds, on all cores 多个种子")
    run.add_argument(
        "--rate", type=_rate, default=0.0, metavar="X", help="virtual seconds per real one (no limit) 倍速"
    )
    run.add_argument("--json", action="store_true", help="one JSON object per seed 每个种子输出一个 JSON")
    run.add_argument("--report", type=Path, metavar="DIR", help="write page, tables and capture 报告目录")
    run.add_argument(
        "--pty",
        action="store_true",
        help="put every device on a PTY for programs outside; real time 设备接到 PTY，实时运行",
    )
    run.add_argument(
        "--dir",
        type=Path,
        default=Path("sim-run"),
        metavar="DIR",
        help="with --pty: where configurations and ports go; made anew --pty 的运行目录 (sim-run)",
    )
    run.add_argument(
        "--keep",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="where replay files of failures go 重放文件目录",
    )
    run.set_defaults(run=_run)
    replay = commands.add_parser("replay", help="play a replay file again 重放")
    replay.add_argument(
        "file", type=Path, metavar="FILE", help="a replay file, or a trace of `run --trace` 文件"
    )
    replay.add_argument("--config", type=Path, metavar="FILE", help="whose gateway hears a trace 配置文件")
    replay.add_argument("--json", action="store_true", help="one JSON object 输出 JSON")
    replay.add_argument("--report", type=Path, metavar="DIR", help="write page, tables and capture 报告目录")
    replay.set_defaults(run=_replay)
    shrink = commands.add_parser("shrink", help="find the least faults that still break it 缩小失败的运行")
    shrink.add_argument("file", type=Path, metavar="FILE", help="a replay file 重放文件")
    shrink.add_argument(
        "--to", type=Path, metavar="FILE", help="where the result goes (FILE.small.json) 输出"
    )
    shrink.set_defaults(run=_shrink)


def _range(text: str) -> range:
    first, dots, last = text.partition("..")
    if not dots or not first.isdecimal() or not last.isdecimal() or int(last) < int(first):
        raise argparse.ArgumentTypeError(f"{text!r}: A..B, such as 1..200 形如 1..200")
    return range(int(first), int(last) + 1)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r}: a number greater than 0 倍速应大于 0")
    return rate


def _run(args: argparse.Namespace) -> int:
    from protocols.errors import FieldgateError  # noqa: PLC0415 - other commands need not pay for the simulator
    from sim.scenario.draw import draw  # noqa: PLC0415
    from sim.scenario.library import find  # noqa: PLC0415
    from sim.scenario.read import load_scenario  # noqa: PLC0415

    try:
        scenario = load_scenario(find(args.file))
    except FieldgateError as error:
        print(error.zh, error.en, sep="\n", file=sys.stderr)
        return REFUSED
    if args.pty:
        return outside(args, draw(scenario, scenario.seed if args.seed is None else args.seed))
    if args.seeds is not None:
        return _sweep(args, scenario)
    drawn = draw(scenario, scenario.seed if args.seed is None else args.seed)
    return _one(args, drawn, f"fieldgate sim run {args.file} --seed {drawn.seed}")


def _one(args: argparse.Namespace, drawn: Drawn, command: str) -> int:
    """Play one run, tell it, and write what was asked for."""
    from sim.record import What  # noqa: PLC0415
    from sim.run.play import play  # noqa: PLC0415
    from sim.run.report import summary_of  # noqa: PLC0415

    result = play(drawn, keep=frozenset(What) if args.report else frozenset(), pace=_pace(args))
    if args.report:
        from sim.report.writer import write_report  # noqa: PLC0415

        report = write_report(args.report, summary_of(result, command=command), result.events)
        print(f"报告 report: {report.html}", file=sys.stderr)
    if args.json:
        print(json.dumps(outline(result), ensure_ascii=False))
    else:
        _tell(result)
    if not result.holds:
        _keep_failure(args, result)
    return HOLDS if result.holds else BROKEN


def _pace(args: argparse.Namespace) -> Pace | None:
    from sim.pace import Pace, RealWall  # noqa: PLC0415

    rate = getattr(args, "rate", 0.0)
    return Pace(rate, RealWall()) if rate else None


def outline(result: Result) -> dict[str, Any]:
    """What `--json` prints of one run."""
    return {
        "scenario": result.drawn.scenario.name,
        "seed": result.drawn.seed,
        "trace": result.trace,
        "holds": result.holds,
        "expectations": [
            {"rule": v.expect.rule.value, "name": v.expect.name, "holds": v.holds, "found": v.found}
            for v in result.verdicts
        ],
        "metrics": result.metrics,
        "broken": [
            {"promise": b.promise, "at_s": round(b.at_s, 3), "node": b.node, "detail": b.detail}
            for b in result.breaches
        ],
        "took_s": round(result.took_s, 3),
        "probes": result.probes,
    }


def _tell(result: Result) -> None:
    scenario = result.drawn.scenario
    print(f"{scenario.title_zh} {scenario.title_en}")
    if result.budgets:
        print(result.budgets)
    print(f"种子 seed {result.drawn.seed}   轨迹 trace {result.trace}   {result.took_s:.0f} s")
    for verdict in result.verdicts:
        mark = "✓" if verdict.holds else "✗"
        print(f"  {mark} {verdict.expect.rule.value:<10} {verdict.expect.name:<24} {verdict.found}")
    for name in ("messages.typed", "messages.delivered", "messages.lost", "messages.duplicates"):
        if name in result.metrics:
            print(f"    {name:<24} {result.metrics[name]:g}")


def _keep_failure(args: argparse.Namespace, result: Result) -> None:
    """Play it once more with everything kept: the same run, and say where it broke."""
    from sim.record import What  # noqa: PLC0415
    from sim.report.digest import digest_of  # noqa: PLC0415
    from sim.report.sequence import mermaid  # noqa: PLC0415
    from sim.run import replay  # noqa: PLC0415
    from sim.run.play import play  # noqa: PLC0415
    from sim.run.report import summary_of  # noqa: PLC0415

    folder: Path = getattr(args, "keep", Path())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result.drawn.scenario.name}-{result.drawn.seed}.replay.json"
    replay.write(path, replay.of_result(result))
    print(f"未成立 broken: fieldgate sim replay {path}", file=sys.stderr)
    again = play(result.drawn, keep=frozenset(What) - {What.FRAME, What.COMMIT, What.AIR})
    for line in again.pending:
        print(f"    pending  {line}", file=sys.stderr)
    for event in again.events[-LAST_EVENTS:]:
        facts = " ".join(f"{key}={value}" for key, value in event.facts.items())
        print(f"    {event.at_s:10.3f} {event.what.value:<9} {event.node:<8} {facts}"[:160], file=sys.stderr)
    summary = summary_of(again, command=f"fieldgate sim replay {path}")
    digest = digest_of(summary, again.events)
    life = digest.failing()
    if life is not None:
        drawing = path.with_suffix(".mmd")
        drawing.write_text(mermaid(summary, digest, life), encoding="utf-8")
        print(f"    sequence {drawing}", file=sys.stderr)


def _sweep(args: argparse.Namespace, scenario: Scenario) -> int:
    from sim.run.progress import Progress  # noqa: PLC0415
    from sim.run.sweep import sweep  # noqa: PLC0415
    from sim.scenario.draw import draw  # noqa: PLC0415

    bar = Progress(len(args.seeds), quiet=args.json)
    probes: dict[str, int] = {}
    failing: list[int] = []
    for outcome in sweep(scenario, args.seeds):
        bar.step(broken=not outcome.holds)
        for name, times in outcome.probes.items():
            probes[name] = probes.get(name, 0) + times
        if args.json:
            told = {"scenario": scenario.name, "seed": outcome.seed, "trace": outcome.trace}
            told |= {"holds": outcome.holds, "expectations": outcome.broken, "metrics": outcome.metrics}
            print(json.dumps(told, ensure_ascii=False))
        if not outcome.holds:
            failing.append(outcome.seed)
            path = _keep(args.keep, scenario, outcome)
            bar.say(f"✗ 种子 seed {outcome.seed}: {'; '.join(outcome.details)[:200]}  {path}")
    bar.end()
    if not args.json:
        _tell_probes(probes)
        print(f"{len(args.seeds)} 个种子 seeds, {len(failing)} 个未成立 broken")
    if failing:
        _one_failing(args, draw(scenario, failing[0]))
    return BROKEN if failing else HOLDS


def _keep(folder: Path, scenario: Scenario, outcome: Outcome) -> Path:
    """Write the replay file of a seed that did not hold."""
    from sim.run import replay  # noqa: PLC0415
    from sim.scenario.draw import draw  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{scenario.name}-{outcome.seed}.replay.json"
    drawn = draw(scenario, outcome.seed)
    replay.write(path, replay.of(drawn, outcome.trace, outcome.broken))
    return path


def _one_failing(args: argparse.Namespace, drawn: Drawn) -> None:
    from sim.run.play import play  # noqa: PLC0415

    _keep_failure(args, play(drawn))


def _tell_probes(probes: dict[str, int]) -> None:
    from sim.run.probes import never_reached  # noqa: PLC0415

    for name, times in sorted(probes.items()):
        print(f"  探针 probe {name:<40} {times}")
    for name in never_reached(probes):
        print(f"  探针从未到达 probe never reached: {name}")


def _replay(args: argparse.Namespace) -> int:
    from protocols.errors import FieldgateError  # noqa: PLC0415
    from sim.run import replay  # noqa: PLC0415

    if args.file.is_dir() or args.file.suffix == ".jsonl":
        return feed_trace(args)
    try:
        kept = replay.read(args.file)
    except FieldgateError as error:
        print(error.zh, error.en, sep="\n", file=sys.stderr)
        return REFUSED
    return _one(args, kept.drawn, f"fieldgate sim replay {args.file}")


def _shrink(args: argparse.Namespace) -> int:
    from protocols.errors import FieldgateError  # noqa: PLC0415
    from sim.run import replay  # noqa: PLC0415

    try:
        kept = replay.read(args.file)
    except FieldgateError as error:
        print(error.zh, error.en, sep="\n", file=sys.stderr)
        return REFUSED

    def told(trials: int, faults: int, actions: int) -> None:
        print(
            f"\r{trials} 次 runs: {faults} 个故障 faults, {actions} 个动作 actions ", end="", file=sys.stderr
        )

    small = replay.shrink(kept, told=told)
    print(file=sys.stderr)
    if not small.broken:
        print("这次运行全部成立，无可缩小\nthis run holds: there is nothing to shrink", file=sys.stderr)
        return BROKEN
    path = args.to or args.file.with_suffix(".small.json")
    replay.write(path, small)
    for fault in small.drawn.schedule.faults:
        print(f"  {fault.at_s:9.1f} s  {fault.kind.value} {fault.target} {fault.for_s:.1f} s {fault.value:g}")
    print(f"{path}: {', '.join(small.broken)}")
    return HOLDS
