"""Each fault of a box does what its description says, to a real gateway, and healing undoes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from drivers.base import Precedence
from sim.faults.model import Fault, Kind, Schedule
from sim.record import What
from tests.world_scene import Scene, events, living, node, scenario

PAIR = scenario(
    (
        node("HQ", "cellular", headquarters=True, mains=True),
        node("VEH", "cellular", "tiantong", "beidou", "pdt"),
        node("CAR", "tiantong", "beidou", "pdt"),
    )
)


@asynccontextmanager
async def running() -> AsyncGenerator[Scene]:
    """The world with its gateways up and their links settled."""
    async with living(PAIR, gateways=True, keep=frozenset(What)) as scene:
        await scene.up("HQ", "VEH", "CAR")
        await asyncio.sleep(20.0)
        yield scene


async def sent(scene: Scene, sign: str, text: str) -> str:
    """Let the desk of a gateway send to headquarters, or headquarters to the vehicle; return the id."""
    to = "VEH" if sign == "HQ" else "HQ"
    message = await scene.world.units[sign].desk.send(to, text, Precedence.ROUTINE)
    assert message is not None
    return str(message.id)


async def known(scene: Scene, sign: str, ref: str) -> bool:
    """Whether a gateway knows a message."""
    return await scene.world.units[sign].box.backend.message(ref) is not None


async def test_a_killed_gateway_comes_back_with_what_it_wrote() -> None:
    """It is gone at once, starts again after its time, and knows everything, synced or not."""
    async with running() as scene:
        careless(scene, "VEH")
        ref = await sent(scene, "VEH", "渡口水位两米一")
        scene.fault(Kind.CRASH, "VEH", for_s=30.0)
        await asyncio.sleep(1.0)
        assert not scene.has("VEH")
        await asyncio.sleep(35.0)
        assert scene.has("VEH")
        assert await known(scene, "VEH", ref)


def careless(scene: Scene, sign: str) -> None:
    """Let a gateway commit without syncing, as a bug in it would."""
    writer = scene.world.units[sign].box.disk._writer
    assert writer is not None
    writer.execute("PRAGMA synchronous = OFF")


@pytest.mark.parametrize("synced", [True, False])
async def test_a_power_cut_keeps_what_was_synced(synced: bool) -> None:  # noqa: FBT001 - a parameter of a test
    """A gateway that syncs loses nothing that it accepted; one that does not is seen to lose it."""
    async with running() as scene:
        if not synced:
            careless(scene, "VEH")
        ref = await sent(scene, "VEH", "渡口水位两米一")
        scene.fault(Kind.POWER_CUT, "VEH", for_s=30.0)
        await asyncio.sleep(1.0)
        assert not scene.has("VEH")
        await asyncio.sleep(35.0)
        assert await known(scene, "VEH", ref) is synced


@pytest.mark.parametrize("share", [step / 10 for step in range(11)])
async def test_a_torn_commit_costs_nothing_that_was_accepted(share: float) -> None:
    """The power goes within a commit, at any share of it: what was accepted before is there afterwards."""
    async with running() as scene:
        ref = await sent(scene, "VEH", "渡口水位两米一")
        scene.fault(Kind.TORN_WRITE, "VEH", for_s=20.0, value=share)
        late = scene.world.tasks.create_task(scene.world.units["VEH"].desk.send("HQ", "第二报：水位两米三"))
        await asyncio.sleep(1.0)
        assert not scene.has("VEH")
        await asyncio.sleep(40.0)
        message = await late

        assert message is not None
        assert await known(scene, "VEH", ref)
        assert await known(scene, "VEH", str(message.id))
        assert not scene.world.units["VEH"].failures


async def test_a_torn_write_that_never_comes_does_no_harm() -> None:
    """Healed before a commit, the box goes on."""
    async with running() as scene:
        scene.fault(Kind.TORN_WRITE, "VEH", value=0.5)
        scene.breaker.heal()
        await sent(scene, "VEH", "渡口水位两米一")
        await asyncio.sleep(5.0)
        assert scene.has("VEH")


async def test_a_paused_gateway_does_nothing_and_loses_nothing() -> None:
    """Stopped, it commits and sends nothing; let go, it takes what came meanwhile."""
    async with running() as scene:
        scene.fault(Kind.PAUSE, "VEH", for_s=8.0)
        await asyncio.sleep(0.1)
        begun_s = scene.world.now_s()
        ref = await sent(scene, "HQ", "请报告位置")
        await asyncio.sleep(6.0)
        busy = events(scene, What.FRAME, lambda e: e.node == "VEH" and e.at_s > begun_s)
        assert not busy
        await asyncio.sleep(20.0)
        assert ref in scene.world.units["VEH"].desk.shown


async def test_a_reboot_loop_turns_power_on_and_off() -> None:
    """Power goes and comes every so many seconds for as long as the fault, then stays."""
    async with running() as scene:
        scene.fault(Kind.REBOOT_LOOP, "VEH", value=10.0, for_s=60.0)
        seen = []
        for _ in range(12):
            await asyncio.sleep(5.0)
            seen.append(scene.has("VEH"))
        await asyncio.sleep(10.0)

        assert seen[0] is False
        assert 4 <= sum(a is not b for a, b in pairwise(seen)) <= 6
        assert scene.has("VEH")


async def test_a_full_disk_takes_nothing_more() -> None:
    """While no octet fits nothing is accepted; with room again the same request is."""
    async with running() as scene:
        scene.fault(Kind.DISK_FULL, "VEH", for_s=60.0)
        sending = scene.world.tasks.create_task(scene.world.units["VEH"].desk.send("HQ", "渡口水位两米一"))
        await asyncio.sleep(50.0)
        assert not sending.done()
        await asyncio.sleep(60.0)
        assert sending.done()
        assert await sending is not None


async def test_a_clock_steps_and_time_goes_on() -> None:
    """The date jumps by what is given; time that only counts on does not notice, and nothing is undone."""
    async with running() as scene:
        clock = scene.world.units["VEH"].box.clock
        before_ms, before_s = clock.unix_ms(), scene.world.now_s()
        scene.fault(Kind.CLOCK_STEP, "VEH", value=-7200.0)
        assert clock.unix_ms() - before_ms == pytest.approx(-7_200_000, abs=1000)
        assert scene.world.now_s() == before_s
        scene.breaker.heal()
        assert clock.unix_ms() - before_ms == pytest.approx(-7_200_000, abs=1000)


async def test_a_restored_backup_is_the_disk_of_then() -> None:
    """The box starts again on its disk as it was so long ago: what it accepted since is not on it."""
    async with running() as scene:
        now_s = scene.world.now_s()
        fault = Fault(at_s=now_s + 60.0, kind=Kind.RESTORED_BACKUP, target="VEH", for_s=10.0, value=30.0)
        scene.breaker.schedule(Schedule(faults=(fault,)))
        await asyncio.sleep(10.0)
        old = await sent(scene, "VEH", "渡口水位两米一")
        await asyncio.sleep(35.0)
        new = await sent(scene, "VEH", "渡口水位两米三")
        await asyncio.sleep(40.0)

        assert scene.has("VEH")
        assert await known(scene, "VEH", old)
        assert not await known(scene, "VEH", new)


async def test_a_cloned_box_is_noticed() -> None:
    """A copy runs beside the box under its number; a peer raises the alarm of a number that is used twice."""
    async with running() as scene:
        await sent(scene, "VEH", "渡口水位两米一")
        scene.fault(Kind.CLONED_BOX, "VEH", for_s=300.0)
        for number in range(10):
            await asyncio.sleep(30.0)
            await sent(scene, "VEH", f"第{number}报：水位如前")
        alarms = events(scene, What.ALARM, lambda event: event.node == "HQ")

        assert {str(event.facts["key"]).partition(":")[0] for event in alarms} & {"clone", "reused"}, alarms


async def test_an_empty_battery_takes_gateway_and_devices() -> None:
    """Gateway and devices are dark at once; a fresh battery brings them back after the fault's time."""
    async with running() as scene:
        unit = scene.world.units["VEH"]
        scene.fault(Kind.BATTERY_DEATH, "VEH", for_s=60.0)
        await asyncio.sleep(1.0)
        assert not scene.has("VEH")
        assert not unit.plugged["pdt"][0].powered  # type: ignore[attr-defined]
        assert not unit.plugged["tiantong"][0].powered  # type: ignore[attr-defined]
        assert not unit.plugged["beidou"][0].hears  # type: ignore[attr-defined]
        await asyncio.sleep(65.0)
        assert scene.has("VEH")
        assert unit.plugged["pdt"][0].powered  # type: ignore[attr-defined]
        assert unit.plugged["beidou"][0].hears  # type: ignore[attr-defined]


async def test_a_failed_supply_takes_a_gateway_off_its_mains() -> None:
    """Headquarters on its mains goes dark as well, whatever the mains do, and comes back after its time."""
    async with running() as scene:
        scene.fault(Kind.BATTERY_DEATH, "HQ", for_s=60.0)
        await asyncio.sleep(1.0)
        scene.world.units["HQ"].set_mains(on=True)
        await asyncio.sleep(1.0)
        assert not scene.has("HQ")
        await asyncio.sleep(65.0)
        assert scene.has("HQ")


async def test_power_comes_back_into_a_tunnel() -> None:
    """A terminal that was hidden when its battery died is still hidden with a fresh one."""
    async with running() as scene:
        device = scene.world.units["VEH"].plugged["beidou"][0]
        scene.fault(Kind.BLOCKED, "beidou:VEH", for_s=200.0)
        scene.fault(Kind.BATTERY_DEATH, "VEH", for_s=30.0)
        await asyncio.sleep(60.0)
        assert scene.has("VEH")
        assert not device.hears  # type: ignore[attr-defined]
        await asyncio.sleep(200.0)
        assert device.hears  # type: ignore[attr-defined]
