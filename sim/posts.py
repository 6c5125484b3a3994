"""A callback on the loop's heap that nobody can cancel: what crowds are made of."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from typing import Any, ClassVar


class Post:
    """Looks like a handle to the loop, without a handle's context, cancellation and price."""

    __slots__ = ("argument", "callback", "queued")
    _cancelled: ClassVar[bool] = False
    _context: ClassVar[Context] = Context()
    """Empty: a post belongs to the world, not to a box that may be paused."""

    def __init__(self, callback: Callable[[Any], object], argument: object) -> None:
        self.callback = callback
        self.argument = argument
        self.queued = True

    def cancelled(self) -> bool:
        """Never."""
        return False

    def _run(self) -> None:
        self.callback(self.argument)
