"""Real sockets on loopback: UDP as a lossy network, TCP as a byte stream, and the relay between processes."""

from __future__ import annotations

import asyncio
import re
import socket
from contextlib import closing

import pytest

from drivers.base import PortUnavailableError, StreamLostError
from drivers.io.connector import SystemConnector
from drivers.io.udp import RECEIVE_QUEUE_DATAGRAMS, open_udp
from sim.channel import Channel
from sim.relay import udp_relay
from sim.rng import Streams
from tests.waiting import until

pytestmark = pytest.mark.real


def _channel() -> Channel:
    return Channel("a~b", rng=Streams(1).stream("relay"))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_datagrams_carry_their_source(host: str) -> None:
    """Both ends learn each other's address as bound, IPv4 and IPv6."""
    connector = SystemConnector()
    a, b = await connector.open_udp(host, 0), await connector.open_udp(host, 0)
    async with asyncio.timeout(5):
        a.send(b"ping", b.local)
        data, source = await b.receive()
        b.send(b"pong", source)
        assert (data, source, await a.receive()) == (b"ping", a.local, (b"pong", b.local))
    await a.aclose()
    await b.aclose()


async def test_one_socket_speaks_both_families() -> None:
    """A socket bound to "::" sends to and hears from IPv4 under its plain address."""
    both, four = await open_udp("::", 0), await open_udp("127.0.0.1", 0)
    async with asyncio.timeout(5):
        both.send(b"ping", four.local)
        _, source = await four.receive()
        assert source == ("127.0.0.1", both.local[1])
        four.send(b"pong", source)
        assert await both.receive() == (b"pong", four.local)
    await both.aclose()
    await four.aclose()


@pytest.mark.parametrize(
    "to", [("127.0.0.1", 1), ("192.0.2.1", 9), ("no-such-name.invalid", 9), ("::1", 9), ("127.0.0.1", 70_000)]
)
async def test_what_cannot_be_sent_is_loss(to: tuple[str, int]) -> None:
    """Nobody there, no route, a name, the wrong family, an impossible port: the socket lives on."""
    a = await open_udp("127.0.0.1", 0)
    a.send(b"lost", to)
    a.send(bytes(70_000), a.local)
    a.send(b"heard", a.local)

    async with asyncio.timeout(5):
        assert (await a.receive())[0] == b"heard"
    assert a.send_errors >= 1
    await a.aclose()


async def test_a_full_queue_drops_and_counts() -> None:
    """A reader that sleeps keeps a bounded number of datagrams, the oldest."""
    a, b = await open_udp("127.0.0.1", 0), await open_udp("127.0.0.1", 0)
    for number in range(RECEIVE_QUEUE_DATAGRAMS + 50):
        a.send(b"%d" % number, b.local)
        await asyncio.sleep(0)
    await until(lambda: b.dropped == 50)
    assert (await b.receive())[0] == b"0"
    await a.aclose()
    await b.aclose()


async def test_closing_udp_wakes_the_reader_and_frees_the_port() -> None:
    """A waiting receive raises StreamLostError; the port can be bound again; in use says so."""
    a = await open_udp("127.0.0.1", 0)
    with pytest.raises(PortUnavailableError, match="in use"):
        await open_udp(*a.local)

    async with asyncio.TaskGroup() as tasks:
        closed = tasks.create_task(_closed(a.receive()))
        await asyncio.sleep(0)
        await a.aclose()

    assert closed.result()
    await (await open_udp(*a.local)).aclose()


async def _closed(waiting: object) -> bool:
    assert asyncio.iscoroutine(waiting)
    try:
        await waiting
    except StreamLostError:
        return True
    return False


@pytest.mark.parametrize(
    ("host", "reason"), [("localhost", "not an IP address"), ("192.0.2.1", "not an address")]
)
async def test_a_host_that_cannot_be_bound_says_why(host: str, reason: str) -> None:
    """Names are refused, as are addresses of other machines."""
    with pytest.raises(PortUnavailableError, match=reason):
        await open_udp(host, 0)


async def test_tcp_carries_octets_and_ends_with_the_peer() -> None:
    """Octets pass both ways; the peer's close is b"" and then a raising write."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        stream = await SystemConnector().open_tcp(*server.getsockname())
        peer, _ = server.accept()
        with peer:
            await stream.write(b"ping")
            assert peer.recv(100) == b"ping"
            peer.sendall(b"pong")
            async with asyncio.timeout(5):
                assert await stream.read(100) == b"pong"

        async with asyncio.timeout(5):
            assert await stream.read(100) == b""
        with pytest.raises(StreamLostError):
            await stream.write(b"lost")
        await stream.aclose()


async def test_tcp_to_nobody_is_refused() -> None:
    """The error says so, with host and port."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        host, port = free.getsockname()
        with pytest.raises(PortUnavailableError, match=re.escape(f"{host}:{port}: refused")):
            await SystemConnector().open_tcp(host, port)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_the_relay_shows_each_side_one_stable_peer(host: str) -> None:
    """A and B talk through it; each hears from the relay's address of its own side, always the same."""
    a, b = await open_udp(host, 0), await open_udp(host, 0)
    async with (
        asyncio.timeout(5),
        udp_relay(listen_a=(host, 0), target_b=b.local, channel=_channel()) as relay,
    ):
        for number in range(3):
            a.send(b"to b %d" % number, relay.address_a)
            assert await b.receive() == (b"to b %d" % number, relay.address_b)
            b.send(b"to a %d" % number, relay.address_b)
            assert await a.receive() == (b"to a %d" % number, relay.address_a)
    await a.aclose()
    await b.aclose()


async def test_a_cut_relay_carries_nothing_until_healed() -> None:
    """The channel's switch cuts both directions of the real path."""
    a, b = await open_udp("127.0.0.1", 0), await open_udp("127.0.0.1", 0)
    channel = _channel()
    async with (
        asyncio.timeout(5),
        udp_relay(listen_a=("127.0.0.1", 0), target_a=a.local, target_b=b.local, channel=channel) as relay,
    ):
        channel.cut = True
        a.send(b"lost", relay.address_a)
        b.send(b"lost", relay.address_b)
        await until(lambda: channel.lost == 2)
        channel.cut = False
        b.send(b"heard", relay.address_b)
        assert (await a.receive())[0] == b"heard"
    await a.aclose()
    await b.aclose()
