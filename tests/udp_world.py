"""Two boxes and a network for the tests of the udp link."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import msgspec

from drivers.base import (
    Handle,
    Link,
    LinkEvent,
    LinkState,
    Precedence,
    Service,
    StateChanged,
    Transmission,
)
from drivers.udp import DRIVER
from drivers.udp_config import UdpConfig
from sim.env import SimParts, sim_env
from sim.ports import SimConnector, SimNetwork
from sim.rng import Streams

HQ, VEHICLE, STRANGER = "10.0.0.1", "10.0.0.2", "10.0.0.99"
IP_UDP_OCTETS = 28


class Ear:
    """An open link with everything it said."""

    def __init__(self, link: Link, parts: SimParts) -> None:
        self.link = link
        self.parts = parts
        self.events: list[LinkEvent] = []
        self.times_s: list[float] = []

    async def listen(self) -> None:
        async for event in self.link.events():
            self.events.append(event)
            self.times_s.append(asyncio.get_running_loop().time())

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def states(self) -> list[LinkState]:
        return [event.state for event in self.of(StateChanged)]

    def when(self, state: LinkState) -> float:
        return max(
            time_s
            for time_s, event in zip(self.times_s, self.events, strict=True)
            if isinstance(event, StateChanged) and event.state is state
        )

    def sent(self) -> list[bytes]:
        return [record.data for record in self.parts.trace.records if record.direction == "tx"]


@asynccontextmanager
async def box(
    network: SimNetwork, host: str, *peers: str, quiet: bool = False, bearer: str = "cellular", **keys: object
) -> AsyncGenerator[Ear]:
    parts = SimParts()
    bind = f"[{host}]:7000" if ":" in host else f"{host}:7000"
    config = msgspec.convert({"bind": bind, "peers": list(peers), "bearer": bearer, **keys}, UdpConfig)
    env = sim_env(host, connector=SimConnector(network=network, host=host), streams=Streams(1), parts=parts)
    env = replace(env, may_transmit=lambda: not quiet)
    async with DRIVER.open("ip", config, env) as link:
        ear = Ear(link, parts)
        listening = asyncio.get_running_loop().create_task(ear.listen())
        yield ear
    await listening


def sim_network(streams: Streams | None = None, **keys: float) -> SimNetwork:
    """Make a network with named randomness; `keys` are SimNetwork's."""
    return SimNetwork(streams or Streams(7), **keys)


def data(payload: bytes, to: str = "", handle: int = 1) -> Transmission:
    return Transmission(
        handle=Handle(handle),
        service=Service.DATA,
        destination=to,
        precedence=Precedence.ROUTINE,
        payload=payload,
    )
