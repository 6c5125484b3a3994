"""The udp link on this machine's own loopback, IPv4 and IPv6, with real sockets and the real clock."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeVar

import pytest

from drivers.base import (
    Handle,
    Heard,
    Link,
    LinkEvent,
    LinkState,
    Precedence,
    Received,
    Service,
    StateChanged,
    Transmission,
)
from drivers.io.clock import SystemClock
from drivers.io.connector import SystemConnector
from drivers.udp import DRIVER
from drivers.udp_config import UdpConfig, address_text
from protocols.air.datagram import DATA_MAX_OCTETS
from sim.env import sim_env
from sim.rng import Streams

pytestmark = pytest.mark.real

EventT = TypeVar("EventT")


def _free_port(host: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def _link(name: str, bind: str, *peers: str) -> AsyncGenerator[Link]:
    env = sim_env(name, connector=SystemConnector(), streams=Streams(3))
    config = UdpConfig(bind=bind, peers=peers, bearer="lan")
    async with DRIVER.open(name, config, replace(env, clock=SystemClock())) as link:
        yield link


async def _first(
    events: AsyncGenerator[LinkEvent], kind: type[EventT], *, state: LinkState | None = None
) -> EventT:
    async with asyncio.timeout(10):
        async for event in events:
            if isinstance(event, kind) and (state is None or getattr(event, "state", None) is state):
                return event
    raise AssertionError("the event stream ended")


def _frame(payload: bytes, to: str) -> Transmission:
    return Transmission(
        handle=Handle(1), service=Service.DATA, destination=to, precedence=Precedence.ROUTINE, payload=payload
    )


@pytest.mark.parametrize(
    ("here", "there", "bound"),
    [("127.0.0.1", "127.0.0.1", "127.0.0.1"), ("::1", "::1", "::1"), ("127.0.0.1", "127.0.0.1", "::")],
    ids=["IPv4", "IPv6", "IPv4 at a dual-stack socket"],
)
async def test_frames_pass_on_loopback_and_a_loss_is_noticed(here: str, there: str, bound: str) -> None:
    """The largest frame arrives; a peer that goes away is noticed within a second or so; it comes back."""
    port_1, port_2 = _free_port(here), _free_port(there)
    at_1, at_2 = address_text(here, port_1), address_text(there, port_2)
    async with _link("one", address_text(bound, port_1), at_2) as one:
        events_1 = one.events()
        async with _link("two", at_2, at_1) as two:
            events_2 = two.events()
            assert (await _first(events_1, Heard)).address == at_2
            await _first(events_2, StateChanged, state=LinkState.UP)

            await one.send(_frame(b"\x00" * DATA_MAX_OCTETS, at_2))
            assert await _first(events_2, Received) == Received(
                service=Service.DATA, source=at_1, payload=b"\x00" * DATA_MAX_OCTETS
            )
            left_s = asyncio.get_running_loop().time()

        await _first(events_1, StateChanged, state=LinkState.DOWN)
        assert asyncio.get_running_loop().time() - left_s < 2
        async with _link("two", at_2, at_1):
            await _first(events_1, StateChanged, state=LinkState.UP)


async def test_two_links_cannot_have_one_port() -> None:
    """The second is ABSENT with the reason; the first does not notice."""
    at = address_text("127.0.0.1", _free_port("127.0.0.1"))
    async with _link("one", at), _link("two", at) as two:
        assert (await _first(two.events(), StateChanged, state=LinkState.ABSENT)).reason == "in use"
