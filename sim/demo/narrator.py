"""What the demo says: Chinese first, English under it, the seconds since the start in front."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Sequence
from typing import TextIO

from gateway.columns import table

BOLD, DIM, RED, GREEN, PLAIN = "\033[1m", "\033[2m", "\033[1;31m", "\033[32m", "\033[0m"
"""ANSI sequences; only on a terminal."""

INDENT = " " * 9
"""Width of the time in front."""

LINE_CHARS = 88
"""English lines end here: with the time in front they fit a terminal of 100 columns."""


class Narrator:
    """Writes to one stream; colours only where a person looks at a terminal."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._colours = out.isatty()
        self._start_s: float | None = None

    def elapsed_s(self) -> float:
        """Seconds since the first word."""
        now_s = asyncio.get_running_loop().time()
        if self._start_s is None:
            self._start_s = now_s
        return now_s - self._start_s

    def act(self, number: int, zh: str, en: str) -> None:
        """Begin an act."""
        self.elapsed_s()
        self._line("")
        self._line(self._paint(f"── {number} ── {zh} · {en}", BOLD))

    def say(self, zh: str, en: str) -> None:
        """Tell a fact."""
        self._pair("", zh, en, "")

    def good(self, zh: str, en: str) -> None:
        """Tell that something that was waited for has happened."""
        self._pair("✓ ", zh, en, GREEN)

    def bad(self, zh: str, en: str) -> None:
        """Tell what went wrong, or what is loud."""
        self._pair("! ", zh, en, RED)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Show a table."""
        self._line("")
        lines = table(head, rows)
        self._line(self._paint(f"  {lines[0]}", BOLD))
        for line in lines[1:]:
            self._line(f"  {line}")

    def plain(self, *lines: str) -> None:
        """Show lines as they are."""
        for line in lines:
            self._line(line)

    def _pair(self, mark: str, zh: str, en: str, colour: str) -> None:
        time = f"{self.elapsed_s():6.1f} s"
        said = self._paint(mark + zh, colour) if colour == RED else self._paint(mark, colour) + zh
        self._line(f"{self._paint(time, DIM)} {said}")
        for line in textwrap.wrap(en, LINE_CHARS):
            self._line(f"{INDENT}{' ' * len(mark)}{self._paint(line, DIM)}")

    def _paint(self, text: str, colour: str) -> str:
        return f"{colour}{text}{PLAIN}" if self._colours and colour else text

    def _line(self, text: str) -> None:
        self._out.write(text + "\n")
        self._out.flush()
