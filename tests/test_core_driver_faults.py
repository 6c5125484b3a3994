"""A driver with a bug in sending is that link's state; the gateway and its other links go on."""

from __future__ import annotations

from pathlib import Path

from drivers.base import LinkState
from tests.core_scene import link_is, link_state, passes, scene, texts


async def test_driver_that_raises_while_sending_is_this_links_state_alone(tmp_path: Path) -> None:
    """What a driver raises in `send` takes its link down, with the reason; the next link carries it."""
    async with scene(tmp_path, "pdt") as field:
        field.veh.trace.broken_link, field.veh.trace.broken_way = "ip", "tx"
        message = await field.veh.send("HQ", "其余照常")

        await link_is(field.veh, "ip", LinkState.DOWN, limit_s=30)
        view = field.veh.gateway.core.links["ip"].health.view(field.veh.gateway.core.now_s())
        assert view.reason == "driver failed: RuntimeError"
        assert await field.veh.reaches(message, "delivered", limit_s=120) < 60
        assert link_state(field.veh, "pdt") is LinkState.UP


async def test_driver_that_raised_while_sending_is_opened_again(tmp_path: Path) -> None:
    """Once the fault is gone the link comes back by itself and carries again."""
    async with scene(tmp_path) as field:
        field.veh.trace.broken_link, field.veh.trace.broken_way = "ip", "tx"
        message = await field.veh.send("HQ", "稍后送达")
        await passes(120)
        field.veh.trace.broken_link = ""

        await field.veh.reaches(message, "delivered", limit_s=180)
        assert await texts(field.hq) == ["稍后送达"]


async def test_text_that_broke_the_driver_is_of_unknown_outcome(tmp_path: Path) -> None:
    """A native text during which the driver failed may be there: it is repeated at most twice, marked."""
    async with scene(tmp_path, "pdt") as field:
        field.veh.trace.broken_link, field.veh.trace.broken_way = "pdt", "tx"
        await field.veh.send("ZHANG", "原地待命")
        await passes(60)
        field.veh.trace.broken_link = ""
        await passes(900)

        assert field.one.texts() == ["（重发）VEH-3：原地待命"]


async def test_port_is_free_again_when_saying_goodbye_fails(tmp_path: Path) -> None:
    """A driver that fails even while it says goodbye to its radio frees the port: the link comes back."""
    async with scene(tmp_path, "pdt") as field:
        field.veh.trace.broken_link, field.veh.trace.broken_way = "pdt", "tx"
        await field.veh.send("ZHANG", "原地待命")
        await link_is(field.veh, "pdt", LinkState.DOWN, limit_s=30)
        field.veh.trace.broken_link = ""

        await link_is(field.veh, "pdt", LinkState.UP, limit_s=120)
