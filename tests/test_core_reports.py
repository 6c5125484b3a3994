"""Every gateway's links at headquarters, and who has not been heard."""

from __future__ import annotations

from pathlib import Path

from drivers.base import Bearer, LinkState
from gateway.domain import AlarmKind, LinkReport
from sim.fleet import until
from tests.core_scene import VEH, Scene, alarms, link_is, passes, scene

CONTACT = """
[reports]
interval_s = 60.0
lost_contact_s = 180.0
"""


async def known_at_hq(field: Scene, bearer: Bearer) -> LinkReport | None:
    """What headquarters knows of the vehicle's link of a bearer."""
    found = [r for r in await field.hq.backend.links("VEH-3") if r.bearer is bearer]
    return found[0] if found else None


async def hq_knows(field: Scene, bearer: Bearer, state: LinkState, *, limit_s: float) -> LinkReport:
    """Wait until headquarters knows a link in a state."""

    async def known() -> bool:
        report = await known_at_hq(field, bearer)
        return report is not None and report.state is state

    await until(known, limit_s=limit_s)
    report = await known_at_hq(field, bearer)
    assert report is not None
    return report


async def test_change_is_reported_within_seconds(tmp_path: Path) -> None:
    """A radio that goes away is known at headquarters within 5 s, with the bearer learnt by."""
    async with scene(tmp_path, "pdt") as field:
        await hq_knows(field, Bearer.PDT, LinkState.UP, limit_s=20)
        field.ports["VEH-3"]["pdt"].unplug()

        report = await hq_knows(field, Bearer.PDT, LinkState.ABSENT, limit_s=5)

        assert (report.station, report.learnt_by) == (VEH, Bearer.CELLULAR)
        assert report.reason == "device absent"


async def test_report_goes_over_any_living_bearer(tmp_path: Path) -> None:
    """With the IP path cut headquarters learns by radio that it is cut."""
    async with scene(tmp_path, "pdt") as field:
        await hq_knows(field, Bearer.CELLULAR, LinkState.UP, limit_s=20)
        field.cut_ip()

        report = await hq_knows(field, Bearer.CELLULAR, LinkState.DOWN, limit_s=60)

        assert report.learnt_by is Bearer.PDT


async def test_report_goes_over_a_paid_bearer_at_most_once_a_minute(tmp_path: Path) -> None:
    """Over Beidou alone a change becomes known; a flapping link does not eat the service interval."""
    async with scene(tmp_path, "tiantong", "beidou", ip=False) as field:
        await passes(120)
        sent = len(field.fleet.space.sent)
        for _ in range(12):
            field.ports["VEH-3"]["tiantong"].unplug()
            await link_is(field.veh, "tiantong", LinkState.ABSENT, limit_s=30)
            await passes(5)
            field.ports["VEH-3"]["tiantong"].replug()
            await passes(5)
        field.ports["VEH-3"]["tiantong"].unplug()
        await hq_knows(field, Bearer.TIANTONG, LinkState.ABSENT, limit_s=120)

        ours = [message for message in field.fleet.space.sent[sent:] if message.sender == 166003]
        assert len(ours) <= 6


async def test_report_on_request(tmp_path: Path) -> None:
    """Asked for, the report comes within seconds and is fresh."""
    async with scene(tmp_path) as field:
        await passes(200)
        before = await known_at_hq(field, Bearer.CELLULAR)
        assert before is not None
        await field.hq.backend.ask_links("VEH-3")
        await passes(3)

        after = await known_at_hq(field, Bearer.CELLULAR)

        assert after is not None
        assert after.learnt_unix_ms > before.learnt_unix_ms
        assert after.learnt_unix_ms >= field.hq.clock.unix_ms() - 3_000


async def test_lost_contact_is_raised_and_cleared(tmp_path: Path) -> None:
    """A vehicle not heard for its limit is lost contact; the first frame from it clears that."""
    async with scene(tmp_path, extra=CONTACT) as field:
        await passes(120)
        assert "lost:3" not in await alarms(field.hq, AlarmKind.LOST_CONTACT)
        await field.veh.cut_power()
        await passes(110)
        assert "lost:3" not in await alarms(field.hq, AlarmKind.LOST_CONTACT)
        await passes(80)
        assert "lost:3" in await alarms(field.hq, AlarmKind.LOST_CONTACT)
        await field.veh.power_on()
        await passes(30)

        assert "lost:3" not in await alarms(field.hq, AlarmKind.LOST_CONTACT)


async def test_lost_contact_survives_a_restart_of_headquarters(tmp_path: Path) -> None:
    """An alarm raised before headquarters lost power is cleared when the vehicle is heard after it."""
    async with scene(tmp_path, extra=CONTACT) as field:
        await field.veh.cut_power()
        await passes(250)
        await field.hq.restart()
        assert "lost:3" in await alarms(field.hq, AlarmKind.LOST_CONTACT)
        await field.veh.power_on()
        await passes(60)

        assert "lost:3" not in await alarms(field.hq, AlarmKind.LOST_CONTACT)


async def test_quiet_vehicle_is_lost_contact(tmp_path: Path) -> None:
    """A vehicle that may not transmit is not heard: headquarters is told so, and that it speaks again."""
    async with scene(tmp_path, extra=CONTACT) as field:
        await field.veh.quiet("all", on=True)
        await passes(300)
        assert "lost:3" in await alarms(field.hq, AlarmKind.LOST_CONTACT)
        await field.veh.quiet("all", on=False)
        await passes(60)

        assert "lost:3" not in await alarms(field.hq, AlarmKind.LOST_CONTACT)
