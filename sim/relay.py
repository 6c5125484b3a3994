"""A switchable stretch of network between two real UDP processes on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NoReturn

from drivers.base import Datagrams
from drivers.io.udp import open_udp
from sim.channel import Channel

Address = tuple[str, int]


class UdpRelay:
    """Stands between A and B: each sees one stable peer, the relay's address on its own side.

    `address_a` is what A sends to and hears from, `address_b` the same for B.
    """

    def __init__(
        self,
        side_a: Datagrams,
        side_b: Datagrams,
        *,
        target_a: Address | None,
        target_b: Address,
        channel: Channel,
    ) -> None:
        self.channel = channel
        self.address_a = side_a.local
        self.address_b = side_b.local
        self._side_a = side_a
        self._side_b = side_b
        self._target_a = target_a
        self._learns_a = target_a is None
        self._target_b = target_b

    async def carry_from_a(self) -> NoReturn:
        """Forward what A sends until cancelled."""
        while True:
            data, source = await self._side_a.receive()
            if self._learns_a:
                self._target_a = source
            self._carry(data, self._side_b, self._target_b)

    async def carry_from_b(self) -> NoReturn:
        """Forward what B sends until cancelled; before A's address is known it is lost."""
        while True:
            data, _ = await self._side_b.receive()
            if self._target_a is not None:
                self._carry(data, self._side_a, self._target_a)

    def _carry(self, data: bytes, out: Datagrams, to: Address) -> None:
        self.channel.carry(len(data), lambda: out.send(data, to))


@asynccontextmanager
async def udp_relay(
    *,
    listen_a: Address,
    target_b: Address,
    channel: Channel,
    listen_b: Address | None = None,
    target_a: Address | None = None,
) -> AsyncGenerator[UdpRelay]:
    """Relay between A and B through `channel` until the context is left; IPv4 and IPv6.

    A sends to `listen_a`. B, at `target_b`, hears from and answers `listen_b` (by default any free port of
    the host of `listen_a`). Without `target_a`, A is whoever sent last. Raises PortUnavailableError.
    """
    async with AsyncExitStack() as cleanup:
        side_a = await open_udp(*listen_a)
        cleanup.push_async_callback(side_a.aclose)
        side_b = await open_udp(*(listen_b or (listen_a[0], 0)))
        cleanup.push_async_callback(side_b.aclose)
        relay = UdpRelay(side_a, side_b, target_a=target_a, target_b=target_b, channel=channel)
        async with asyncio.TaskGroup() as tasks:
            from_a = tasks.create_task(relay.carry_from_a(), name="relay.a")
            from_b = tasks.create_task(relay.carry_from_b(), name="relay.b")
            yield relay
            from_a.cancel()
            from_b.cancel()
