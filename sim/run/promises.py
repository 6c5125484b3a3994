"""The promises as checks while the world lives: from what people typed and saw, and what boxes did.

What is watched for each stands in `watch_texts` (P1-P4, P7), `watch_links` (P5, P8), `watch_air` (P6),
`watch_roll` (roll calls), `watch_alarms` (emergencies) and `watch_desks` (what programs are told). Nothing is
asked of the code under test that a person, a program or a device could not see.
"""

from __future__ import annotations

import asyncio
from typing import Any

from sim.faults.apply import Breaker
from sim.run.breaches import Breach, Breaches
from sim.run.calm import Calm
from sim.run.truth import Truth
from sim.run.watch_air import AirWatch
from sim.run.watch_alarms import AlarmWatch
from sim.run.watch_desks import look_at_desks
from sim.run.watch_links import LinkWatch
from sim.run.watch_roll import RollWatch
from sim.run.watch_texts import TextWatch
from sim.world.world import World


class Promises:
    """Watches one world; `breaches` holds what was found."""

    def __init__(self, world: World, truth: Truth) -> None:
        self._world = world
        self._found = Breaches(world)
        calm = Calm(world.record)
        self._texts = TextWatch(world, truth, calm, self._found)
        self._links = LinkWatch(world, truth, calm, self._found)
        self._air = AirWatch(world, truth, calm, self._found)
        self._alarms = AlarmWatch(world, calm, self._found)
        self._rolls = RollWatch(world, truth, calm, self._air, self._found)

    @property
    def breaches(self) -> list[Breach]:
        """What was found so far."""
        return self._found.found

    def start(self, breaker: Breaker) -> None:
        """Begin to look at links."""
        self._links.start(breaker)

    def callback_failed(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Take what nobody caught: of the simulator as of a gateway, it ends the belief in a run."""
        error = context.get("exception")
        self._found.add("P8", "", f"{context.get('message')}: {error!r}")

    async def finish(self) -> None:
        """Judge what can only be judged at the end."""
        await self._texts.finish()
        await self._rolls.finish()
        self._alarms.finish()
        await look_at_desks(self._world, self._found)
        self._links.finish()
        self._air.finish()
