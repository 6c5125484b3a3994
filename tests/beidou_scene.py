"""A bench for the Beidou driver: a space segment, terminals on ports, a handset; in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec

from drivers.base import (
    Handle,
    LinkBusyError,
    LinkEvent,
    LinkState,
    Precedence,
    Service,
    StateChanged,
    Transmission,
)
from drivers.beidou import DRIVER
from drivers.beidou.config import BeidouConfig
from drivers.beidou.link import BeidouLink
from sim.channel import Channel
from sim.clock import SimClock
from sim.devices.beidou import BeidouTerminal
from sim.devices.beidou_handset import BeidouHandset
from sim.devices.rdss import RdssSpace
from sim.env import SimParts, sim_env
from sim.ports import MemoryPort, SimConnector
from sim.rng import Streams

OURS, PEER, HANDSET = 166001, 166002, 244883
E = TypeVar("E", bound=LinkEvent)


class Bench:
    """A space segment, our terminal on a port, a peer's terminal whose host only listens, and a handset."""

    def __init__(self) -> None:
        self.streams = Streams("beidou")
        rng = self.streams.stream
        channel = Channel("rdss", rng=rng("channel"), delay_s=1.0, jitter_s=3.0)
        self.space = RdssSpace(channel, rng=rng("space"))
        self.terminal = BeidouTerminal(OURS, self.space, rng=rng("ours"))
        self.peer = BeidouTerminal(PEER, self.space, rng=rng("peer"))
        self.heard_by_peer = bytearray()
        self.peer.attach(self.heard_by_peer.extend)
        self.handset = BeidouHandset(HANDSET, self.space, rng=rng("handset"), home=OURS)
        self.connector = SimConnector()
        self.port: MemoryPort = self.connector.add_serial("/dev/rdss", self.terminal)
        self.clock = SimClock()
        self.parts = SimParts()
        self.events: list[LinkEvent] = []

    @asynccontextmanager
    async def link(self, **keys: object) -> AsyncGenerator[BeidouLink]:
        """Open the driver with config keys; its events gather in `events`."""
        self.events.clear()
        config = msgspec.convert({"device": "/dev/rdss", "data_peers": [f"{PEER:07d}"], **keys}, BeidouConfig)
        env = sim_env(
            "bd", connector=self.connector, streams=self.streams, clock=self.clock, parts=self.parts
        )
        async with asyncio.TaskGroup() as tasks, DRIVER.open("bd", config, env) as link:
            assert isinstance(link, BeidouLink)
            tasks.create_task(self._gather(link))
            yield link

    async def _gather(self, link: BeidouLink) -> None:
        async for event in link.events():
            self.events.append(event)

    def of(self, kind: type[E]) -> list[E]:
        """Return the events of one kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def state(self) -> StateChanged:
        """Return the last state told."""
        return self.of(StateChanged)[-1]

    async def until(self, what: Callable[[], bool], limit_s: float = 120.0) -> float:
        """Wait until something holds; return how long that took."""
        start_s = asyncio.get_running_loop().time()
        async with asyncio.timeout(limit_s):
            while not what():  # noqa: ASYNC110 - any condition, in virtual time
                await asyncio.sleep(0.05)
        return asyncio.get_running_loop().time() - start_s

    async def up(self, limit_s: float = 30.0) -> float:
        """Wait for the link to be up."""
        return await self.until(
            lambda: bool(self.of(StateChanged)) and self.state.state is LinkState.UP, limit_s
        )

    async def becomes(self, state: LinkState, limit_s: float = 60.0) -> float:
        """Wait for a state."""
        return await self.until(lambda: self.state.state is state, limit_s)


def data(handle: int, payload: bytes = b"\xa0\x00*,$\r\n", to: str = "0166002") -> Transmission:
    """Return a frame that would break a sentence if it were not hex."""
    return Transmission(
        handle=Handle(handle),
        service=Service.DATA,
        destination=to,
        precedence=Precedence.ROUTINE,
        payload=payload,
    )


def text(
    handle: int, words: str, to: int = HANDSET, precedence: Precedence = Precedence.ROUTINE
) -> Transmission:
    """Return a native text."""
    return Transmission(
        handle=Handle(handle), service=Service.TEXT, destination=str(to), precedence=precedence, text=words
    )


def transmissions(terminal: BeidouTerminal) -> list[bytes]:
    """Return the messages a terminal was told to send."""
    return [command for command in terminal.commands if command.startswith(b"CCTXA")]


async def sent_after(link: BeidouLink, handle: int) -> float:
    """Send as a gateway does, waiting as told; return how long it took to be told to go ahead."""
    start_s = asyncio.get_running_loop().time()
    while True:
        asked_s = asyncio.get_running_loop().time()
        try:
            await link.send(data(handle))
        except LinkBusyError as busy:
            await asyncio.sleep(busy.retry_after_s)
        else:
            return asked_s - start_s
