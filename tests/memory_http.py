"""HTTP without sockets: aiohttp's server and client joined in memory, so that they run in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.client_proto import ResponseHandler

from gateway.api.app import running

HIGH_WATER_OCTETS = 64 * 1024
"""A pipe that holds more asks its writer to pause, as asyncio's socket transports do."""


class Pipe(asyncio.Transport):
    """One direction's end; what is written here is received by the other end's protocol."""

    def __init__(self, own: asyncio.Protocol, address: str) -> None:
        super().__init__({"peername": (address, 40_000)})
        self.own = own
        self.far: Pipe | None = None
        self.held: list[bytes] = []
        self.reading = True
        self.paused = False
        self.closed = False

    def write(self, data: Any) -> None:
        if self.closed or self.far is None:
            return
        self.far.held.append(bytes(data))
        if self.far.held_octets > HIGH_WATER_OCTETS and not self.paused:
            self.paused = True
            self.own.pause_writing()
        asyncio.get_running_loop().call_soon(self.far.deliver)

    @property
    def held_octets(self) -> int:
        return sum(map(len, self.held))

    def deliver(self) -> None:
        while self.held and self.reading and not self.closed:
            self.own.data_received(self.held.pop(0))
        if self.far is not None and self.far.paused and not self.held:
            self.far.paused = False
            self.far.own.resume_writing()

    def is_reading(self) -> bool:
        return self.reading

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True
        asyncio.get_running_loop().call_soon(self.deliver)

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        loop = asyncio.get_running_loop()
        loop.call_soon(self.own.connection_lost, None)
        if self.far is not None:
            loop.call_soon(self.far.close)

    def abort(self) -> None:
        self.close()

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return 0 if self.far is None else self.far.held_octets

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        del high, low  # one mark is enough here

    def can_write_eof(self) -> bool:
        return False


class MemoryConnector(aiohttp.BaseConnector):
    """Gives every client connection a server protocol of its own; `pipes` holds the clients' ends."""

    def __init__(self, server: Callable[[], asyncio.Protocol], address: str) -> None:
        super().__init__()
        self._server = server
        self._address = address
        self.pipes: list[Pipe] = []

    async def _create_connection(self, *_args: object) -> ResponseHandler:
        client = ResponseHandler(asyncio.get_running_loop())
        server = self._server()
        near, far = Pipe(client, "server"), Pipe(server, self._address)
        near.far, far.far = far, near
        server.connection_made(far)
        client.connection_made(near)
        self.pipes.append(near)
        return client


@asynccontextmanager
async def client_of(app: web.Application, address: str = "10.0.0.9") -> AsyncGenerator[aiohttp.ClientSession]:
    """Run the application and give a client of it, without a socket."""
    async with running(app) as runner, client_at(runner, address) as client:
        yield client


@asynccontextmanager
async def client_at(runner: web.AppRunner, address: str) -> AsyncGenerator[aiohttp.ClientSession]:
    """Give one more client of a running application, seen at that address."""
    server = runner.server
    assert server is not None
    connector = MemoryConnector(server, address)
    async with aiohttp.ClientSession("http://gateway.test", connector=connector) as client:
        yield client
