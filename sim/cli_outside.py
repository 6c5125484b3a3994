"""`sim run --pty` and `sim replay` of a wire trace: the simulator and real gateways."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.run.outside_files import Offer
    from sim.scenario.draw import Drawn

HOLDS, BROKEN, REFUSED = 0, 1, 2
"""Exit statuses: every expectation held; one did not; the file cannot be used."""


def outside(args: argparse.Namespace, drawn: Drawn) -> int:
    """Serve the field of a scenario to programs outside, until Ctrl-C."""
    from protocols.errors import FieldgateError  # noqa: PLC0415
    from sim.run.outside import serve  # noqa: PLC0415

    if args.seeds is not None or args.report or args.rate not in (0.0, 1.0):
        print("--pty 实时运行一个种子，不能与 --seeds、--report 或 --rate 同用", file=sys.stderr)
        print("--pty plays one seed in real time: not with --seeds, --report or --rate", file=sys.stderr)
        return REFUSED

    def offer(made: Offer) -> None:
        if args.json:
            print(json.dumps(made.told(), ensure_ascii=False), flush=True)
        else:
            _tell_offer(made)

    def tell(line: str) -> None:
        print(line, file=sys.stderr if args.json else sys.stdout, flush=True)

    try:
        serve(drawn, args.dir, offer=offer, tell=tell)
    except FieldgateError as error:
        print(error.zh, error.en, sep="\n", file=sys.stderr)
        return REFUSED
    return HOLDS


def _tell_offer(made: Offer) -> None:
    print(f"{made.title_zh} {made.title_en}   种子 seed {made.seed}")
    print("\n设备串口，可用 minicom、gammu 或网关打开 serial ports, for minicom, gammu or a gateway")
    for node, bearer, path, baud_bps in made.ports:
        print(f"  {node:<12} {bearer:<10} {baud_bps:>7} {path}")
    print("\n网关，各开一个终端运行 gateways, each in a terminal of its own")
    for _, config, _, _ in made.gateways:
        print(f"  fieldgate run --config {config}")
    print("\n网页 pages")
    for node, _, url, token in made.gateways:
        print(f"  {node:<12} {url}/#token={token}")
    node, _, url, token = made.gateways[0]
    to = made.gateways[-1][0]
    print(f"\n发报 send, at {node}")
    print(f"  export FIELDGATE_URL={url} FIELDGATE_TOKEN={token}")
    print(f"  fieldgate send {to} --text 你好")
    print("\nCtrl-C 结束 ends it\n", flush=True)


def feed_trace(args: argparse.Namespace) -> int:
    """Play a wire trace to the gateway of a configuration file."""
    from protocols.errors import FieldgateError  # noqa: PLC0415
    from sim.run.wire import feed  # noqa: PLC0415

    if args.config is None:
        print("重放抓包需要 --config FILE\na wire trace needs --config FILE", file=sys.stderr)
        return REFUSED
    try:
        told = feed(args.config, args.file)
    except FieldgateError as error:
        print(error.zh, error.en, sep="\n", file=sys.stderr)
        return REFUSED
    if args.json:
        print(json.dumps(told, ensure_ascii=False))
        return HOLDS
    _tell_feed(told)
    return HOLDS


def _tell_feed(told: dict[str, Any]) -> None:
    print(f"抓包 trace: {told['seconds']:.1f} s")
    for name, counts in told["frames"].items():
        print(f"  帧 frames   {name:<20} 当时 then {counts['then']:>6}   现在 now {counts['now']:>6}")
    for one in told["changes"]:
        print(f"  链路 link   {one['at_s']:>8.1f} s  {one['link']:<16} {one['state']}")
    for one in told["messages"]:
        print(f"  报文 message  {one['id']:<14} {one['from']:>5}: {one['text']}")
    for one in told["alarms"]:
        print(f"  告警 alarm    {one['key']}")
