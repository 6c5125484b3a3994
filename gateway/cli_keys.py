"""`fieldgate keys new|show`: fresh keys for a roster's gateways; what a key file is, without its keys."""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path

from gateway.keys import describe, load_keys, new_master, write_all
from gateway.roster import load_roster
from protocols.errors import BadInputError

EXIT_BAD_INPUT = 2


def system_octets(count: int) -> bytes:
    """Draw from the operating system's source of secrets; keys come from nowhere else."""
    return random.SystemRandom().randbytes(count)


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `keys` with its subcommands; each sets `run` to a function of the parsed arguments."""
    keys = subparsers.add_parser("keys", help="make and show key files 密钥文件")
    commands = keys.add_subparsers(dest="keys_command", required=True, metavar="new|show")
    new = commands.add_parser("new", help="fresh keys for every gateway of a roster 生成密钥")
    new.add_argument("--roster", type=Path, required=True, metavar="FILE", help="the roster file 名册文件")
    new.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="directory for the key files 输出目录"
    )
    new.set_defaults(run=run_new)
    show = commands.add_parser("show", help="fingerprints of a key file 查看指纹")
    show.add_argument("file", type=Path, metavar="FILE")
    show.add_argument("--secret", action="store_true", help="print the keys themselves 显示密钥原文")
    show.add_argument("--json", action="store_true", help="one JSON object")
    show.set_defaults(run=run_show)


def run_new(args: argparse.Namespace, *, random_octets: Callable[[int], bytes] = system_octets) -> int:
    """Write master and station files and print their paths; 2 on bad input, nothing written."""
    try:
        paths = write_all(new_master(random_octets), _gateways(args.roster), args.out)
    except BadInputError as error:
        return _refuse(error)
    except OSError as error:
        return _refuse(_unwritable(args.out, error))
    for path in paths:
        print(path)
    return 0


def run_show(args: argparse.Namespace) -> int:
    """Print what a key file holds, keys as fingerprints unless asked for; 2 on bad input."""
    try:
        shown = describe(load_keys(args.file), secret=args.secret)
    except BadInputError as error:
        return _refuse(error)
    if args.json:
        print(json.dumps(shown, ensure_ascii=False))
        return 0
    for name, value in shown.items():
        if isinstance(value, dict):
            for number, key in value.items():
                print(f"{name}.{number}: {key}")
        else:
            print(f"{name}: {value}")
    return 0


def _gateways(roster: Path) -> list[int]:
    numbers = [number for number, station in load_roster(roster).stations.items() if station.gateway]
    if not numbers:
        raise BadInputError(
            "roster", limit="at least one station with gateway = true", found=0, zh="名册中没有网关台站"
        )
    return numbers


def _unwritable(path: Path, error: OSError) -> BadInputError:
    return BadInputError(
        "out", limit="a writable directory", found=f"{path}: {error.strerror}", zh="目录不可写"
    )


def _refuse(error: BadInputError) -> int:
    print(f"{error.en}\n{error.zh}", file=sys.stderr)
    return EXIT_BAD_INPUT
