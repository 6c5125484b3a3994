"""What programs on the API may rely on: an event once and in order, a request once, states as events said."""

from __future__ import annotations

import asyncio
from typing import Final

from sim.run.breaches import Breaches
from sim.world.unit import Unit
from sim.world.world import World

PAGE: Final = 500
"""Messages compared at the end: more than a small world has."""

BEHIND: Final = 12
"""Frames that a neighbour may send under counters of another life until it believes that it had one."""

AGAIN_S: Final = 5.0
"""What differs is looked at once more: the last events may be on their way."""


async def look_at_desks(world: World, breaches: Breaches) -> None:
    """Judge every gateway's API by what its desk was told; a box that got an older disk is another box."""
    for unit in world.units.values():
        await _look_at_counts(unit, breaches)
        if world.second_lives.get(unit.id):
            continue
        for promise, detail in unit.desk.odd:
            breaches.once(promise, unit.id, detail, detail)
        if not await _differing(unit):
            continue
        await asyncio.sleep(AGAIN_S)
        for detail in await _differing(unit):
            breaches.add("P3", unit.id, detail)


async def _look_at_counts(unit: Unit, breaches: Breaches) -> None:
    """Judge what a gateway counts: a neighbour that is told that its counter is behind goes on above it."""
    if not unit.box.on:
        return
    counts = (await unit.box.backend.health())["counts"]
    behind = int(counts.get("frames_behind", 0)) if isinstance(counts, dict) else 0
    if behind > BEHIND:
        detail = f"refused {behind} frames of neighbours whose counter is behind, and told them"
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
