"""Things that happen later to lines, channels and devices, at the least cost a loop has for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from sim.loop import NEUTRAL, NS_PER_S, VirtualLoop

T = TypeVar("T")


def after(delay_s: float, callback: Callable[[T], object], argument: T) -> None:
    """Call `callback(argument)` after so many seconds, whoever is paused then; it cannot be called off."""
    loop = asyncio.get_running_loop()
    if isinstance(loop, VirtualLoop):
        # as `call_later`: a wait shorter than the clock can show still ends later
        wait_ns = max(round(delay_s * NS_PER_S), 1) if delay_s > 0 else 0
        loop.post(loop.now_ns + wait_ns, callback, argument)
    else:
        loop.call_later(delay_s, callback, argument, context=NEUTRAL)
