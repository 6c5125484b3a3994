"""What an `eventually` that was not reached still lacked at the end: who, which link, which message."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from gateway.domain import LinkReport, LinkState
from gateway.ledger.errors import LedgerError
from sim.run.truth import Truth
from sim.world.unit import Unit
from sim.world.world import World

TOLD: Final = 4
"""Things named; the story and the report have all."""

PAGE: Final = 500


async def lacking(name: str, world: World, truth: Truth) -> str:
    """Return it in words, "" where there is nothing to say; asks screens, APIs and boxes as the judge did."""
    off = [f"{unit.id} is off" for unit in world.units.values() if not unit.box.on]
    try:
        found = off or [one async for one in _found(name, world, truth)]
    except LedgerError:
        found = ["a gateway does not answer"]
    more = f" and {len(found) - TOLD} more" if len(found) > TOLD else ""
    return ", ".join(found[:TOLD]) + more


async def _found(name: str, world: World, truth: Truth) -> AsyncIterator[str]:
    if name == "all_delivered":
        for entry in truth.missing(world):
            yield f"{entry.key} to {entry.to}"
    if name == "alarms_told":
        for key in truth.untold_emergencies(world):
            yield key
    if name in AT_GATEWAYS:
        for unit in world.units.values():
            async for one in AT_GATEWAYS[name](unit, world):
                yield one


async def _links(unit: Unit, _world: World) -> AsyncIterator[str]:
    core = unit.box.gateway.core
    for name, link in core.links.items():
        state = link.health.view(core.now_s()).state
        if state is not LinkState.UP:
            yield f"{unit.id}/{name} {state.value}"


async def _queues(unit: Unit, _world: World) -> AsyncIterator[str]:
    waiting = len(list(unit.box.gateway.outbox.works.of_stations(lambda _station: True)))
    if waiting:
        yield f"{unit.id} holds {waiting}"


async def _roll_calls(unit: Unit, _world: World) -> AsyncIterator[str]:
    if unit.box.gateway.roll_calls.running() is not None:
        yield f"one runs at {unit.id}"


async def _unseen(hq: Unit, world: World) -> AsyncIterator[str]:
    if not hq.node.headquarters:
        return
    for alarm in await hq.box.backend.alarms(active_only=True):
        if alarm.key.startswith("lost:") and not alarm.cleared_unix_ms:
            yield f"{hq.id} has lost {alarm.key.removeprefix('lost:')}"
    for unit in world.units.values():
        told, own = await hq.box.backend.links(unit.id), await unit.box.backend.links(unit.id)
        if unit is not hq and sorted(link.state for link in told) != sorted(link.state for link in own):
            yield f"{hq.id} shows {unit.id} as {_said(told)}; it is {_said(own)}"


def _said(reports: Iterable[LinkReport]) -> str:
    return " ".join(f"{report.link} {report.state.value}" for report in reports) or "nothing"


async def _unsettled(unit: Unit, _world: World) -> AsyncIterator[str]:
    for message in await unit.box.backend.messages(limit=PAGE, before=None, state=None, station=None):
        if message.id.origin == unit.node.station:
            for copy in message.recipients:
                if not copy.state.settled:
                    yield f"{message.id} to {copy.station} {copy.state.value}"


AT_GATEWAYS: Final[Mapping[str, Callable[[Unit, World], AsyncIterator[str]]]] = MappingProxyType(
    {
        "links_up": _links,
        "queues_empty": _queues,
        "roll_calls_ended": _roll_calls,
        "all_settled": _unsettled,
        "hq_sees_all": _unseen,
    }
)
"""Conditions that each gateway is asked about."""
