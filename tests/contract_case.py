"""The hands of the driver contract kit: a case to test, an open link to watch; see tests/contract.py."""

from __future__ import annotations

import asyncio
import itertools
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

from typing_extensions import override

from drivers.base import (
    Connector,
    Driver,
    Handle,
    Heard,
    Link,
    LinkBusyError,
    LinkDownError,
    LinkEvent,
    LinkState,
    Progress,
    StateChanged,
    Transmission,
)
from drivers.io.connector import SystemConnector
from sim.device import SerialDevice
from sim.env import SimParts, sim_env
from sim.gate import GatedConnector
from sim.loop import VirtualLoop
from sim.ports import MemoryPort, SimConnector
from sim.pty import PtyPort
from sim.rng import Streams

REAL_LIMIT_S: Final = 30.0
"""How long a test waits for an event on the real clock: a back-off of 8 s, and a slow machine."""

VIRTUAL_LIMIT_S: Final = 3_600.0
"""The same in virtual time, where waiting is free."""

LINK: Final = "contract"
"""The name under which the kit opens a link."""

EventT = TypeVar("EventT")


class Place(StrEnum):
    """Where the simulated device is plugged in."""

    MEMORY = "memory"
    PTY = "pty"


class ContractCase(ABC):
    """One driver, its configuration, and the hands on its simulated device."""

    driver: Driver[Any]
    config: Any
    connector: Connector
    transmissions: Sequence[Transmission]

    @abstractmethod
    async def unplug(self) -> None:
        """Take the port away, open or not."""

    @abstractmethod
    async def replug(self) -> None:
        """Bring it back."""

    @abstractmethod
    async def peer_sends(self) -> None:
        """Make the far end send something that becomes a Received event."""

    @abstractmethod
    async def inject(self, data: bytes) -> None:
        """Let raw octets reach the host as if the device had sent them."""

    @abstractmethod
    async def aclose(self) -> None:
        """Free what the case itself holds."""


class SerialCase(ContractCase):
    """A driver of a SerialDevice, in memory or on a PTY."""

    def __init__(
        self,
        place: Place,
        folder: Path,
        *,
        driver: Driver[Any],
        device: SerialDevice,
        config: Callable[[str], Any],
        transmissions: Sequence[Transmission],
        peer_sends: Callable[[], object],
    ) -> None:
        self.driver = driver
        self.transmissions = transmissions
        self.device = device
        self.port: MemoryPort | PtyPort
        if place is Place.MEMORY:
            path, connector = "/dev/contract", SimConnector()
            self.port = connector.add_serial(path, device, chunks=Streams(LINK).stream("chunks"))
            self.connector = connector
        else:
            path = str(folder / "tty")
            self.port = PtyPort(device, Path(path))
            self.connector = SystemConnector()
        self.config = config(path)
        self._peer_sends = peer_sends

    @override
    async def unplug(self) -> None:
        self.port.unplug()

    @override
    async def replug(self) -> None:
        self.port.replug()

    @override
    async def peer_sends(self) -> None:
        self._peer_sends()

    @override
    async def inject(self, data: bytes) -> None:
        self.device.write(data)

    @override
    async def aclose(self) -> None:
        self.port.unplug()


class DatagramCase(ContractCase):
    """A driver of a socket: unplugging closes it under the driver's hands and refuses a new one.

    `inner` is a SimConnector or the SystemConnector; `inject` and `peer_sends` come from the peer's side.
    """

    def __init__(
        self,
        inner: Connector,
        *,
        driver: Driver[Any],
        config: Any,
        transmissions: Sequence[Transmission],
        peer_sends: Callable[[], Awaitable[object]],
        inject: Callable[[bytes], object],
        close: Callable[[], Awaitable[object]],
    ) -> None:
        self.driver = driver
        self.config = config
        self.transmissions = transmissions
        self._gate = GatedConnector(inner)
        self.connector = self._gate
        self._peer_sends = peer_sends
        self._inject = inject
        self._close = close

    @override
    async def unplug(self) -> None:
        await self._gate.shut()

    @override
    async def replug(self) -> None:
        self._gate.lift()

    @override
    async def peer_sends(self) -> None:
        await self._peer_sends()

    @override
    async def inject(self, data: bytes) -> None:
        self._inject(data)

    @override
    async def aclose(self) -> None:
        await self._close()


