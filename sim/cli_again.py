"""`fieldgate sim replay` and `shrink`: play a kept run again; find the least that still breaks it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sim.cli_files import refusing
from sim.cli_outside import BROKEN, HOLDS, feed_trace
from sim.cli_run import play_and_tell

if TYPE_CHECKING:
    from sim.run.play import Result
    from sim.run.replay import Replay


def add_again(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `replay` and `shrink`."""
    replay = commands.add_parser(
        "replay",
        help="play a kept run, or a wire trace, again 重放",
        description="Plays the run of a replay file once more, or lets the gateway of --config hear what a "
        "trace of `run --trace` says. 重放一次运行，或让 --config 的网关重听一份抓包。",
    )
    replay.add_argument(
        "file", type=Path, metavar="FILE", help="a replay file, or a trace of `run --trace` 文件"
    )
    replay.add_argument("--config", type=Path, metavar="FILE", help="whose gateway hears a trace 配置文件")
    replay.add_argument("--json", action="store_true", help="one JSON object 输出 JSON")
    replay.add_argument("--report", type=Path, metavar="DIR", help="write page, tables and capture 报告目录")
    replay.add_argument(
        "--keep",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="where story and diagram go (here) 经过的目录",
    )
    replay.set_defaults(run=_replay)
    shrink = commands.add_parser(
        "shrink",
        help="find the least that still breaks it 缩小失败的运行",
        description="Drops faults, then actions, as long as something of what broke still breaks. Ctrl-C "
        "keeps the least found so far. 逐步去掉故障和动作，只留下仍会破坏的；Ctrl-C 保留已有结果。",
    )
    shrink.add_argument("file", type=Path, metavar="FILE", help="a replay file 重放文件")
    shrink.add_argument(
        "--to", type=Path, metavar="FILE", help="where the result goes (NAME.small.json) 输出文件"
    )
    shrink.set_defaults(run=_shrink)


def _replay(args: argparse.Namespace) -> int:
    from sim.run import replay  # noqa: PLC0415 - other commands need not pay for the simulator

    if args.file.is_dir() or args.file.suffix == ".jsonl":
        return feed_trace(args)

    def work() -> int:
        kept = replay.read(args.file)
        result = play_and_tell(args, kept.drawn, f"fieldgate sim replay {args.file}", again=args.file)
        _compare(kept, result)
        return HOLDS if result.holds else BROKEN

    return refusing(work)


def _compare(kept: Replay, result: Result) -> None:
    """Say whether it went as it did then."""
    from importlib.metadata import version  # noqa: PLC0415

    from sim.run.replay import broken_names  # noqa: PLC0415

    if kept.trace == result.trace:
        print("与当时逐字节相同 the same as then, octet for octet", file=sys.stderr)
    elif kept.trace:
        then, now = ", ".join(kept.broken) or "–", ", ".join(broken_names(result)) or "–"
        print(f"当时 then: {kept.version} {kept.trace} 未成立 broken: {then}", file=sys.stderr)
        print(f"现在 now:  {version('fieldgate')} {result.trace} 未成立 broken: {now}", file=sys.stderr)


def _shrink(args: argparse.Namespace) -> int:
    from sim.run import replay  # noqa: PLC0415

    return refusing(lambda: _smaller(args, replay.read(args.file)))


def _smaller(args: argparse.Namespace, kept: Replay) -> int:
    from sim.run import replay  # noqa: PLC0415

    path = args.to or args.file.with_suffix(".small.json")
    least = kept
    last = ""

    def told(trials: int, found: Replay) -> None:
        nonlocal least, last
        least = found
        before, last = last, f"{_counts(found)}"
        said = f"{trials} 次 runs: {last}"
        if sys.stderr.isatty():
            print(f"\r\033[K{said} ", end="", file=sys.stderr, flush=True)
        elif last != before:
            print(said, file=sys.stderr, flush=True)

    try:
        least = replay.shrink(kept, told=told)
    except KeyboardInterrupt:
        if least is not kept:
            replay.write(path, least)
            print(f"\n{path}", file=sys.stderr)
        raise
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if least is kept:
        print("这次运行全部成立，无可缩小\nthis run holds: there is nothing to shrink", file=sys.stderr)
        return BROKEN
    replay.write(path, least)
    print(f"{_counts(kept)}  →  {_counts(least)}")
    for fault in least.drawn.schedule.faults:
        print(f"  {fault.at_s:9.1f} s  {fault.kind.value} {fault.target} {fault.for_s:.1f} s {fault.value:g}")
    for action in least.drawn.scenario.actions:
        words = " ".join(part for part in (action.who, action.to, action.text) if part)
        print(f"  {action.t.low:9.1f} s  {action.do.value} {words}")
    print(f"未成立 broken: {', '.join(least.broken)}\n重放 replay: fieldgate sim replay {path}")
    return HOLDS


def _counts(kept: Replay) -> str:
    faults, actions = len(kept.drawn.schedule.faults), len(kept.drawn.scenario.actions)
    return f"{faults} 个故障 faults, {actions} 个动作 actions"
