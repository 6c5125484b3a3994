"""Who is there, where, and who calls for help: registrations, enquiries, positions, the emergency button."""

from __future__ import annotations

import asyncio

import pytest

from drivers.base import Emergency, Heard, Position, Stage
from tests.hytera_scene import HERE, ONE, TWO, Scene


async def test_registration_is_answered_and_heard() -> None:
    """A handheld that registers is told when to renew, and the gateway hears of it."""
    scene = Scene()
    async with scene.link(renew_s=600) as watch:
        scene.one.switch_on()

        heard = await watch.wait_for(Heard)
        await asyncio.sleep(2)

    assert (heard.address, heard.how, heard.online) == (str(ONE), "registration", True)
    assert scene.one.registered
    assert scene.hq.host_registrations == {ONE: 600}


async def test_going_offline_is_heard() -> None:
    """A handheld that is switched off says so."""
    scene = Scene()
    async with scene.link() as watch:
        scene.one.switch_off()

        heard = await watch.wait_for(Heard)

    assert (heard.address, heard.online) == (str(ONE), False)


async def test_online_check_of_a_station_that_is_there() -> None:
    """The machine's roll call: the answer carries the handle of the enquiry."""
    scene = Scene()
    async with scene.link() as watch:
        handle = await watch.check(ONE)

        heard = await watch.wait_for(Heard)

    assert (heard.address, heard.how, heard.online, heard.handle) == (str(ONE), "online_check", True, handle)


async def test_online_check_of_a_station_that_is_not() -> None:
    """Nobody there: the radio reports that no acknowledgement came, and says it in words."""
    scene = Scene()
    scene.one.in_coverage = False
    async with scene.link() as watch:
        handle = await watch.check(ONE)

        progress = await watch.stage(handle, Stage.FAILED, Stage.UNKNOWN)

    assert progress.stage is Stage.FAILED
    assert "对方未应答" in progress.reason


async def test_online_check_without_any_word_is_unknown() -> None:
    """A radio that reports nothing at all leaves the outcome unknown, within the time configured."""
    scene = Scene()
    scene.one.in_coverage = False
    scene.hq.faults.silent_results = True
    async with scene.link(check_timeout_s=7) as watch:
        asked_s = asyncio.get_running_loop().time()
        handle = await watch.check(ONE)

        progress = await watch.stage(handle, Stage.FAILED, Stage.UNKNOWN)
        took_s = asyncio.get_running_loop().time() - asked_s

    assert progress.stage is Stage.UNKNOWN
    assert took_s == pytest.approx(7, abs=0.2)


async def test_position_is_asked_and_told() -> None:
    """A STATUS enquiry for the position is answered with degrees."""
    scene = Scene()
    async with scene.link() as watch:
        handle = await watch.check(ONE, "position")

        heard = await watch.wait_for(Heard)

    assert heard.handle == handle
    assert heard.position is not None
    assert (heard.position.latitude_deg, heard.position.longitude_deg) == pytest.approx(HERE, abs=1e-5)


async def test_triggered_report_is_heard() -> None:
    """A report of a series that others set up counts as a position."""
    scene = Scene()
    async with scene.link() as watch:
        scene.hq.triggered_report(TWO, (-30.5, -102.25))

        heard = await watch.wait_for(Heard)

    assert heard.address == str(TWO)
    assert heard.position == Position(-30.5, -102.25)


async def test_emergency_button_is_one_alarm_with_position() -> None:
    """RCP notice, LP report and all repeats carry one reference; the position comes with it."""
    scene = Scene()
    async with scene.link() as watch:
        scene.one.press_emergency()
        await asyncio.sleep(20)
        scene.one.cancel_emergency()
        await watch.wait_for(Emergency, lambda event: not event.active)

    alarms = watch.of(Emergency)
    assert {alarm.ref for alarm in alarms} == {alarms[0].ref}
    assert {alarm.address for alarm in alarms} == {str(ONE)}
    located = [alarm.position for alarm in alarms if alarm.position]
    assert (located[0].latitude_deg, located[0].longitude_deg) == pytest.approx(HERE, abs=1e-5)
    assert [alarm.active for alarm in alarms].count(False) == 1


async def test_next_press_is_another_alarm() -> None:
    """After a cancel the button raises a new alarm, also across a restart of the driver."""
    scene = Scene()
    async with scene.link() as watch:
        scene.one.press_emergency()
        first = await watch.wait_for(Emergency)
    async with scene.link() as watch:
        again = await watch.wait_for(Emergency)
        scene.one.cancel_emergency()
        await watch.wait_for(Emergency, lambda event: not event.active)
        scene.one.press_emergency()
        second = await watch.wait_for(Emergency, lambda event: event.active and event.ref != first.ref)

    assert again.ref == first.ref
    assert second.ref != first.ref


async def test_alarm_of_another_day_is_another_alarm() -> None:
    """A button pressed again after a long silence is new, though nobody cancelled the first."""
    scene = Scene()
    async with scene.link() as watch:
        scene.one.press_emergency()
        first = await watch.wait_for(Emergency)
        await asyncio.sleep(3600)
        scene.one.press_emergency()

        await watch.wait_for(Emergency, lambda event: event.ref != first.ref)


async def test_call_alert_is_an_alarm_too() -> None:
    """The alert with sender is told as an emergency: the codeplug decides which a button sends."""
    scene = Scene()
    async with scene.link() as watch:
        scene.hq.alert(TWO)

        alarm = await watch.wait_for(Emergency)

    assert (alarm.address, alarm.active) == (str(TWO), True)
