"""`fieldgate token new|hash`: a fresh token, shown once, and the table for the configuration."""

from __future__ import annotations

import argparse
import base64
import json
import random
import sys

TOKEN_OCTETS = 24
"""192 bits of chance: nobody guesses it, and it is still short enough to type once."""

ROLES = ("viewer", "operator", "admin")
CEILINGS = ("DEFERRED", "ROUTINE", "PRIORITY", "IMMEDIATE", "FLASH", "SOS")
EXIT_BAD_INPUT = 2
MAX_TOKEN_CHARS = 256


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `token`."""
    token = subparsers.add_parser("token", help="make tokens for the API 生成令牌")
    commands = token.add_subparsers(dest="token_command", required=True, metavar="new|hash")
    new = commands.add_parser("new", help="a fresh token and its table 新令牌")
    known = commands.add_parser("hash", help="the table of a token read from standard input 已有令牌")
    for parser, run in ((new, run_new), (known, run_hash)):
        parser.add_argument("name", metavar="NAME", help="who holds it; stands in every record 持有人")
        parser.add_argument("--role", choices=ROLES, default="operator", help="角色")
        parser.add_argument("--ceiling", choices=CEILINGS, default="IMMEDIATE", help="等级上限")
        parser.set_defaults(run=run)


def run_new(args: argparse.Namespace, *, chance: random.Random | None = None) -> int:
    """Print the token on the first line, then its `[[token]]` table; only the table goes into the file."""
    octets = (chance or random.SystemRandom()).randbytes(TOKEN_OCTETS)
    token = base64.urlsafe_b64encode(octets).decode().rstrip("=")
    print(token)
    print(table(token, args))
    return 0


def run_hash(args: argparse.Namespace) -> int:
    """Print the `[[token]]` table of a token from standard input."""
    token = sys.stdin.readline(MAX_TOKEN_CHARS + 2).strip()
    if not token.isascii() or not token.isprintable() or not 0 < len(token) <= MAX_TOKEN_CHARS:
        print(
            f"token: 1..{MAX_TOKEN_CHARS} printable ASCII characters\n令牌：应为可打印字符", file=sys.stderr
        )
        return EXIT_BAD_INPUT
    print(table(token, args))
    return 0


def table(token: str, args: argparse.Namespace) -> str:
    """Return the TOML table that lets this token in."""
    from gateway.api.settings import hash_token  # noqa: PLC0415 - msgspec is not needed to send a message

    return "\n".join(
        (
            "[[token]]",
            f"name = {json.dumps(args.name, ensure_ascii=False)}",
            f'role = "{args.role}"',
            f'ceiling = "{args.ceiling}"',
            f'sha256 = "{hash_token(token)}"',
        )
    )
