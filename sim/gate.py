"""A switch in front of any connector: what it opened can be torn away, and nothing opens while it is shut."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from typing_extensions import override

from drivers.base import ByteStream, Connector, Datagrams, PortUnavailableError


class GatedConnector(Connector):
    """Opens through `inner`; `shut` closes whatever was opened under its owner's hands, and refuses more."""

    def __init__(self, inner: Connector) -> None:
        self._inner = inner
        self._is_shut = False
        self._closers: list[Callable[[], Awaitable[None]]] = []

    async def shut(self) -> None:
        """Tear away what is open; opening finds nothing from now on."""
        self._is_shut = True
        closers, self._closers = self._closers, []
        for close in closers:
            await close()

    def lift(self) -> None:
        """Let opening succeed again."""
        self._is_shut = False

    @override
    async def open_serial(self, device: str, *, baud_bps: int) -> ByteStream:
        self._check(device)
        stream = await self._inner.open_serial(device, baud_bps=baud_bps)
        self._closers.append(stream.aclose)
        return stream

    @override
    async def open_tcp(self, host: str, port: int) -> ByteStream:
        self._check(f"{host}:{port}")
        stream = await self._inner.open_tcp(host, port)
        self._closers.append(stream.aclose)
        return stream

    @override
    async def open_udp(self, host: str, port: int) -> Datagrams:
        self._check(f"{host}:{port}")
        datagrams = await self._inner.open_udp(host, port)
        self._closers.append(datagrams.aclose)
        return datagrams

    def _check(self, name: str) -> None:
        if self._is_shut:
            raise PortUnavailableError(name, "absent", "不存在")
