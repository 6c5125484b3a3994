"""A box's clock: its date starts wrong, drifts, may not outlive the power; its monotonic time never does."""

from __future__ import annotations

import asyncio

import pytest

from sim.clock import BOOT_S, EPOCH_UNIX_MS
from sim.faults.model import Kind
from sim.scenario.model import ClockSpec, Scenario, Span
from tests.world_scene import living, node, scenario

DAY_MS = 86_400_000


def pair(clock: ClockSpec) -> Scenario:
    """A headquarters with the right time, and a vehicle."""
    return scenario((node("HQ", "cellular", headquarters=True), node("VEH", "cellular", clock=clock)))


async def test_a_date_starts_wrong_and_drifts() -> None:
    """An hour behind and 200 ppm fast: what the vehicle's gateway writes down says so, and more each hour."""
    wrong = ClockSpec(offset_s=Span(-3600.0, -3600.0), drift_ppm=Span(200.0, 200.0))
    async with living(pair(wrong), gateways=True) as scene:
        await scene.up("HQ", "VEH")
        for hours in (1, 5):
            await asyncio.sleep(hours * 3600.0 - scene.world.now_s())
            for sign, other in (("HQ", "VEH"), ("VEH", "HQ")):
                now_ms = EPOCH_UNIX_MS + 1000 * scene.world.now_s()
                message = await scene.world.units[sign].desk.send(other, f"整点报时 {hours} {sign}")
                assert message is not None
                wrong_ms = message.accepted_unix_ms - now_ms
                wanted_ms = -3_600_000 + hours * 720 if sign == "VEH" else 0
                assert wrong_ms == pytest.approx(wanted_ms, abs=150)


@pytest.mark.parametrize("kept", [True, False])
async def test_a_power_loss_begins_time_anew(kept: bool) -> None:  # noqa: FBT001 - a parameter of a test
    """After it monotonic time counts from the boot; a date goes on with a button cell only."""
    async with living(pair(ClockSpec(kept=kept)), gateways=True) as scene:
        await scene.up("HQ", "VEH")
        clock = scene.world.units["VEH"].box.clock
        await asyncio.sleep(1000.0)
        scene.fault(Kind.CRASH, "VEH", for_s=10.0)
        await asyncio.sleep(60.0)
        assert clock.monotonic_s() > 1000.0
        scene.fault(Kind.POWER_CUT, "VEH", for_s=10.0)
        await asyncio.sleep(60.0)
        assert scene.has("VEH")
        assert BOOT_S + 40.0 < clock.monotonic_s() < BOOT_S + 61.0
        assert (clock.unix_ms() > EPOCH_UNIX_MS) is kept
        assert kept or clock.unix_ms() < DAY_MS
        text = "断电之后，钟不对也照发"
        message = await scene.world.units["VEH"].desk.send("HQ", text)
        assert message is not None
        await asyncio.sleep(30.0)
        assert text in scene.world.units["HQ"].desk.shown.values()
