"""`fieldgate sim`: work with scenario files."""

from __future__ import annotations

import argparse
import json
import sys

from sim.cli_again import add_again
from sim.cli_run import add_run


def add_sim(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `sim` and its own commands to the command line."""
    sim = subparsers.add_parser("sim", help="scenarios in a simulated world 仿真场景")
    commands = sim.add_subparsers(dest="sim_command", required=True, metavar="COMMAND")
    _add_check(commands)
    add_run(commands)
    add_again(commands)


def _add_check(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    check = commands.add_parser(
        "check",
        help="say everything that is wrong with scenario files 检查场景文件",
        description="Reads scenario files without running them. Exit status 2 if one cannot be used. "
        "只检查不运行；有误时退出码为 2。",
    )
    check.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="a TOML file, or the name of one that is shipped 文件，或自带场景的名字",
    )
    check.add_argument("--json", action="store_true", help="one JSON object for each file 输出 JSON")
    check.add_argument("--seed", type=int, metavar="N", help="show what this seed draws 显示该种子抽到的内容")
    check.set_defaults(run=_check)


def _check(args: argparse.Namespace) -> int:
    from protocols.errors import FieldgateError  # noqa: PLC0415 - other commands need not pay for the simulator
    from sim.scenario.draw import draw  # noqa: PLC0415
    from sim.scenario.library import find  # noqa: PLC0415
    from sim.scenario.problems import ScenarioError  # noqa: PLC0415
    from sim.scenario.read import load_scenario  # noqa: PLC0415

    status = 0
    for name in args.files:
        try:
            scenario = load_scenario(find(name))
        except FieldgateError as error:
            status = 2
            problems = error.problems if isinstance(error, ScenarioError) else ()
            rows = [{word: getattr(one, word) for word in _TOLD} for one in problems]
            if args.json:
                print(json.dumps({"file": name, "ok": False, "problems": rows}, ensure_ascii=False))
            else:
                print(error.zh, error.en, sep="\n", file=sys.stderr)
            continue
        drawn = draw(scenario, scenario.seed if args.seed is None else args.seed)
        counts = (
            len(drawn.scenario.nodes),
            len(drawn.scenario.groups),
            len(drawn.scenario.actions),
            len(drawn.schedule.faults),
        )
        if args.json:
            head = {"file": name, "ok": True, "name": scenario.name, "seed": drawn.seed}
            print(json.dumps(head | dict(zip(_COUNTS, counts, strict=True)), ensure_ascii=False))
            continue
        said = ", ".join(f"{zh} {en} {n}" for (en, zh), n in zip(_COUNTS.items(), counts, strict=True))
        print(f"{name}: 无误 good: {scenario.title_zh} {scenario.title_en}")
        print(f"  种子 seed {drawn.seed}: {said}")
        if args.seed is not None:
            print(f"  {', '.join(f'{family}: {mode}' for family, mode in drawn.modes)}")
            for fault in drawn.schedule.faults:
                value = f" {fault.value:g}" if fault.value else ""
                lasting = f" {fault.for_s:.1f} s" if fault.for_s else ""
                what = f"{fault.kind.value} {fault.target}{value}{lasting}"
                print(f"  {fault.at_s:9.1f} s  {what}  ({fault.cause})")
    return status


_TOLD = ("line", "key", "limit", "found", "hint", "en", "zh")
_COUNTS = {"gateways": "网关", "people": "人员", "actions": "动作", "faults": "故障"}
