"""Futures and tasks whose hash is a number, so that a set of them has one order in every process."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any, TypeVar

from typing_extensions import override

T = TypeVar("T")


class NumberedLoop(asyncio.BaseEventLoop):
    """A loop that counts what is hashed on it."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = itertools.count(1)

    def next_number(self) -> int:
        """Return 1, 2, 3 and so on."""
        return next(self._numbers)


class SimFuture(asyncio.Future[T]):
    """A future whose hash counts up from 1 on its loop.

    The number is drawn when it is first asked for: most futures are never hashed, and never pay for it.
    """

    _number = 0

    @override
    def __hash__(self) -> int:
        if not self._number:
            self._number = _next_number(self)
        return self._number


class SimTask(asyncio.Task[T]):
    """A task whose hash counts up from 1 on its loop; see SimFuture."""

    _number = 0

    @override
    def __hash__(self) -> int:
        if not self._number:
            self._number = _next_number(self)
        return self._number


def _next_number(future: asyncio.Future[Any]) -> int:
    loop = future.get_loop()
    assert isinstance(loop, NumberedLoop)  # noqa: S101 - nobody else makes them
    return loop.next_number()
