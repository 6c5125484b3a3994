"""What must come true once the world is mended; each is asked of screens, APIs and boxes, not of the code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from gateway.domain import LinkState, Message, RecipientState
from gateway.ledger.errors import LedgerError
from sim.run.truth import Truth
from sim.world.unit import Unit
from sim.world.world import World

SETTLED: Final = frozenset(
    {
        *(RecipientState.DELIVERED, RecipientState.READ, RecipientState.ACKNOWLEDGED),
        *(RecipientState.EXPIRED, RecipientState.REFUSED, RecipientState.CANCELLED),
        RecipientState.SUPERSEDED,
    }
)
"""States of a copy that need nothing more."""

NATIVE_SETTLED: Final = SETTLED | {RecipientState.AT_NETWORK, RecipientState.UNKNOWN}
"""Of a copy on a device that knows nothing of us: its network may never tell more."""

PAGE: Final = 500


class Conditions:
    """The names after `eventually`."""

    def __init__(self, world: World, truth: Truth) -> None:
        self._world = world
        self._truth = truth
        self._by_name: dict[str, Callable[[], Awaitable[bool]]] = {
            "all_delivered": self._all_delivered,
            "all_settled": self._all_settled,
            "queues_empty": self._queues_empty,
            "links_up": self._links_up,
            "gateways_up": self._gateways_up,
            "hq_sees_all": self._hq_sees_all,
            "roll_calls_ended": self._roll_calls_ended,
            "alarms_told": self._alarms_told,
        }

    async def holds(self, name: str) -> bool:
        """Whether it is true now; False while a box that would know does not answer."""
        try:
            return await self._by_name[name]()
        except LedgerError:
            return False

    async def _gateways_up(self) -> bool:
        return all(unit.box.on for unit in self._world.units.values())

    async def _all_delivered(self) -> bool:
        return not self._truth.missing(self._world)

    async def _all_settled(self) -> bool:
        """Every copy of what a gateway was first to take has come to its end there."""
        for unit in self._world.units.values():
            if not unit.box.on:
                return False
            own = unit.node.station
            for message in await self._messages(unit):
                if message.id.origin == own and not all(
                    copy.state in (NATIVE_SETTLED if copy.station not in self._gateways else SETTLED)
                    for copy in message.recipients
                ):
                    return False
        return True

    async def _queues_empty(self) -> bool:
        """No text and no receipt waits anywhere; a report may wait for company."""
        return all(unit.box.on and not _waiting(unit) for unit in self._world.units.values())

    async def _links_up(self) -> bool:
        for unit in self._world.units.values():
            if not unit.box.on:
                return False
            core = unit.box.gateway.core
            now_s = core.now_s()
            if any(link.health.view(now_s).state is not LinkState.UP for link in core.links.values()):
                return False
        return True

    async def _hq_sees_all(self) -> bool:
        for unit in self._world.units.values():
            if unit.node.headquarters:
                if not unit.box.on:
                    return False
                alarms = await unit.box.backend.alarms(active_only=True)
                if any(alarm.key.startswith("lost:") and not alarm.cleared_unix_ms for alarm in alarms):
                    return False
        return True

    async def _roll_calls_ended(self) -> bool:
        for unit in self._world.units.values():
            if not unit.box.on or unit.box.gateway.roll_calls.running() is not None:
                return False
        return True

    async def _alarms_told(self) -> bool:
        return not self._truth.untold_emergencies()

    @property
    def _gateways(self) -> frozenset[int]:
        return frozenset(unit.node.station for unit in self._world.units.values())

    async def _messages(self, unit: Unit) -> list[Message]:
        return await unit.box.backend.messages(limit=PAGE, before=None, state=None, station=None)


def _waiting(unit: Unit) -> int:
    gateway = unit.box.gateway
    works = gateway.outbox.works
    return sum(works.count(kind, number) for kind in ("m", "r") for number in gateway.core.roster.stations)
