"""A copy of a box that runs beside it: the same keys, the same disk, the same number on the air."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, Protocol

from typing_extensions import override

from drivers.base import Datagrams
from gateway.ledger.errors import LedgerError
from sim.fleet import Fleet
from sim.ports import SimConnector
from sim.record import Record, What
from sim.world.files import NETS, host
from sim.world.unit import Unit

CLONE_NET: Final = 100
"""Added to the third part of a clone's addresses: a second machine in the same network."""


class _Elsewhere(SimConnector):
    """Opens UDP from an address of its own; serial devices cannot be copied and are absent."""

    @override
    async def open_udp(self, host: str, port: int) -> Datagrams:
        return await super().open_udp(clone_host(host), port)


def clone_host(host: str) -> str:
    """Return where the clone of a host stands."""
    a, b, c, d = host.split(".")
    return f"{a}.{b}.{int(c) + CLONE_NET}.{d}"


def original_host(host: str) -> str:
    """Return the host a clone's address was made from."""
    a, b, c, d = host.split(".")
    return f"{a}.{b}.{int(c) - CLONE_NET}.{d}"


class Yard(Protocol):
    """What a clone needs of its world."""

    clones: int
    fleet: Fleet
    record: Record

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run something for as long as the world lives."""


class Clone:
    """Starts with the disk as it is now, and runs until `end`."""

    def __init__(self, world: Yard, unit: Unit) -> None:
        self._world = world
        self._original = unit
        self._ended = asyncio.Event()
        world.clones += 1
        self._name = f"{unit.id}-clone-{world.clones}"
        world.spawn(self._live(), self._name)

    def end(self) -> None:
        """Switch it off."""
        self._ended.set()

    async def _live(self) -> None:
        world, unit = self._world, self._original
        connector = _Elsewhere(network=world.fleet.network)
        for bearer in unit.node.links:
            if bearer in NETS:
                own = host(bearer, unit.node.station)
                world.fleet.network.same[clone_host(own)] = own
        box = world.fleet.copy(unit.box, self._name, connector)
        box.on_end = lambda error: world.record.note(What.POWER, self._name, state="off", why=repr(error))
        try:
            await box.power_on()
        except LedgerError:
            return
        await self._ended.wait()
        if box.on:
            await box.kill()
