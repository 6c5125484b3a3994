"""A bar for a terminal, for as long as a sweep takes; silent where nobody looks."""

from __future__ import annotations

import sys

WIDTH = 30


class Progress:
    """Counts steps on standard error; plain lines when that is no terminal."""

    def __init__(self, total: int, *, quiet: bool) -> None:
        self._total = total
        self._done = 0
        self._broken = 0
        self._shown = not quiet and sys.stderr.isatty()

    def step(self, *, broken: bool) -> None:
        """Count one."""
        self._done += 1
        self._broken += broken
        self._draw()

    def say(self, line: str) -> None:
        """Write a line above the bar."""
        clear = "\r\033[K" if self._shown else ""
        sys.stderr.write(f"{clear}{line}\n")
        self._draw()

    def end(self) -> None:
        """Leave the line."""
        if self._shown:
            sys.stderr.write("\n")

    def _draw(self) -> None:
        if self._shown:
            filled = WIDTH * self._done // max(1, self._total)
            bar = "█" * filled + "░" * (WIDTH - filled)
            sys.stderr.write(f"\r\033[K{bar} {self._done}/{self._total}  ✗ {self._broken}")
            sys.stderr.flush()
