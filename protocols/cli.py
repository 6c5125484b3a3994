"""`fieldgate decode FAMILY HEX...`: what octets mean, one JSON object per event on standard output."""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
from collections.abc import Iterable, Iterator
from typing import TextIO

from protocols.errors import BadInputError
from protocols.families import FAMILIES, Event, Family

MAX_LINE_CHARS = 1_000_000
"""Longest line of hex read from standard input: minutes of a fast serial line, and an end to a wrong file."""

BAD_INPUT_STATUS = 2
"""Exit status for input that is refused, as everywhere on our command line."""

_SEPARATORS = re.compile(r"[\s:]+|\b0[xX]")
_NOT_HEX = re.compile(r"[^0-9A-Fa-f]")


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `decode` to the command line; its `run` takes the arguments and returns the exit status."""
    parser = subparsers.add_parser(
        "decode",
        help="say what octets of a wire protocol mean / 解释协议字节",
        description="Say what octets of a wire protocol mean, one JSON object per event. 每个事件一行 JSON。",
        epilog=f"families / 协议族:\n{_known()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("family", metavar="FAMILY", help="wire family, see below / 协议族，见下")
    parser.add_argument(
        "hex", metavar="HEX", nargs="+", help="octets in hex; - reads lines / 十六进制字节；- 表示逐行读入"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Decode and print; return 0, or 2 with the reason on standard error in both languages."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # a binary file is refused by its first character
    try:
        for event in decode(arguments.family, arguments.hex, sys.stdin):
            print(json.dumps(event, ensure_ascii=False), flush=True)
    except BadInputError as error:
        print(f"{error.en}\n{error.zh}", file=sys.stderr)
        return BAD_INPUT_STATUS
    return 0


def decode(family: str, words: list[str], lines: TextIO) -> Iterator[Event]:
    """Yield the events of hex words, or of the lines of `lines` if the only word is `-`.

    Raises BadInputError for an unknown family or for input that is not hex.
    """
    texts = _lines(lines) if words == ["-"] else [" ".join(words)]
    if family not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise BadInputError("FAMILY", limit=known, found=family, en="unknown wire family", zh="未知的协议族")
    return _events(FAMILIES[family], texts)


def octets_of(text: str) -> bytes:
    """Return the octets a hex text says; blanks, colons and 0x may separate them. Raises BadInputError."""
    digits = _SEPARATORS.sub("", text)
    if wrong := _NOT_HEX.search(digits):
        at = text.index(wrong.group()) + 1
        raise BadInputError(
            "HEX",
            limit="0-9 a-f A-F",
            found=wrong.group(),
            en=f"character {at} is no hex digit",
            zh=f"第 {at} 个字符不是十六进制数字",
        )
    if not digits:
        raise BadInputError("HEX", limit="at least one octet", found=text, en="no octets", zh="没有字节")
    if len(digits) % 2:
        raise BadInputError(
            "HEX", limit="two digits per octet", found=len(digits), en="odd number of digits", zh="位数为奇数"
        )
    return bytes.fromhex(digits)


def _events(family: Family, texts: Iterable[str]) -> Iterator[Event]:
    session = family.open()
    for text in texts:
        yield from session.feed(octets_of(text) if family.hex else text.encode(errors="replace"))
    yield from session.end()


def _lines(stream: TextIO) -> Iterator[str]:
    while line := stream.readline(MAX_LINE_CHARS + 1):
        if len(line) > MAX_LINE_CHARS:
            raise BadInputError(
                "HEX",
                limit=f"{MAX_LINE_CHARS} characters a line",
                found=line[:9],
                en="line too long",
                zh="行过长",
            )
        if line.strip():
            yield line


def _known() -> str:
    return "\n".join(f"  {name:<8} {family.en} / {family.zh}" for name, family in FAMILIES.items())
