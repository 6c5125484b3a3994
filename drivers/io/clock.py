"""The machine's clock."""

from __future__ import annotations

import asyncio
import time

from typing_extensions import override

from drivers.base import Clock


class SystemClock(Clock):
    """Time as the kernel tells it; the one place that asks."""

    @override
    def monotonic_s(self) -> float:
        return time.monotonic()  # noqa: TID251 - this is the clock that others are given

    @override
    def unix_ms(self) -> int:
        return time.time_ns() // 1_000_000

    @override
    async def sleep(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
