"""While the storage refuses nothing is lost, nothing doubled, and nothing is stuck when it takes again."""

from __future__ import annotations

from pathlib import Path

from drivers.base import Precedence
from sim.fleet import until
from tests.core_faults import refusing
from tests.core_scene import HQ, passes, scene, texts


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
            field.veh.gateway.core.wake.set()
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
        ballast.unlink()
        ballast.mkdir()  # no room to hold back: the disk is full
        await field.veh.power_on()
        assert field.veh.gateway.core.ledger.disk_full
        sos = await field.veh.send("HQ", "求救", Precedence.SOS)

        await field.veh.reaches(sos, "delivered", limit_s=60)
