"""Two gateways over an IP path: delivery, states, receipts, nothing lost, nothing doubled."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.domain import Precedence
from sim.fleet import SEAT
from sim.kit import Sim
from sim.pytest_plugin import sim_test
from tests.core_scene import HQ, VEH, VEH2, Scene, passes, scene, texts


async def test_message_is_delivered_with_protocol_evidence(tmp_path: Path) -> None:
    """A message is delivered within a second on a living path; origin and recipient both say delivered."""
    async with scene(tmp_path) as field:
        message = await field.veh.send("HQ", "三号桥已断，请绕行")

        took_s = await field.veh.reaches(message, "delivered")

        assert took_s < 1.0
        assert await field.veh.state(message, HQ) == "delivered/protocol"
        assert await field.hq.state(message, HQ) == "delivered/protocol"
        assert await texts(field.hq) == ["三号桥已断，请绕行"]


async def test_read_and_acknowledgement_travel_back(tmp_path: Path) -> None:
    """Who reads or acknowledges at the far desk is known at the origin, with the name."""
    async with scene(tmp_path) as field:
        message = await field.veh.send("HQ", "请求增援", Precedence.FLASH)
        await field.veh.reaches(message, "delivered")

        await field.hq.backend.mark_read(str(message.id), SEAT)
        await field.veh.reaches(message, "read")
        await field.hq.backend.acknowledge(str(message.id), SEAT)
        await field.veh.reaches(message, "acknowledged")

        kept = await field.veh.backend.message(str(message.id))
        assert kept is not None
        assert kept.recipients[0].by == "seat"


async def test_group_message_has_a_state_per_recipient(tmp_path: Path) -> None:
    """Of a group's members one is delivered; the one without a living way still waits, and says why."""
    async with scene(tmp_path) as field:
        message = await field.hq.send("ALL-CARS", "集合")
        await field.hq.reaches(message, "delivered", station=VEH)

        kept = await field.hq.backend.message(str(message.id))

        assert kept is not None
        waiting = next(r for r in kept.recipients if r.station == VEH2)
        assert waiting.state.value == "queued"
        assert "ip" in waiting.detail


@sim_test(seeds=3)
async def test_loss_reordering_and_doubling_lose_and_double_nothing(sim: Sim) -> None:
    """With 30 % loss both ways, jitter and every datagram sent twice, 60 messages arrive once each."""
    async with scene(sim.folder, seed=sim.seed) as field:
        path = field.fleet.network.channel("10.0.0.1", "10.0.0.3")
        path.loss, path.jitter_s = 0.3, 0.5
        async with asyncio.TaskGroup() as tasks:
            doubling = tasks.create_task(double_datagrams(field))
            sent = []
            for number in range(30):
                sent.append((field.veh, await field.veh.send("HQ", f"上行 {number}")))
                sent.append((field.hq, await field.hq.send("VEH-3", f"下行 {number}")))
                await passes(0.3)
            for box, message in sent:
                await box.reaches(message, "delivered", limit_s=1800)
            await passes(60)
            doubling.cancel()

        assert sorted(await texts(field.hq)) == sorted(f"上行 {n}" for n in range(30))
        assert sorted(await texts(field.veh)) == sorted(f"下行 {n}" for n in range(30))


async def double_datagrams(field: Scene) -> None:
    """Send every datagram a second time, up to a second later."""
    rng = field.fleet.streams.stream("doubling")
    at = {box.name: 0 for box in field.boxes}
    loop = asyncio.get_running_loop()
    while True:
        for box in field.boxes:
            records = box.trace.records[at[box.name] :]
            at[box.name] = len(box.trace.records)
            for record in records:
                if record.link == "ip" and record.direction == "tx":
                    loop.call_later(rng.random(), field.replay, box, record.data)
        await asyncio.sleep(0.05)


async def test_frames_replayed_an_hour_later_are_absorbed(tmp_path: Path) -> None:
    """Everything that ever went over the path, sent again an hour later, changes nothing."""
    async with scene(tmp_path) as field:
        for number in range(20):
            message = await field.veh.send("HQ", f"电文 {number}")
            await field.veh.reaches(message, "delivered")
        recorded = [r.data for r in field.veh.trace.records if r.link == "ip" and r.direction == "tx"]
        await passes(3600)

        for data in recorded:
            field.replay(field.veh, data)
            await passes(0.05)
        await passes(60)

        assert await texts(field.hq) == [f"电文 {n}" for n in range(20)]


async def test_replay_after_the_receiver_restarted_is_absorbed(tmp_path: Path) -> None:
    """The replay window survives a power cut of the receiver."""
    async with scene(tmp_path) as field:
        message = await field.veh.send("HQ", "只看一次")
        await field.veh.reaches(message, "delivered")
        recorded = [r.data for r in field.veh.trace.records if r.link == "ip" and r.direction == "tx"]
        await field.hq.restart()
        await field.up("ip")

        for data in recorded:
            field.replay(field.veh, data)
        await passes(60)

        assert await texts(field.hq) == ["只看一次"]


async def test_clock_steps_change_nothing(tmp_path: Path) -> None:
    """Steps of ten years back and forth on either box neither expire, delay nor double anything."""
    async with scene(tmp_path) as field:
        field.cut_ip()
        message = await field.veh.send("HQ", "时钟乱跳", lifetime_s=600)
        field.veh.clock.step(years=10)
        field.hq.clock.step(years=-10)
        await passes(60)
        field.veh.clock.step(years=-20)
        field.hq.clock.step(years=20)
        await passes(60)
        field.heal_ip()

        await field.veh.reaches(message, "delivered", limit_s=60)

        assert await texts(field.hq) == ["时钟乱跳"]


async def test_lifetime_ends_and_the_sender_is_told(tmp_path: Path) -> None:
    """A copy that could not be delivered in its lifetime is expired, within seconds, and not sent later."""
    async with scene(tmp_path) as field:
        field.cut_ip()
        message = await field.veh.send("HQ", "十分钟有效", lifetime_s=600)

        took_s = await field.veh.reaches(message, "expired", limit_s=620)
        field.heal_ip()
        await passes(120)

        assert 599 <= took_s <= 610
        assert await texts(field.hq) == []


async def test_cancelled_copy_is_not_sent(tmp_path: Path) -> None:
    """What the sender takes back while it waits is never shown at the far end."""
    async with scene(tmp_path) as field:
        field.cut_ip()
        message = await field.veh.send("HQ", "收回")
        await passes(5)
        await field.veh.backend.cancel(str(message.id), SEAT)
        field.heal_ip()
        await passes(120)

        assert await field.veh.state(message) == "cancelled/operator"
        assert await texts(field.hq) == []
