"""`fieldgate`: the command line. A command's module is imported only when that command is asked for."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import Any

OWN: Mapping[str, str] = MappingProxyType(
    {
        "run": "gateway.cli_run",
        "check": "gateway.cli_run",
        "send": "gateway.cli_messages",
        "messages": "gateway.cli_messages",
        "links": "gateway.cli_links",
        "stations": "gateway.cli_links",
        "quiet": "gateway.cli_links",
        "rollcall": "gateway.cli_rollcall",
        "alarms": "gateway.cli_watch",
        "events": "gateway.cli_watch",
        "quarantine": "gateway.cli_watch",
        "keys": "gateway.cli_keys",
        "token": "gateway.cli_token",
    }
)
"""Command and the module whose `add_command(subparsers)` adds it; each parser sets `run(args) -> status`."""

GROUP = "fieldgate.commands"
"""Entry points of other packages' commands: each names an `add_command(subparsers)`."""

EPILOG = """exit status 退出码:
  0  done 完成
  1  refused, failed, or not all recipients reached 被拒绝、失败或未全部送达
  2  bad usage or bad input 用法或输入有误
  3  the gateway cannot be reached 无法连接网关
  4  not allowed: token, role or precedence ceiling 未授权：令牌、角色或等级上限

environment 环境变量: FIELDGATE_URL, FIELDGATE_TOKEN, LANG"""

INTERRUPTED = 130
"""What shells expect of a program ended by Ctrl-C."""

AddCommand = Callable[[Any], None]
"""Takes what `add_subparsers` returns."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; bad usage ends with status 2."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = build(words[0] if words else "")
    args = parser.parse_args(words)
    run: Callable[[argparse.Namespace], int] = args.run
    try:
        return run(args)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the exit must not write there again
        return 0


def build(wanted: str) -> argparse.ArgumentParser:
    """Return a parser that knows the command asked for, or all of them if it is none of ours."""
    parser = argparse.ArgumentParser(
        prog="fieldgate",
        description="Field-communications gateway. 应急现场通信网关。",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version 显示版本")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add_command in _adders(wanted):
        add_command(commands)
    return parser


class _Version(argparse.Action):
    """Looks the version up only when asked: reading package metadata is slower than a whole command."""

    def __call__(self, parser: argparse.ArgumentParser, *_args: Any) -> None:
        from importlib import metadata  # noqa: PLC0415 - as said above

        print(f"fieldgate {metadata.version('fieldgate')}")
        parser.exit()


def _adders(wanted: str) -> list[AddCommand]:
    if wanted in OWN:
        return [_of_module(OWN[wanted])]
    from importlib import metadata  # noqa: PLC0415 - only other packages' commands need it

    points = metadata.entry_points(group=GROUP)
    if wanted in points.names:
        return [points[wanted].load()]
    return [_of_module(name) for name in dict.fromkeys(OWN.values())] + [point.load() for point in points]


def _of_module(name: str) -> AddCommand:
    add_command: AddCommand = import_module(name).add_command
    return add_command


if __name__ == "__main__":
    sys.exit(main())
