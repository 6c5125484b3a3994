"""What the tasks of a broken run waited for: what stands out first, what always waits there left away."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from sim.faults.model import Schedule
from sim.record import What
from sim.run.play import play
from sim.scenario.draw import Drawn

QUIET_S: Final = 90.0
"""How long the quiet twin of a run is played: every gateway is up and every link has been looked at."""

PRIMITIVES: Final = ("(clock.py", "(tasks.py", "(locks.py", "(queues.py", "(waiting.py", "(taskgroups.py")
"""Where every wait ends: a task that now sleeps and now waits at one place of ours is at rest in both."""

_LINE: Final = re.compile(r":\d+\)")


def resting(drawn: Drawn) -> frozenset[str]:
    """Return where tasks wait in the same world when nothing happens and nothing breaks."""
    scenario = replace(drawn.scenario, actions=(), expects=(), duration_s=QUIET_S)
    quiet = play(replace(drawn, scenario=scenario, schedule=Schedule()), keep=frozenset({What.PHASE}))
    return frozenset(_place(line) for line in quiet.pending)


def telling(pending: Iterable[str], rest: frozenset[str]) -> list[str]:
    """Return what waits elsewhere than in a quiet world, alike in one line: "who and 2 more at where"."""
    groups: dict[str, list[str]] = {}
    for line in pending:
        name, _, place = line.partition(" at ")
        if _place(line) not in rest:
            groups.setdefault(place, []).append(name)
    return [
        f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''} at {place}"
        for place, names in groups.items()
    ]


def _place(line: str) -> str:
    """Return where a task waits, without whose it is and the lines: they differ from wait to wait."""
    frames = line.partition(" at ")[2].split(" > ")
    while len(frames) > 1 and any(one in frames[-1] for one in PRIMITIVES):
        frames.pop()
    return _LINE.sub(")", " > ".join(frames))
