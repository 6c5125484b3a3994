"""Which link of each gateway carried each message, read from the gateways' own attempts after a run."""

from __future__ import annotations

from typing import Final

from drivers.base import Stage
from gateway.domain import Attempt
from gateway.ledger.errors import LedgerError
from sim.world.unit import Unit
from sim.world.world import World

PAGE: Final = 500
MAX_PAGES: Final = 40
"""Twenty thousand messages of one gateway: as many as a report shows many times over."""

_BEST: Final = (
    None,
    Stage.FAILED,
    Stage.AT_MODEM,
    Stage.UNKNOWN,
    Stage.ON_AIR,
    Stage.AT_NETWORK,
    Stage.DELIVERED,
)
"""What says most about who carried it comes last."""


async def carried(world: World) -> dict[tuple[str, str], str]:
    """Return (gateway, message id) → link; only of gateways that are on and answer."""
    found: dict[tuple[str, str], str] = {}
    for unit in world.units.values():
        if unit.box.on:
            try:
                await _of_one(unit, found)
            except LedgerError:
                continue  # a damaged disk: nobody knows what it carried
    return found


async def _of_one(unit: Unit, found: dict[tuple[str, str], str]) -> None:
    backend = unit.box.backend
    before: str | None = None
    for _ in range(MAX_PAGES):
        page = await backend.messages(limit=PAGE, before=before, state=None, station=None)
        for message in page:
            tries = await backend.attempts(str(message.id))
            if tries:
                found[unit.id, str(message.id)] = max(tries, key=_says).link
        if len(page) < PAGE:
            return
        before = str(page[-1].id)


def _says(one: Attempt) -> tuple[int, int]:
    return _BEST.index(one.stage), one.handle
