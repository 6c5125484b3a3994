"""The udp driver keeps the driver contract, in memory and on loopback."""

from __future__ import annotations

import asyncio
import socket
import struct
from pathlib import Path

import pytest
from typing_extensions import override

from drivers.base import Connector, Datagrams, Handle, Precedence, Service, StreamLostError, Transmission
from drivers.io.connector import SystemConnector
from drivers.udp import DRIVER
from drivers.udp_config import UdpConfig
from sim.ports import SimConnector, SimNetwork
from sim.rng import Streams
from tests.contract import ContractCase, DatagramCase, DriverContract, InMemoryContract

FRAME = b"sealed, as far as the link knows"


class FarGateway:
    """The other end, built from the page's octets: answers heartbeats, sends frames and junk."""

    def __init__(self, connector: Connector, host: str, port: int) -> None:
        self._connector = connector
        self._host = host
        self.port = port
        self._to = ("", 0)
        self._socket: Datagrams | None = None
        self._task = asyncio.get_running_loop().create_task(self._answer(), name="far")
        self._heard = asyncio.Event()

    async def _answer(self) -> None:
        self._socket = bound = await self._connector.open_udp(self._host, self.port)
        while True:
            try:
                octets, self._to = await bound.receive()
            except StreamLostError:
                return
            self._heard.set()
            if octets[:2] == b"\xf6\x01" and len(octets) == 7:
                bound.send(struct.pack("!BB4s", 0xF6, 2, octets[2:6]), self._to)

    def send(self, data: bytes) -> None:
        """Send one datagram to whoever spoke last."""
        if self._socket is not None and self._to[1]:
            self._socket.send(data, self._to)

    async def say(self) -> None:
        """Send one frame."""
        self.send(b"\xf6\x00" + FRAME)

    async def aclose(self) -> None:
        """Leave."""
        if self._socket is not None:
            await self._socket.aclose()
        self._task.cancel()


def _case(
    inner: Connector, far_side: Connector, hosts: tuple[str, str], ports: tuple[int, int]
) -> ContractCase:
    far = FarGateway(far_side, hosts[1], ports[1])
    bind, peer = f"{hosts[0]}:{ports[0]}", f"{hosts[1]}:{ports[1]}"
    frame = Transmission(
        handle=Handle(1),
        service=Service.DATA,
        destination=peer,
        precedence=Precedence.ROUTINE,
        payload=FRAME,
    )
    return DatagramCase(
        inner,
        driver=DRIVER,
        config=UdpConfig(bind=bind, peers=(peer,), bearer="lan"),
        transmissions=(frame,),
        peer_sends=far.say,
        inject=far.send,
        close=far.aclose,
    )


class TestContractInMemory(InMemoryContract):
    """On the simulated network, in virtual time."""

    @override
    def make_case(self, folder: Path) -> ContractCase:
        network = SimNetwork(Streams(5), delay_s=0.01)
        here = SimConnector(network=network, host="10.0.0.1")
        there = SimConnector(network=network, host="10.0.0.2")
        return _case(here, there, ("10.0.0.1", "10.0.0.2"), (7000, 7000))


@pytest.mark.real
class TestContractOnLoopback(DriverContract):
    """On real sockets."""

    @override
    def make_case(self, folder: Path) -> ContractCase:
        return _case(SystemConnector(), SystemConnector(), ("127.0.0.1", "127.0.0.1"), _free_ports())


def _free_ports() -> tuple[int, int]:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as two,
    ):
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]