class Opened:
    """An open link and everything it has said so far."""

    def __init__(self, link: Link, parts: SimParts, tasks: asyncio.TaskGroup) -> None:
        self.link = link
        self.parts = parts
        self.events: list[LinkEvent] = []
        self._tasks = tasks
        self._more = asyncio.Event()
        self._handles: Iterator[int] = itertools.count(1)

    def start_reading(self) -> None:
        """Collect the link's events from now on, to their end."""
        self._tasks.create_task(self._collect(), name="contract.events")

    async def _collect(self) -> None:
        async for event in self.link.events():
            self.events.append(event)
            self._more.set()

    async def find(self, which: Callable[[LinkEvent], bool], what: str, *, since: int = 0) -> LinkEvent:
        """Return the first event from number `since` on for which `which` holds; wait for it."""
        at = since
        try:
            async with asyncio.timeout(limit_s()):
                while True:
                    while at < len(self.events):
                        at += 1
                        if which(self.events[at - 1]):
                            return self.events[at - 1]
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            raise AssertionError(f"{what} never came, but {self.events[since:]}") from None

    async def until(self, kind: type[EventT], *, since: int = 0) -> EventT:
        """Wait for an event of `kind`."""
        found = await self.find(lambda event: isinstance(event, kind), kind.__name__, since=since)
        assert isinstance(found, kind)
        return found

    async def state(self, *states: LinkState, since: int = 0) -> StateChanged:
        """Wait for a change to one of `states`."""

        def reached(event: LinkEvent) -> bool:
            return isinstance(event, StateChanged) and event.state in states

        found = await self.find(reached, f"state {', '.join(states)}", since=since)
        assert isinstance(found, StateChanged)
        return found

    def numbered(self, transmission: Transmission) -> Transmission:
        """Return the transmission under a handle of its own."""
        return replace(transmission, handle=Handle(next(self._handles)))

    async def send(self, transmission: Transmission) -> Transmission:
        """Send under a fresh handle, waiting as long as the link says it is busy; return what was sent."""
        numbered = self.numbered(transmission)
        async with asyncio.timeout(limit_s()):
            while True:
                try:
                    assert await self.link.send(numbered) == numbered.handle
                except LinkBusyError as busy:
                    await asyncio.sleep(busy.retry_after_s)
                else:
                    return numbered

    async def answered(self, sent: Transmission) -> LinkEvent:
        """Wait for the first progress, or the answer to a status enquiry, of what was sent."""

        def about(event: LinkEvent) -> bool:
            return isinstance(event, Progress | Heard) and event.handle == sent.handle

        return await self.find(about, f"an answer to handle {sent.handle}")

    def octets_sent(self) -> int:
        """Octets traced towards the device so far."""
        return sum(len(record.data) for record in self.parts.trace.records if record.direction == "tx")


def limit_s() -> float:
    """How long to wait on the running loop for what must come."""
    return VIRTUAL_LIMIT_S if isinstance(asyncio.get_running_loop(), VirtualLoop) else REAL_LIMIT_S


@asynccontextmanager
async def opened(case: ContractCase, *, reading: bool = True) -> AsyncGenerator[Opened]:
    """Open the case's link; leaving waits for the end of its events.

    The events are collected from the start, or, without `reading`, from `Opened.start_reading` on.
    """
    parts = SimParts()
    env = sim_env(LINK, connector=case.connector, streams=Streams(LINK), parts=parts)
    async with asyncio.TaskGroup() as tasks, case.driver.open(LINK, case.config, env) as link:
        seen = Opened(link, parts, tasks)
        if reading:
            seen.start_reading()
        yield seen


@asynccontextmanager
async def up(case: ContractCase) -> AsyncGenerator[Opened]:
    """Open the case's link and wait until it is UP."""
    async with opened(case) as seen:
        await seen.state(LinkState.UP)
        yield seen


async def send_or_down(link: Link, transmission: Transmission) -> LinkDownError | None:
    """Send; return the error if the link is down, None if the device took it."""
    try:
        await link.send(transmission)
    except LinkDownError as error:
        return error
    return None


def numbers_in(text: str) -> set[int]:
    """Every whole number that a text names."""
    return {int(number) for number in re.findall(r"\d+", text)}
