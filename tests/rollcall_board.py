"""A roll call as headquarters' page shows it."""

from __future__ import annotations

from typing import Any

from sim.fleet import SEAT, Box, until

FAST = """
[roll_call.timeout_s]
tiantong = 40.0
beidou = 60.0
"""
"""Time-outs short enough for a call of three minutes."""

SYNCED_S = 0.05
"""A commit can be read before its sync is over; only then does its writer know that the call has ended."""


class Board:
    """One roll call as headquarters' page shows it."""

    def __init__(self, box: Box, call_id: str) -> None:
        self.box = box
        self.call_id = call_id

    async def shown(self) -> dict[str, Any]:
        found = await self.box.backend.roll_call(self.call_id)
        assert found is not None
        counts: Any = found["counts"]
        parts = ("answered", "inferred", "absent", "fault", "wrong_station", "pending")
        assert counts["expected"] == sum(counts[part] for part in parts), "the counts always add up"
        return found

    async def entry(self, station: int) -> dict[str, Any]:
        entries: Any = (await self.shown())["entries"]
        return next(e for e in entries if e["station"] == station)

    async def state(self, station: int) -> str:
        return str((await self.entry(station))["state"])

    async def ended(self, limit_s: float = 3600.0) -> dict[str, Any]:
        async def over() -> bool:
            return bool((await self.shown())["state"] == "ended")

        await until(over, limit_s=limit_s)
        await self.box.clock.sleep(SYNCED_S)
        return await self.shown()


async def call(box: Box, *stations: str, deadline_s: int = 180) -> Board:
    """Begin a roll call at a box."""
    begun = await box.backend.start_roll_call(
        stations=stations, title="晚点名", exercise=False, deadline_s=deadline_s, caller=SEAT
    )
    return Board(box, str(begun["id"]))
