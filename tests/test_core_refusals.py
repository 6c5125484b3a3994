"""While the storage refuses nothing is lost, nothing doubled, and nothing is stuck when it takes again."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from drivers.base import Precedence
from gateway.domain import Message
from gateway.ledger import LedgerError
from gateway.native import REPEATED
from sim.fleet import Box, until
from sim.kit import Sim
from sim.pytest_plugin import sim_test
from tests.core_faults import refusing
from tests.core_scene import HQ, Scene, passes, scene, texts
from tests.test_core_chaos import as_sent


async def test_hop_acknowledgement_that_cannot_be_kept_leaves_nothing_stuck(tmp_path: Path) -> None:
    """A frame is acknowledged while the storage refuses: its message is delivered all the same, once."""
    async with scene(tmp_path) as field:
        field.fleet.network.channel("10.0.0.1", "10.0.0.3").delay_s = 1.0
        message = await field.veh.send("HQ", "堤坝出现管涌")
        await passes(1.5)
        assert await texts(field.hq) == ["堤坝出现管涌"]
        with refusing(field.veh):
            await passes(2)
        assert (await field.veh.state(message)).startswith("on_air")

        await field.veh.reaches(message, "delivered", limit_s=60)
        assert await texts(field.hq) == ["堤坝出现管涌"]


async def test_text_refused_before_it_was_handed_over_goes_out_soon_and_unmarked(tmp_path: Path) -> None:
    """A native text whose attempt could not be noted leaves within seconds, without the repeat mark."""
    async with scene(tmp_path, "pdt") as field:
        await field.veh.quiet("pdt", on=True)
        message = await field.veh.send("ZHANG", "原地待命")
        with refusing(field.veh):
            field.veh.gateway.core.links["pdt"].quiet = False
            field.veh.gateway.core.wake.ring()
            await passes(3)
        assert field.one.texts() == []

        assert await field.veh.reaches(message, "delivered", limit_s=600) < 15
        assert field.one.texts() == ["VEH-3：原地待命"]


async def test_delivery_that_cannot_be_kept_is_not_repeated(tmp_path: Path) -> None:
    """A delivery told while the storage refuses: the text is not shown again, the state follows."""
    async with scene(tmp_path, "pdt") as field:
        message = await field.veh.send("ZHANG", "原地待命")
        await field.veh.reaches(message, "at_modem", limit_s=30)
        with refusing(field.veh):
            await until(lambda: bool(field.one.screen), limit_s=30)
            await passes(20)
        await passes(900)

        assert field.one.texts() == ["VEH-3：原地待命"]
        assert await field.veh.state(message) == "delivered/observed"


async def test_acknowledgement_owed_survives_a_refused_counter(tmp_path: Path) -> None:
    """An acknowledgement that could not leave because the storage refused is still owed afterwards."""
    async with scene(tmp_path) as field:
        outbox = field.veh.gateway.outbox
        await passes(5)
        field.veh.gateway.streams._blocks.clear()  # as when the reserved counters are used up
        outbox.owe_ack(HQ, field.veh.gateway.core.links["ip"])
        with refusing(field.veh):
            await passes(2)
            owed = set(outbox.acks)
        await passes(5)

        assert owed == {HQ}
        assert not outbox.acks


async def test_box_starts_on_a_full_disk(tmp_path: Path) -> None:
    """A power cut with attempts under way and then a full disk: the box starts, an SOS goes out."""
    async with scene(tmp_path, "pdt") as field:
        await field.veh.send("ZHANG", "原地待命")
        await passes(0.5)
        await field.veh.cut_power()
        ballast = field.veh.ledger_path.with_name(f"{field.veh.ledger_path.name}.ballast")
        ballast.mkdir()  # no room to hold back: the disk is full
        await field.veh.power_on()
        assert field.veh.gateway.core.ledger.disk_full
        sos = await field.veh.send("HQ", "求救", Precedence.SOS)

        await field.veh.reaches(sos, "delivered", limit_s=60)


async def storm(field: Scene, until_s: float) -> None:
    """Storage refuses, paths and ports come and go, power fails; everything is mended at the end."""
    rng = field.fleet.streams.stream("storm")
    path = field.fleet.network.channel("10.0.0.1", "10.0.0.3")
    while asyncio.get_running_loop().time() < until_s:
        await asyncio.sleep(rng.uniform(0.5, 8))
        match rng.randrange(8):
            case 0:
                path.cut = not path.cut
            case 1:
                port = field.ports["VEH-3"]["pdt"]
                port.unplug()
                await asyncio.sleep(rng.uniform(0.1, 3))
                port.replug()
            case 2:
                await rng.choice(field.boxes).restart(off_s=rng.uniform(0.2, 2))
            case _:
                with refusing(rng.choice(field.boxes)):
                    await asyncio.sleep(rng.choice((0.05, 0.3, 2.0, 6.0)))
    path.cut = False


async def desk(field: Scene, box: Box, to: str, word: str) -> list[Message]:
    """Send fifteen messages; return those that were accepted."""
    rng = field.fleet.streams.stream(f"desk/{word}")
    sent: list[Message] = []
    for number in range(15):
        await asyncio.sleep(rng.uniform(2, 20))
        if box.on:
            with suppress(LedgerError):
                sent.append(await box.send(to, f"{word}{number}号", keep=True))
    return sent


@sim_test(seeds=[1, 3])
async def test_storm_of_refusals_loses_and_doubles_nothing(sim: Sim) -> None:
    """Refusals, cuts, flapping ports and power cuts for five minutes: all accepted arrives, shown once."""
    async with scene(sim.folder, "pdt", seed=sim.seed) as field:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(storm(field, asyncio.get_running_loop().time() + 300))
            up = tasks.create_task(desk(field, field.veh, "HQ", "上"))
            down = tasks.create_task(desk(field, field.hq, "ZHANG", "台"))
        for message in (*up.result(), *down.result()):
            box = field.veh if message in up.result() else field.hq
            await box.reaches(message, "delivered", limit_s=3600)
        await passes(900)

        assert sorted(await texts(field.hq)) == sorted(message.text for message in up.result())
        screen = as_sent([(shown.at_s, shown.text) for shown in field.one.screen])
        once = [text for text in screen if not text.startswith(REPEATED)]
        assert len(once) == len(set(once))
        seen = {text.removeprefix(REPEATED) for text in screen}
        assert seen == {f"HQ：{message.text}" for message in down.result()}
