"""A bar for a terminal, for as long as a sweep or a run takes; for a log, a line now and then."""

from __future__ import annotations

import sys
from typing import Final

from sim.pace import Wall
from sim.run.telling import span

WIDTH: Final = 30

LOG_LINES: Final = 10
"""Lines that a sweep writes where there is no terminal: a log of CI shows that it lives, and stays short."""

REDRAW_S: Final = 0.1
"""Shortest time between two drawings of the bar."""


class Progress:
    """Counts the seeds of a sweep on standard error; `quiet` says nothing of it."""

    def __init__(self, total: int, wall: Wall, *, quiet: bool) -> None:
        self._total = total
        self._wall = wall
        self._begun_s = wall.now_s()
        self._quiet = quiet
        self._bar = _Bar(quiet=quiet)
        self.done = 0
        self.broken = 0

    def step(self, *, broken: bool) -> None:
        """Count one."""
        before = self.done * LOG_LINES // self._total
        self.done += 1
        self.broken += broken
        self._bar.draw(self.done / self._total, self._words(), self._wall)
        if not self._bar.shown and not self._quiet and self.done * LOG_LINES // self._total > before:
            sys.stderr.write(f"{self._words()}\n")
            sys.stderr.flush()

    def say(self, line: str) -> None:
        """Write a line above the bar."""
        self._bar.clear()
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Take the bar away."""
        self._bar.clear()

    def _words(self) -> str:
        gone_s = self._wall.now_s() - self._begun_s
        left_s = gone_s / self.done * (self._total - self.done)
        pace = f"{self.done / gone_s:.1f}/s" if gone_s > 0 else ""
        left = f"  还需 left {span(left_s)}" if self.done < self._total else ""
        return f"{self.done}/{self._total}  ✗ {self.broken}  {pace}{left}"


class RunProgress:
    """Shows on a terminal how far one run has come."""

    def __init__(self, duration_s: float, wall: Wall) -> None:
        self._duration_s = duration_s
        self._wall = wall
        self._begun_s = wall.now_s()
        self._bar = _Bar(quiet=False)

    def at(self, now_s: float) -> None:
        """Take the virtual time."""
        gone_s = self._wall.now_s() - self._begun_s
        faster = f"  {now_s / gone_s:.0f}×" if gone_s > 1 else ""
        if now_s > self._duration_s:
            words = f"{span(now_s)}  已恢复，看能否收拾干净 healed, coming right{faster}"
        else:
            words = f"{span(now_s)} / {span(self._duration_s)}{faster}"
        self._bar.draw(min(1.0, now_s / self._duration_s), words, self._wall)

    def end(self) -> None:
        """Take the bar away."""
        self._bar.clear()


class _Bar:
    """One line of standard error, drawn over itself; nothing where that is no terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self.shown = not quiet and sys.stderr.isatty()
        self._next_s = 0.0

    def draw(self, share: float, words: str, wall: Wall) -> None:
        if not self.shown or wall.now_s() < self._next_s:
            return
        self._next_s = wall.now_s() + REDRAW_S
        filled = int(WIDTH * share)
        sys.stderr.write(f"\r\033[K{'█' * filled}{'░' * (WIDTH - filled)} {words}")
        sys.stderr.flush()

    def clear(self) -> None:
        if self.shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
