"""UDP sockets, IPv4 and IPv6; what goes wrong on the way out is loss, as on any network."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from collections import deque
from typing import Final

from typing_extensions import override

from drivers.base import Datagrams, PortUnavailableError, StreamLostError

RECEIVE_QUEUE_DATAGRAMS: Final = 256
"""What waits for a busy reader; the newest beyond it is dropped and counted, as a full socket does."""

RECEIVE_BURST_DATAGRAMS: Final = 32
"""Datagrams taken from the kernel at once; a flood must not starve the loop."""

MAX_DATAGRAM_OCTETS: Final = 65_535
"""Largest datagram there is (16-bit length, RFC 768); a larger buffer would never be filled."""

REASONS: Final = {
    errno.EADDRINUSE: ("in use", "被占用"),
    errno.EADDRNOTAVAIL: ("not an address of this machine", "不是本机地址"),
    errno.EACCES: ("no permission", "没有权限"),
}
"""What an errno of binding means to the operator."""

Address = tuple[str, int]


async def open_udp(host: str, port: int) -> UdpSocket:
    """Bind to the address `host` and `port` (0: any); "" or "::" takes IPv4 and IPv6 alike.

    Raises PortUnavailableError.
    """
    name = f"{host}:{port}"
    try:
        address = ipaddress.ip_address(host or "::")
    except ValueError as error:
        raise PortUnavailableError(name, "not an IP address", "不是 IP 地址") from error
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004 - IPv4
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        bound.settimeout(0)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(not address.is_unspecified))
        bound.bind((str(address), port))
    except OSError as error:
        bound.close()
        reason, zh = REASONS.get(error.errno or 0, (str(error), str(error)))
        raise PortUnavailableError(name, reason, zh) from error
    return UdpSocket(bound)


class UdpSocket(Datagrams):
    """A bound socket; `dropped` counts datagrams no reader took in time, `send_errors` what never left."""

    def __init__(self, bound: socket.socket) -> None:
        self.dropped = 0
        self.send_errors = 0
        self._socket = bound
        self._mapped = bound.family == socket.AF_INET6
        host, port = bound.getsockname()[:2]
        self._local: Address = (str(host), int(port))
        self._queue: deque[tuple[bytes, Address]] = deque()
        self._wake = asyncio.Event()
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(bound.fileno(), self._on_readable)

    @property
    @override
    def local(self) -> Address:
        return self._local

    @override
    async def receive(self) -> tuple[bytes, Address]:
        while not self._queue:
            if self._closed:
                raise StreamLostError(f"{self._local[0]}:{self._local[1]}: closed", "端口已关闭")
            self._wake.clear()
            await self._wake.wait()
        return self._queue.popleft()

    @override
    def send(self, data: bytes, to: Address) -> None:
        try:
            self._socket.sendto(data, (self._on_wire(to[0]), to[1]))
        except (OSError, ValueError, OverflowError):
            self.send_errors += 1

    @override
    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            self._queue.clear()
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._wake.set()

    def _on_wire(self, host: str) -> str:
        """Return the literal address for this socket; a name raises ValueError: resolving would block."""
        address = ipaddress.ip_address(host)
        if self._mapped and isinstance(address, ipaddress.IPv4Address):
            return f"::ffff:{address}"
        return host

    def _on_readable(self) -> None:
        for _ in range(RECEIVE_BURST_DATAGRAMS):
            try:
                data, source = self._socket.recvfrom(MAX_DATAGRAM_OCTETS)
            except OSError:
                return  # nothing left, or an ICMP error of an earlier datagram: loss
            if len(self._queue) >= RECEIVE_QUEUE_DATAGRAMS:
                self.dropped += 1
                continue
            self._queue.append((data, (str(source[0]).removeprefix("::ffff:"), int(source[1]))))
            self._wake.set()
