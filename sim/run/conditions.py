"""What must come true once the world is mended; each is asked of screens, APIs and boxes, not of the code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from gateway.delivery.work import Work
from gateway.domain import Evidence, LinkState, Message, MessageId, RecipientState
from gateway.ledger.errors import LedgerError
from gateway.links import LinkRunner
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
        self._shown: dict[str, tuple[tuple[int, int], list[Message]]] = {}
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
        """Every copy of what a gateway was first to take has come to its end there, or at its last relay."""
        tired: set[tuple[str, int]] = set()
        open_: list[tuple[str, int]] = []
        for unit in self._world.units.values():
            if not unit.box.on:
                return False
            tired |= _tired(unit)
            for message in await self._messages(unit):
                if message.id.origin == unit.node.station:
                    ends = (
                        (copy, NATIVE_SETTLED if self._native(copy.station) else SETTLED)
                        for copy in message.recipients
                    )
                    open_ += [(str(message.id), copy.station) for copy, end in ends if copy.state not in end]
        return tired.issuperset(open_) and not any(self._unheard(unit) for unit in self._world.units.values())

    def _unheard(self, unit: Unit) -> bool:
        """Whether somebody here acknowledged a message and its origin was not told."""
        clerk, lives = unit.desk.clerk, self._world.second_lives
        if clerk is None or lives.get(unit.id):
            return False
        origins = {one.node.station: one for one in self._world.units.values()}
        for ref in clerk.acknowledged:
            origin = origins[MessageId.parse(ref).origin]
            state = origin.desk.told.get((ref, unit.node.station))
            if not lives.get(origin.id) and state != RecipientState.ACKNOWLEDGED.value:
                return True
        return False

    async def _queues_empty(self) -> bool:
        """No text and no receipt waits to be sent anywhere; a report may wait for company.

        A text on a device that knows nothing of us which was repeated as often as it may be waits for news of
        itself only, and so does whoever handed it to that relay.
        """
        units = self._world.units.values()
        if not all(unit.box.on for unit in units):
            return False
        tired = set().union(*map(_tired, units))
        return not any(_waiting(unit, tired) for unit in units)

    async def _links_up(self) -> bool:
        """Every link works, but on bearers where somebody is told to be quiet: an older disk may say so."""
        units = self._world.units.values()
        if not all(unit.box.on for unit in units):
            return False
        cores = [unit.box.gateway.core for unit in units]
        quiet = {name for core in cores for name, link in core.links.items() if link.quiet}
        return all(
            name in quiet or _works(link, core.now_s()) for core in cores for name, link in core.links.items()
        )

    async def _hq_sees_all(self) -> bool:
        for unit in self._world.units.values():
            if unit.node.headquarters:
                if not unit.box.on:
                    return False
                alarms = await unit.box.backend.alarms(active_only=True)
                if any(alarm.key.startswith("lost:") and not alarm.cleared_unix_ms for alarm in alarms):
                    return False
                if not await self._links_known(unit):
                    return False
        return True

    async def _links_known(self, hq: Unit) -> bool:
        """Whether headquarters shows every link of every gateway as that gateway does."""
        for unit in self._world.units.values():
            if not unit.box.on:
                return False
            if unit is hq:
                continue
            told = {link.link: link.state for link in await hq.box.backend.links(unit.id)}
            own = {link.link: link.state for link in await unit.box.backend.links(unit.id)}
            if len(told) != len(own) or sorted(told.values()) != sorted(own.values()):
                return False
        return True

    async def _roll_calls_ended(self) -> bool:
        for unit in self._world.units.values():
            if not unit.box.on or unit.box.gateway.roll_calls.running() is not None:
                return False
        return True

    async def _alarms_told(self) -> bool:
        truth, world = self._truth, self._world
        return not (truth.untold_emergencies(world) or truth.unended_emergencies(world))

    def _native(self, station: int) -> bool:
        return all(unit.node.station != station for unit in self._world.units.values())

    async def _messages(self, unit: Unit) -> list[Message]:
        """What its API shows; as long as nothing has changed since, that is what it showed before."""
        commits, shown = self._shown.get(unit.id, ((0, 0), []))
        now = (unit.box.starts, unit.box.gateway.core.ledger.changes)
        if now != commits:
            shown = await unit.box.backend.messages(limit=PAGE, before=None, state=None, station=None)
            self._shown[unit.id] = (now, shown)
        return shown


def _held(unit: Unit) -> list[Work]:
    return list(unit.box.gateway.outbox.works.of_stations(lambda _station: True))


def _tired(unit: Unit) -> set[tuple[str, int]]:
    """Return the copies that this gateway tried as often as it may, with an outcome nobody could learn."""
    exhausted = unit.box.gateway.outbox.exhausted
    return {(work.key[1], work.station) for work in _held(unit) if work.key[0] == "m" and exhausted(work)}


def _waiting(unit: Unit, tired: set[tuple[str, int]]) -> bool:
    return any(
        work.key[0] == "r" or (work.key[0] == "m" and (work.key[1], work.station) not in tired)
        for work in _held(unit)
    )


def _works(link: LinkRunner, now_s: float) -> bool:
    """Whether a link is up; one that costs something may be in doubt until there is traffic for it."""
    view = link.health.view(now_s)
    if link.free_of_charge or view.state is LinkState.UP:
        return view.state is LinkState.UP
    doubtful = view.state in (LinkState.SUSPECT, LinkState.RECOVERING)
    return doubtful or (view.state is LinkState.DOWN and view.evidence is Evidence.INFERRED)
