"""What the tasks of a loop wait for: said when nothing moves, and when a run fails."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

AWAIT_CHAIN_MAX: Final = 64
"""Deepest chain of awaits that an error follows; bounds the report of a runaway recursion."""


def waiting() -> list[str]:
    """Return what each task of the running loop waits for, oldest first."""
    tasks = sorted(asyncio.all_tasks(), key=hash)
    return [f"{task.get_name()} at {_await_point(task)}" for task in tasks]


def what_waits(loop: asyncio.AbstractEventLoop) -> str:
    """Return the same of a loop that need not run, in one line."""
    tasks = sorted(asyncio.all_tasks(loop), key=hash)
    return "waiting: " + (
        "; ".join(f"{task.get_name()} at {_await_point(task)}" for task in tasks) or "no task at all"
    )


def _await_point(task: asyncio.Task[Any]) -> str:
    """Where a task stands: every frame from its outermost coroutine to the innermost await."""
    places = []
    waiter: object = task.get_coro()
    for _ in range(AWAIT_CHAIN_MAX):
        frame = _first(waiter, "cr_frame", "ag_frame", "gi_frame")
        if not isinstance(frame, FrameType):
            break
        code: CodeType = frame.f_code
        places.append(f"{code.co_name} ({Path(code.co_filename).name}:{frame.f_lineno})")
        waiter = _first(waiter, "cr_await", "ag_await", "gi_yieldfrom")
    return " > ".join(places) or repr(task)


def _first(thing: object, *names: str) -> object:
    for name in names:
        value: object = getattr(thing, name, None)
        if value is not None:
            return value
    return None
