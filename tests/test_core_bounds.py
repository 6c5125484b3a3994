"""One bad device, peer or message stops nothing else."""

from __future__ import annotations

from pathlib import Path

from drivers.base import LinkState, Precedence
from sim.devices.sat_phone import Phone
from sim.fleet import until
from tests.core_scene import Scene, link_is, link_state, passes, scene, texts


async def test_flood_of_junk_frames_does_not_stop_delivery(tmp_path: Path) -> None:
    """While thousands of junk datagrams pour in, messages over the same path still arrive in seconds."""
    async with scene(tmp_path) as field:
        junk = field.fleet.streams.stream("junk")
        for _ in range(200):
            for _ in range(20):
                field.replay(field.veh, b"\xf6\x00" + junk.randbytes(junk.randint(1, 300)))
            await passes(0.01)
        message = await field.veh.send("HQ", "洪水之中")

        assert await field.veh.reaches(message, "delivered", limit_s=60) < 5
        assert len(field.hq.gateway.core.counts) < 60


async def test_flood_of_texts_from_one_stranger_is_bounded(tmp_path: Path) -> None:
    """A stranger who talks without end fills only a bounded quarantine; others are heard."""
    async with scene(tmp_path, "tiantong") as field:
        talker = Phone("17499999999", field.fleet.sms)
        for number in range(120):
            talker.type_text(f"骚扰 {number}", field.veh_modem.number)
            await passes(2)
        field.phone.type_text("正常报文", field.veh_modem.number)

        async def there() -> bool:
            return await texts(field.hq) == ["正常报文"]

        await until(there, limit_s=600)
        assert len(await field.veh.backend.quarantine()) <= 50


async def test_flooding_radio_leaves_the_ip_path_alone(tmp_path: Path) -> None:
    """A radio that says a thousand things a second slows nothing on the other link."""
    async with scene(tmp_path, "pdt") as field:
        field.veh_radio.faults.flood_per_s = 1000.0
        field.ports["VEH-3"]["pdt"].unplug()
        field.ports["VEH-3"]["pdt"].replug()
        await passes(10)
        message = await field.veh.send("HQ", "无线电泛滥")

        assert await field.veh.reaches(message, "delivered", limit_s=60) < 2


async def test_driver_that_raises_is_this_links_state_alone(tmp_path: Path) -> None:
    """A device that makes its driver fail is that link's DOWN, opened again with back-off; others go on."""
    async with scene(tmp_path, "pdt") as field:
        field.veh.trace.broken_link = "pdt"
        field.one.type_text("触发故障")
        await link_is(field.veh, "pdt", LinkState.DOWN, limit_s=60)
        message = await field.veh.send("HQ", "其余照常")
        assert await field.veh.reaches(message, "delivered", limit_s=60) < 2
        await passes(600)
        assert field.veh.log.events().count("link_driver_failed") in range(5, 20)
        field.veh.trace.broken_link = ""

        await link_is(field.veh, "pdt", LinkState.UP, limit_s=120)
        assert link_state(field.veh, "ip") is LinkState.UP


async def test_a_thousand_waiting_for_a_dead_peer_do_not_hold_up_the_living(tmp_path: Path) -> None:
    """With 1 000 messages waiting for a gateway without a way, one to the living leaves at once."""
    async with scene(tmp_path) as field:
        for number in range(1000):
            await field.veh.send("VEH-4", f"无路可走 {number}", keep=True)
        message = await field.veh.send("HQ", "畅通")

        assert await field.veh.reaches(message, "delivered", limit_s=60) < 2


async def test_relayed_messages_without_receipt_do_not_hold_up_others(tmp_path: Path) -> None:
    """600 copies that a relay holds for a handheld out of reach leave room for what comes after."""
    async with scene(tmp_path, "pdt") as field:
        field.one.powered = False
        for number in range(600):
            await field.hq.send("ZHANG", f"等待 {number}")
        await passes(60)
        message = await field.hq.send("VEH-3", "畅通")

        assert await field.hq.reaches(message, "delivered", limit_s=60) < 5


async def test_burst_of_messages_all_arrive_once(tmp_path: Path) -> None:
    """500 messages at once in both directions arrive once each, an SOS among them first."""
    async with scene(tmp_path) as field:
        for number in range(500):
            await field.veh.send("HQ", f"上 {number}")
            await field.hq.send("VEH-3", f"下 {number}")
        sos = await field.veh.send("HQ", "求救", Precedence.SOS)
        assert await field.veh.reaches(sos, "delivered", limit_s=60) < 3

        async def there() -> bool:
            return len(await shown(field, "HQ")) == 501 and len(await shown(field, "VEH-3")) == 500

        await until(there, limit_s=300)


async def shown(field: Scene, name: str) -> set[str]:
    """Distinct texts shown at a gateway; the API gives 500 at once."""
    box = field.fleet.boxes[name]
    found: set[str] = set()
    before: str | None = None
    count = 0
    while True:
        station = str(box.config.gateway.station)
        page = await box.backend.messages(limit=500, before=before, state=None, station=station)
        if not page:
            assert len(found) == count, "nothing is shown twice"
            return found
        found |= {message.text for message in page}
        count += len(page)
        before = str(page[-1].id)
