"""An emergency's place reaches headquarters in figures, though the radio tells it after the button."""

from __future__ import annotations

from pathlib import Path

from gateway.domain import Alarm
from gateway.native import SOS_PLACED, SOS_RAISED
from sim.fleet import SEAT, until
from tests.core_scene import ONE, Scene, passes, scene, texts

NORTH_DEG, EAST_DEG = 30.25, 102.5


async def alarm(field: Scene) -> Alarm | None:
    """The SOS as headquarters shows it."""
    found = await field.hq.backend.alarms(active_only=True)
    return next((one for one in found if one.key == f"sos:{ONE}"), None)


async def test_place_stands_beside_the_alarm_at_headquarters(tmp_path: Path) -> None:
    """Within ten seconds of the button headquarters' alarm has the handheld's position."""
    async with scene(tmp_path, "pdt") as field:
        field.one.switch_on()
        field.one.press_emergency()

        async def placed() -> bool:
            shown = await alarm(field)
            return shown is not None and shown.position is not None

        await until(placed, limit_s=10)
        shown = await alarm(field)
        assert shown is not None
        assert shown.position is not None
        assert abs(shown.position.latitude_deg - NORTH_DEG) < 0.001
        assert abs(shown.position.longitude_deg - EAST_DEG) < 0.001


async def test_one_message_for_the_button_and_one_for_the_place(tmp_path: Path) -> None:
    """However often the radio repeats its alarm, headquarters reads of the button once, of the place once."""
    async with scene(tmp_path, "pdt") as field:
        field.one.switch_on()
        field.one.press_emergency()
        await passes(30)  # the set repeats its alarm after 4 and 8 s

        told = [text.partition("】")[0] + "】" for text in await texts(field.hq)]
        assert told == [SOS_RAISED, SOS_PLACED]


async def test_a_place_that_follows_calls_nobody_again(tmp_path: Path) -> None:
    """Who acknowledged the button's alarm at once sees its place when that comes, and stays its keeper."""
    async with scene(tmp_path, "pdt") as field:
        field.one.switch_on()
        key = f"sos:{ONE}"
        field.one.press_emergency()

        async def raised() -> bool:
            return await alarm(field) is not None

        await until(raised, limit_s=30)
        await field.hq.backend.acknowledge_alarm(key, SEAT)
        await passes(30)

        shown = await alarm(field)
        assert shown is not None
        assert shown.position is not None
        assert shown.acknowledged_by == SEAT.name
