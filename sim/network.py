"""A simulated UDP network: endpoints by host and port, one switchable channel per pair of hosts."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from typing_extensions import override

from drivers.base import Datagrams, PortUnavailableError, StreamLostError
from drivers.waiting import Bell
from sim.channel import Channel
from sim.rng import Streams

RECEIVE_QUEUE_DATAGRAMS: Final = 256
"""What a socket keeps for a receiver that is busy; Linux keeps about as many of 600 octets."""

MAX_DATAGRAM_OCTETS: Final = 65_507
"""Largest UDP payload over IPv4 (RFC 768, RFC 791); a larger one is dropped at the sender."""

FIRST_EPHEMERAL_PORT: Final = 49_152
"""First port handed out for port 0 (RFC 6335, section 6)."""

Address = tuple[str, int]


class Carrier(Protocol):
    """What takes datagrams from host to host behind a pair's channel: a mesh, cells and their backhaul."""

    def carry(self, size_octets: int, deliver: Callable[[], None], source: str, to: str) -> None:
        """Call `deliver` when the datagram is there; never, if it is lost on the way."""


class SimNetwork:
    """Carries datagrams between bound endpoints; every pair of hosts shares a Channel with its own stream.

    A new pair starts with `delay_s`, `jitter_s`, `loss` and `rate_bps`; `channel(a, b)` gives the pair's
    channel to switch or change. Hosts are plain strings, IPv4 or IPv6 alike.
    """

    def __init__(
        self,
        streams: Streams,
        *,
        delay_s: float = 0.02,
        jitter_s: float = 0.0,
        loss: float = 0.0,
        rate_bps: float = 0.0,
    ) -> None:
        self._streams = streams
        self._defaults = (delay_s, jitter_s, loss, rate_bps)
        self._channels: dict[tuple[str, str], Channel] = {}
        self._endpoints: dict[Address, SimDatagrams] = {}
        self._next_port = FIRST_EPHEMERAL_PORT
        self.open: Callable[[str, str], bool] | None = None
        """Whether physics lets two hosts talk now; None: always."""
        self.same: dict[str, str] = {}
        """Hosts that stand beside another and use its channels: a second machine in one network."""
        self.make: Callable[[str, str, random.Random], Channel] | None = None
        """Makes the channel of a new pair; None: all alike."""
        self.carrier: Callable[[str, str], Carrier | None] | None = None
        """Names what carries a datagram that passed the pair's channel (with its cuts and faults) from one
        host to the other; None: the channel was all of the way."""

    def channel(self, host_a: str, host_b: str) -> Channel:
        """Return the one channel between two hosts, whichever is named first."""
        if self.same:
            host_a, host_b = self.same.get(host_a, host_a), self.same.get(host_b, host_b)
        low, high = sorted((host_a, host_b))
        found = self._channels.get((low, high))
        if found is None:
            delay_s, jitter_s, loss, rate_bps = self._defaults
            rng: random.Random = self._streams.stream(f"net/{low}~{high}")
            found = (
                Channel(
                    f"{low}~{high}",
                    rng=rng,
                    delay_s=delay_s,
                    jitter_s=jitter_s,
                    loss=loss,
                    rate_bps=rate_bps,
                )
                if self.make is None
                else self.make(low, high, rng)
            )
            self._channels[low, high] = found
        return found

    def bind(self, host: str, port: int) -> SimDatagrams:
        """Open an endpoint (port 0: any free one); raises PortUnavailableError when it is taken."""
        if port == 0:
            port, self._next_port = self._next_port, self._next_port + 1
        if (host, port) in self._endpoints:
            raise PortUnavailableError(f"{host}:{port}", "in use", "被占用")
        self._endpoints[host, port] = endpoint = SimDatagrams(self, (host, port))
        return endpoint

    def release(self, endpoint: SimDatagrams) -> None:
        """Free the endpoint's address."""
        if self._endpoints.get(endpoint.local) is endpoint:
            del self._endpoints[endpoint.local]

    def carry(self, data: bytes, source: Address, to: Address) -> None:
        """Take one datagram towards `to`; nobody there, or a lossy channel, loses it silently."""
        if len(data) <= MAX_DATAGRAM_OCTETS and (self.open is None or self.open(source[0], to[0])):
            deliver = partial(self._arrive, data, source, to)
            spoilt = partial(self._arrive_spoilt, data, source, to)
            carrier = None if self.carrier is None else self.carrier(source[0], to[0])
            if carrier is not None:
                deliver = partial(carrier.carry, len(data), deliver, source[0], to[0])
                spoilt = partial(carrier.carry, len(data), spoilt, source[0], to[0])
            same = self.same
            back = same.get(source[0], source[0]) > same.get(to[0], to[0]) if same else source[0] > to[0]
            self.channel(source[0], to[0]).carry(len(data), deliver, back=back, spoilt=spoilt)

    def _arrive_spoilt(self, data: bytes, source: Address, to: Address) -> None:
        if data:
            rng = self._streams.stream(f"net/{source[0]}>{to[0]}/spoils")
            at = rng.randrange(len(data))
            changed = data[at] ^ rng.randrange(1, 256)
            data = data[:at] + bytes([changed]) + data[at + 1 :]
        self._arrive(data, source, to)

    def _arrive(self, data: bytes, source: Address, to: Address) -> None:
        endpoint = self._endpoints.get(to)
        if endpoint is not None:
            endpoint.arrive(data, source)


class SimDatagrams(Datagrams):
    """A bound simulated UDP socket."""

    def __init__(self, network: SimNetwork, local: Address) -> None:
        self.dropped = 0
        self._network = network
        self._local = local
        self._queue: deque[tuple[bytes, Address]] = deque()
        self._wake = Bell()
        self._closed = False

    @property
    @override
    def local(self) -> Address:
        return self._local

    @override
    async def receive(self) -> tuple[bytes, Address]:
        while not self._queue:
            if self._closed:
                raise StreamLostError(f"{self._local[0]}:{self._local[1]}: closed", "端口已关闭")
            await self._wake.wait(None)
        return self._queue.popleft()

    @override
    def send(self, data: bytes, to: Address) -> None:
        if not self._closed:
            self._network.carry(bytes(data), self._local, to)

    @override
    async def aclose(self) -> None:
        self._closed = True
        self._queue.clear()
        self._network.release(self)
        self._wake.ring()

    def arrive(self, data: bytes, source: Address) -> None:
        """Queue one datagram for the receiver; a full queue drops the newest."""
        if len(self._queue) >= RECEIVE_QUEUE_DATAGRAMS:
            self.dropped += 1
            return
        self._queue.append((data, source))
        self._wake.ring()
