"""The real Connector: what a driver's environment opens outside the simulator."""

from __future__ import annotations

from typing_extensions import override

from drivers.base import ByteStream, Connector, Datagrams
from drivers.io.serial import open_serial
from drivers.io.tcp import open_tcp
from drivers.io.udp import open_udp


class SystemConnector(Connector):
    """Opens this machine's serial ports and sockets on the running loop."""

    @override
    async def open_serial(self, device: str, *, baud_bps: int) -> ByteStream:
        return await open_serial(device, baud_bps=baud_bps)

    @override
    async def open_tcp(self, host: str, port: int) -> ByteStream:
        return await open_tcp(host, port)

    @override
    async def open_udp(self, host: str, port: int) -> Datagrams:
        return await open_udp(host, port)
