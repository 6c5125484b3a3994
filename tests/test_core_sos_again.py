"""An alarm that somebody looks after never hides the next cry for help of the same station."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.base import Precedence
from gateway.api.backend import NotFoundError
from gateway.domain import Alarm
from gateway.ledger import notes
from gateway.native import SOS_RAISED
from sim.fleet import SEAT, Box, until
from tests.core_scene import ONE, Scene, passes, scene, shown_at_hq

KEY = f"sos:{ONE}"


async def shown(box: Box) -> Alarm:
    """The alarm of the handheld as a gateway shows it."""
    found = await box.backend.alarms(active_only=False)
    return next(alarm for alarm in found if alarm.key == KEY)


async def told(field: Scene) -> int:
    """How many messages of precedence SOS headquarters' screen shows."""
    return sum(message.precedence is Precedence.SOS for message in await field.hq.inbox())


async def loud_again(field: Scene, box: Box, since_unix_ms: int) -> None:
    """Wait until the alarm stands unacknowledged with a later time."""

    async def again() -> bool:
        alarm = await shown(box)
        return alarm.acknowledged_by == "" and alarm.raised_unix_ms > since_unix_ms

    await until(again, limit_s=60)
    assert field.hq.on


@pytest.mark.parametrize("where", ["both", "vehicle", "headquarters"])
async def test_text_after_an_acknowledgement_is_loud_again(tmp_path: Path, where: str) -> None:
    """Wherever the first alarm was acknowledged, a second SOS text raises it anew and is told as SOS."""
    async with scene(tmp_path, "pdt") as field:
        seats = {"both": field.boxes, "vehicle": (field.veh,), "headquarters": (field.hq,)}[where]
        field.one.type_text("求救，有人被困")
        await shown_at_hq(field, 1)
        await passes(60)
        first = {box.name: (await shown(box)).raised_unix_ms for box in seats}
        for box in seats:
            await box.backend.acknowledge_alarm(KEY, SEAT)
        field.one.type_text("求救，又塌了")
        for box in seats:
            await loud_again(field, box, first[box.name])

        await until(lambda: _reached(field, 2), limit_s=60)
        assert "又塌了" in (await shown(field.hq)).detail


async def _reached(field: Scene, number: int) -> bool:
    return await told(field) >= number


@pytest.mark.parametrize("where", ["both", "vehicle", "headquarters"])
async def test_button_after_an_acknowledgement_is_loud_again(tmp_path: Path, where: str) -> None:
    """Wherever it was acknowledged, a second press of the button raises it anew there, and is told as SOS."""
    async with scene(tmp_path, "pdt") as field:
        seats = {"both": field.boxes, "vehicle": (field.veh,), "headquarters": (field.hq,)}[where]
        field.one.press_emergency()
        await shown_at_hq(field, 1)
        await passes(60)
        before = await told(field)
        first = {box.name: (await shown(box)).raised_unix_ms for box in seats}
        for box in seats:
            await box.backend.acknowledge_alarm(KEY, SEAT)
        field.one.press_emergency()
        for box in seats:
            await loud_again(field, box, first[box.name])

        await until(lambda: _reached(field, before + 1), limit_s=60)
        assert (await field.hq.inbox())[-1].text.startswith(SOS_RAISED)


async def test_repeats_of_one_press_stay_acknowledged(tmp_path: Path) -> None:
    """A set repeats its alarm for some seconds: who acknowledged in between is not called again by that."""
    async with scene(tmp_path, "pdt") as field:
        field.one.press_emergency()
        await shown_at_hq(field, 1)
        await field.veh.backend.acknowledge_alarm(KEY, SEAT)
        await passes(15)  # the set repeats after 4 and 8 s

        assert (await shown(field.veh)).acknowledged_by == SEAT.name


async def test_distress_at_once_after_an_acknowledgement_at_headquarters(tmp_path: Path) -> None:
    """A second text within seconds, sent on as PRIORITY by a vehicle, is loud at headquarters too."""
    async with scene(tmp_path, "pdt") as field:
        field.one.type_text("求救，有人被困")
        await shown_at_hq(field, 1)
        first = (await shown(field.hq)).raised_unix_ms
        await field.hq.backend.acknowledge_alarm(KEY, SEAT)
        field.one.type_text("救命，快")

        await loud_again(field, field.hq, first)


async def test_operator_clears_an_alarm_by_name(tmp_path: Path) -> None:
    """Clearing ends the alarm and acknowledges it, tells who did it, and records the act under that name."""
    async with scene(tmp_path, "pdt") as field:
        field.one.type_text("求救")
        await shown_at_hq(field, 1)
        cleared = await field.hq.backend.clear_alarm(KEY, SEAT)
        await field.hq.backend.clear_alarm(KEY, SEAT)
        ledger = field.hq.gateway.core.ledger
        acts = await ledger.read(notes.list_audit)
        _, events = await field.hq.backend.events_after(0, 500)

        assert (cleared.cleared_by, cleared.acknowledged_by) == (SEAT.name, SEAT.name)
        assert cleared.cleared_unix_ms > 0
        assert KEY not in [alarm.key for alarm in await field.hq.backend.alarms(active_only=True)]
        assert [(act.name, act.detail) for act in acts if act.act == "clear_alarm"] == [(SEAT.name, KEY)]
        told_of = [body for _, kind, body, _ in events if kind == "alarm.cleared"]
        assert told_of == [{"key": KEY, "station": ONE, "by": SEAT.name}]
        with pytest.raises(NotFoundError):
            await field.hq.backend.clear_alarm("sos:9", SEAT)


async def test_sos_after_clearing_is_a_new_alarm(tmp_path: Path) -> None:
    """What an operator has cleared is over: the next SOS is an alarm like the first."""
    async with scene(tmp_path, "pdt") as field:
        field.one.type_text("求救，有人被困")
        await shown_at_hq(field, 1)
        await passes(60)
        cleared = await field.hq.backend.clear_alarm(KEY, SEAT)
        field.one.type_text("求救，又塌了")
        await loud_again(field, field.hq, cleared.raised_unix_ms)

        assert (await shown(field.hq)).cleared_unix_ms == 0
