"""What programs on the API may rely on: an event once and in order, a request once, states as events said."""

from __future__ import annotations

import asyncio
from typing import Final

from sim.run.breaches import Breaches
from sim.world.unit import Unit
from sim.world.world import World

PAGE: Final = 500
"""Messages compared at the end: more than a small world has."""

AGAIN_S: Final = 5.0
"""What differs is looked at once more: the last events may be on their way."""


async def look_at_desks(world: World, breaches: Breaches) -> None:
    """Judge every gateway's API by what its desk was told; a box that got an older disk is another box."""
    for unit in world.units.values():
        if world.second_lives.get(unit.id):
            continue
        for promise, detail in unit.desk.odd:
            breaches.once(promise, unit.id, detail, detail)
        if not await _differing(unit):
            continue
        await asyncio.sleep(AGAIN_S)
        for detail in await _differing(unit):
            breaches.add("P3", unit.id, detail)


async def _differing(unit: Unit) -> list[str]:
    """Return copies whose state on the API is another than the last event told."""
    found: list[str] = []
    if not unit.box.on:
        return found
    kept = await unit.box.backend.messages(limit=PAGE, before=None, state=None, station=None)
    for message in kept:
        for copy in message.recipients:
            told = unit.desk.told.get((str(message.id), copy.station))
            if told is not None and told != copy.state.value:
                found.append(
                    f"{message.id} to {copy.station} is {copy.state.value}, events ended with {told}"
                )
    return found
