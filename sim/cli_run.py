"""`fieldgate sim run`: play a scenario, for one seed or many, and say whether what was expected held."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sim.cli_files import keep, look_ahead, refusing, write_all
from sim.cli_outside import BROKEN, HOLDS, outside

if TYPE_CHECKING:
    from sim.pace import Pace
    from sim.run.play import Result
    from sim.scenario.draw import Drawn

MAX_SEEDS = 1_000_000
"""Most seeds of one sweep: a week of the smallest world."""


def add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `run`."""
    run = commands.add_parser(
        "run",
        help="play a scenario 运行场景",
        description="Plays a scenario in virtual time, for one seed or many. Exit status 0: every "
        "expectation held; 1: one did not; 2: it could not be played. "
        "在虚拟时间中运行场景。退出码 0：全部期望成立；1：有的未成立；2：无法运行。",
    )
    run.add_argument(
        "file", metavar="FILE", help="a TOML file, or the name of a shipped one 文件或自带场景名"
    )
    seeds = run.add_mutually_exclusive_group()
    seeds.add_argument("--seed", type=_seed, metavar="N", help="the seed (that of the file) 种子")
    seeds.add_argument("--seeds", type=_range, metavar="A..B", help="many seeds, on all cores 多个种子")
    run.add_argument(
        "--rate", type=_rate, default=0.0, metavar="X", help="virtual seconds per real one (no limit) 倍速"
    )
    run.add_argument("--json", action="store_true", help="one JSON object per seed 每个种子输出一个 JSON")
    run.add_argument(
        "--report",
        type=Path,
        metavar="DIR",
        help="write page, tables and capture; with --seeds those of the first that broke 报告目录",
    )
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
        help="where the files of failures go (here) 失败的重放文件与经过的目录 (当前目录)",
    )
    run.set_defaults(run=_run)


def _seed(text: str) -> int:
    if not (text.isdecimal() and text.isascii()):
        raise argparse.ArgumentTypeError(f"{text!r}: a number from 0 on 种子为非负整数")
    return int(text)


def _range(text: str) -> range:
    first, dots, last = text.partition("..")
    if not dots or not (first.isdecimal() and last.isdecimal() and text.isascii()) or int(last) < int(first):
        raise argparse.ArgumentTypeError(f"{text!r}: A..B, such as 1..200 形如 1..200")
    if int(last) - int(first) >= MAX_SEEDS:
        raise argparse.ArgumentTypeError(f"{text!r}: at most {MAX_SEEDS} seeds 种子过多")
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
    from sim.scenario.draw import draw  # noqa: PLC0415 - other commands need not pay for the simulator
    from sim.scenario.library import find  # noqa: PLC0415
    from sim.scenario.read import load_scenario  # noqa: PLC0415

    def work() -> int:
        scenario = load_scenario(find(args.file))
        seed = scenario.seed if args.seed is None else args.seed
        if args.pty:
            return outside(args, draw(scenario, seed))
        if args.seeds is not None:
            from sim.cli_sweep import sweep_and_tell  # noqa: PLC0415

            return sweep_and_tell(args, scenario)
        drawn = draw(scenario, seed)
        result = play_and_tell(args, drawn, f"fieldgate sim run {args.file} --seed {drawn.seed}")
        return HOLDS if result.holds else BROKEN

    return refusing(work)


def play_and_tell(
    args: argparse.Namespace, drawn: Drawn, command: str, *, again: Path | None = None
) -> Result:
    """Play one run, tell it, and write what was asked for. `again`: its replay file, if it has one already.

    Raises BadInputError where something cannot be written.
    """
    from sim.pace import RealWall  # noqa: PLC0415
    from sim.record import What  # noqa: PLC0415
    from sim.run import telling  # noqa: PLC0415
    from sim.run.failure import KEPT  # noqa: PLC0415
    from sim.run.outline import outline  # noqa: PLC0415
    from sim.run.play import play  # noqa: PLC0415
    from sim.run.progress import RunProgress  # noqa: PLC0415

    look_ahead(args)
    print(telling.head(drawn), file=sys.stderr if args.json else sys.stdout, flush=True)
    wall = RealWall()
    bar = RunProgress(drawn.scenario.duration_s, wall)
    begun_s = wall.now_s()
    try:
        wanted = frozenset(What) if args.report else KEPT
        result = play(drawn, keep=wanted, pace=_pace(args), told=bar.at)
    finally:
        bar.end()
    real_s = wall.now_s() - begun_s
    if not args.json:
        if result.budgets:
            print(telling.BUDGETS, result.budgets, sep="\n")
        print(*telling.verdicts(result), telling.figures(result), telling.tail(result, real_s), sep="\n")
    told = outline(result)
    if args.report:
        write_all(args.report, result, command)
    if not result.holds:
        told["replay"] = str(keep(args, result, command, again))
    if args.json:
        print(json.dumps(told, ensure_ascii=False))
    return result


def _pace(args: argparse.Namespace) -> Pace | None:
    from sim.pace import Pace, RealWall  # noqa: PLC0415

    rate = getattr(args, "rate", 0.0)
    return Pace(rate, RealWall()) if rate else None
