"""Headquarters learns which handhelds its vehicles hear."""

from __future__ import annotations

from pathlib import Path

from drivers.base import Bearer
from gateway.ledger import presence
from sim.fleet import until
from tests.core_scene import ONE, scene


async def test_headquarters_learns_whom_a_vehicle_heard(tmp_path: Path) -> None:
    """A handheld heard by a vehicle is shown at headquarters with bearer, age and who heard it."""
    async with scene(tmp_path, "pdt") as field:

        async def known() -> bool:
            stations = await field.hq.backend.stations()
            return any(s["number"] == ONE and s["heard"] is not None for s in stations)

        field.one.type_text("在岗")
        await until(known, limit_s=60)
        assert field.hq.gateway is not None
        notes = await field.hq.gateway.core.ledger.read(lambda tx: presence.list_presence(tx, ONE))

        assert [(note.bearer, note.how, note.online) for note in notes] == [(Bearer.PDT, "reported", True)]
        assert notes[0].via == field.veh.config.gateway.station


async def test_acknowledging_station_is_named(tmp_path: Path) -> None:
    """Who acknowledged is shown by call sign, not by number."""
    async with scene(tmp_path, "pdt") as field:
        message = await field.hq.send("ZHANG", "请确认", ack_wanted=True)
        await until(lambda: bool(field.one.screen), limit_s=60)
        field.one.type_text("收到")

        async def acknowledged() -> bool:
            kept = await field.hq.backend.message(str(message.id))
            return kept is not None and kept.recipients[0].by == "ZHANG"

        await until(acknowledged, limit_s=60)
