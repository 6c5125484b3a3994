"""Fenced blocks and links of our Markdown files."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BLOCK = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)|!\[[^\]]*\]\((?P<image>[^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: the words behind the fence, its text, and the line it begins at."""

    info: str
    body: str
    line: int


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a document, in order."""
    return [
        Block(found["info"].strip(), found["body"], text.count("\n", 0, found.start()) + 1)
        for found in _BLOCK.finditer(text)
    ]


def links(text: str) -> list[str]:
    """Return the targets of links and images outside fenced blocks."""
    prose = _BLOCK.sub("", text)
    return [found["target"] or found["image"] for found in _LINK.finditer(prose)]
