"""`fieldgate demo`: two real gateways in a simulated field, three cuts, and a count of what people saw."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path


def add_demo(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `demo` to the command line."""
    demo = subparsers.add_parser(
        "demo",
        help="play the main job on this machine 在本机演示",
        description="Headquarters, a vehicle, simulated radios, three cuts. 指挥部、指挥车、模拟电台与三断。",
    )
    demo.add_argument(
        "--once", action="store_true", help="end after the story (else: stay until Ctrl-C) 演完即退出"
    )
    demo.add_argument("--json", action="store_true", help="one JSON object on standard output 输出 JSON")
    demo.add_argument(
        "--dir",
        type=Path,
        default=Path("demo-run"),
        metavar="DIR",
        help="where configuration, keys, ports and logs go; made anew 运行目录 (demo-run)",
    )
    demo.set_defaults(run=_demo)


def _demo(args: argparse.Namespace) -> int:
    from protocols.errors import FieldgateError  # noqa: PLC0415 - other commands need not pay for the simulator
    from sim.demo.narrator import Narrator  # noqa: PLC0415
    from sim.demo.play import play  # noqa: PLC0415

    out = sys.stderr if args.json else sys.stdout
    try:
        verdict = asyncio.run(play(args.dir, Narrator(out), once=args.once))
    except FieldgateError as error:
        print(error.zh, file=sys.stderr)
        print(error.en, file=sys.stderr)
        return 1
    if args.json and verdict.report:
        print(verdict.report)
    return verdict.status
