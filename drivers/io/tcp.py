"""TCP clients, for devices behind a serial device server and for modems with a socket."""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import ExitStack
from typing import Final

from drivers.base import ByteStream, PortUnavailableError
from drivers.io.descriptor import DescriptorStream

CONNECT_TIMEOUT_S: Final = 10.0
"""How long a connection may take: three SYNs (1 + 2 + 4 s), satellite round trips included."""

USER_TIMEOUT_MS: Final = 30_000
"""How long written octets may stay unacknowledged, and how long a silent peer may ignore keepalives."""

REASONS: Final = {
    errno.ECONNREFUSED: ("refused", "连接被拒绝"),
    errno.EHOSTUNREACH: ("unreachable", "不可达"),
    errno.ENETUNREACH: ("unreachable", "不可达"),
}
"""What an errno of connecting means to the operator."""


async def open_tcp(host: str, port: int) -> ByteStream:
    """Connect to `host` (a name or an address) and `port`; raises PortUnavailableError."""
    name = f"{host}:{port}"
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            family, kind, protocol, _, address = found[0]
            with ExitStack() as cleanup:  # cancellation too must free the socket
                client = cleanup.enter_context(socket.socket(family, kind, protocol))
                client.settimeout(0)
                await loop.sock_connect(client, address)
                _set_options(client)
                stream = DescriptorStream(client.fileno(), name, close=client.close, flush=_flush)
                cleanup.pop_all()
            return stream
    except TimeoutError as error:
        reason = f"no answer within {CONNECT_TIMEOUT_S:.0f} s"
        raise PortUnavailableError(name, reason, f"{CONNECT_TIMEOUT_S:.0f} 秒内无应答") from error
    except OSError as error:
        reason, zh = REASONS.get(error.errno or 0, (str(error), str(error)))
        raise PortUnavailableError(name, reason, zh) from error


def _set_options(client: socket.socket) -> None:
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, USER_TIMEOUT_MS // 3000)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, USER_TIMEOUT_MS // 3000)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)


async def _flush() -> None:
    """Nothing to wait for: the kernel goes on sending after the close."""
