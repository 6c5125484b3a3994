"""A message to several: each recipient's copy is told of once, however the frames divide them."""

from __future__ import annotations

from pathlib import Path

from typing_extensions import override

from gateway.api.backend import NewMessage
from sim.env import SimHooks
from sim.fleet import SEAT
from tests.core_scene import ONE, VEH, scene


class _SmallFrames(SimHooks):
    """Frames take one element, as when much waits."""

    @override
    def buggify(self, name: str) -> bool:
        return name == "outbox.full_frame"


async def test_a_recipient_named_by_a_later_frame_is_told_of(tmp_path: Path) -> None:
    """The vehicle's own copy comes in a second frame: its screen learns of it, and of no copy twice."""
    async with scene(tmp_path, "pdt") as field:
        field.hq.gateway.core.hooks = _SmallFrames()
        new = NewMessage(to=("ZHANG", "VEH-3"), text="请报告位置")
        message, _ = await field.hq.backend.submit(new, SEAT, None)
        for station in (ONE, VEH):
            await field.hq.reaches(message, "delivered", station=station, limit_s=120)

        _, rows = await field.veh.backend.events_after(0, 500)
        told = [body["to"] for _, kind, body, _ in rows if kind == "message.accepted"]
        assert sorted(told, key=str) == [[VEH], [ONE]]
        assert [one.id for one in await field.veh.inbox()] == [message.id]
