"""Only our own acknowledgement ends custody: what a network took as a frame may still be lost behind it."""

from __future__ import annotations

from pathlib import Path

from sim.fleet import until
from tests.core_scene import scene, texts

TEXT = "堤坝出现管涌"


async def test_frame_in_a_network_is_sent_again_after_a_power_cut(tmp_path: Path) -> None:
    """The network takes a sealed frame and loses it, then the power goes: the message still arrives, once."""
    async with scene(tmp_path, "tiantong") as field:
        field.cut_ip()
        field.hq_modem.power_off()
        sent = await field.veh.send("HQ", TEXT)
        await field.veh.reaches(sent, "at_network")
        for kept in field.fleet.sms._kept.values():
            kept.clear()  # the network loses it
        await field.veh.restart(off_s=3)
        field.hq_modem.power_on()

        async def arrived() -> bool:
            return TEXT in await texts(field.hq)

        await until(arrived, limit_s=1200)
        assert (await texts(field.hq)).count(TEXT) == 1
