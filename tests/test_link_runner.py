"""A link's runner and a driver that breaks its contract, at every moment at which it can."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from drivers.base import (
    Bearer,
    Capabilities,
    Handle,
    Link,
    LinkEvent,
    LinkState,
    Notice,
    Precedence,
    Service,
    StateChanged,
    Transmission,
)
from gateway.config import LinkConfig
from gateway.links import DriverFailedError, LinkRunner
from sim.env import SimParts, sim_env
from sim.fleet import until
from sim.ports import SimConnector
from sim.rng import Streams


class BrittleLink:
    """Raises in `send` as soon as it is told to; its events end when it is told to."""

    name = "brittle"

    def __init__(self) -> None:
        self.may_raise = asyncio.Event()
        self.queue: asyncio.Queue[LinkEvent | None] = asyncio.Queue()
        self.queue.put_nowait(StateChanged(state=LinkState.UP, reason="open"))

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            bearer=Bearer.LAN, services=frozenset({Service.DATA}), mtu_octets=100, nominal_bps=9_600
        )

    async def send(self, transmission: Transmission) -> Handle:
        await self.may_raise.wait()
        raise KeyError(transmission.handle)

    async def events(self) -> AsyncGenerator[LinkEvent]:
        while (event := await self.queue.get()) is not None:
            yield event

    async def confirm(self, receipt: int) -> None:
        """Nothing waits."""

    async def probe(self) -> None:
        """Nothing to ask."""


class BrittleDriver:
    """Opens a new link each time."""

    config_type = object

    def __init__(self) -> None:
        self.opened: list[BrittleLink] = []
        self.closed = 0

    @asynccontextmanager
    async def open(self, *_: object) -> AsyncGenerator[Link]:
        self.opened.append(BrittleLink())
        try:
            yield self.opened[-1]
        finally:
            self.closed += 1


class Taken:
    """What the gateway took, event by event; each takes `busy_s`."""

    def __init__(self) -> None:
        self.busy_s = 0.0
        self.ended: list[LinkEvent] = []

    async def event(self, _link: LinkRunner, event: LinkEvent) -> None:
        await asyncio.sleep(self.busy_s)
        self.ended.append(event)


FRAME = Transmission(
    handle=Handle(1), service=Service.DATA, destination="", precedence=Precedence.ROUTINE, payload=b"x"
)


@asynccontextmanager
async def runner() -> AsyncGenerator[tuple[LinkRunner, BrittleDriver, Taken]]:
    """A link that is up."""
    driver, taken, streams = BrittleDriver(), Taken(), Streams(1)
    env = sim_env("brittle", connector=SimConnector(), streams=streams, parts=SimParts())
    config = LinkConfig(name="brittle", driver="brittle", config=None)
    link = LinkRunner(config, driver, env, recovery_hold_s=1.0, on_event=taken.event)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(link.run())
        await until(lambda: bool(taken.ended), limit_s=5)
        yield link, driver, taken
        running.cancel()


async def test_driver_that_raises_in_send_is_closed_and_opened_again() -> None:
    """The sender is told that nobody knows the outcome; the driver is closed and opened anew."""
    async with runner() as (link, driver, taken):
        driver.opened[0].may_raise.set()
        with pytest.raises(DriverFailedError, match="KeyError"):
            await link.send(FRAME)
        assert link.bearer is None
        await until(lambda: len(driver.opened) > 1, limit_s=10)

        assert driver.closed == 1
        assert StateChanged(state=LinkState.DOWN, reason="driver failed: KeyError") in taken.ended


async def test_event_begun_is_taken_to_its_end_when_the_driver_is_given_up() -> None:
    """An event on its way into the ledger is not torn off because `send` failed meanwhile."""
    async with runner() as (link, driver, taken):
        taken.busy_s = 2.0
        driver.opened[0].queue.put_nowait(Notice(event="something_happened"))
        await asyncio.sleep(1)
        driver.opened[0].may_raise.set()
        with pytest.raises(DriverFailedError):
            await link.send(FRAME)
        await asyncio.sleep(2)

        assert Notice(event="something_happened") in taken.ended


async def test_failure_of_a_driver_that_has_ended_leaves_the_next_one_alone() -> None:
    """What an old driver raises after it was closed takes nothing from the one opened since."""
    async with runner() as (link, driver, _):
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(_fails(link))
            await asyncio.sleep(0)
            driver.opened[0].queue.put_nowait(None)
            await until(lambda: len(driver.opened) > 1, limit_s=10)
            await asyncio.sleep(1)
            driver.opened[0].may_raise.set()
            assert await sending
        driver.opened[1].queue.put_nowait(Notice(event="still_there"))
        await asyncio.sleep(10)

        assert (driver.closed, len(driver.opened), link.bearer) == (1, 2, Bearer.LAN)


async def _fails(link: LinkRunner) -> bool:
    with pytest.raises(DriverFailedError):
        await link.send(FRAME)
    return True
