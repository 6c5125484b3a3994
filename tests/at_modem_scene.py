"""A message centre with two Tiantong modules and a phone, and a link opened on one module."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from drivers.at_modem import DRIVER
from drivers.at_modem.config import AtModemConfig
from drivers.base import (
    Handle,
    Link,
    LinkEvent,
    LinkState,
    Precedence,
    Progress,
    Received,
    Service,
    Stage,
    StateChanged,
    Transmission,
)
from sim.channel import Channel
from sim.devices.sat_phone import Phone
from sim.devices.sms_centre import SmsCentre
from sim.devices.tiantong import TiantongModem
from sim.env import SimParts, sim_env
from sim.people import Person
from sim.ports import SimConnector
from sim.rng import Streams

HQ, VEHICLE, PHONE = "17400000001", "17400000002", "17491234567"
PORT, PORT_VEHICLE = "/dev/tiantong", "/dev/tiantong2"

EventT = TypeVar("EventT", bound=LinkEvent)


class Scene:
    """The centre and everybody on it; `loss` is the share of legs lost on the modules' skies."""

    def __init__(
        self, *, seed: int = 1, loss: float = 0.0, storage: int = 20, person: Person | None = None
    ) -> None:
        self.streams = Streams(seed)
        self.centre = SmsCentre()
        self.sky = Channel("hq sky", rng=self.streams.stream("hq/sky"), delay_s=1.5, jitter_s=1.0, loss=loss)
        self.vehicle_sky = Channel(
            "vehicle sky", rng=self.streams.stream("vehicle/sky"), delay_s=1.5, jitter_s=1.0, loss=loss
        )
        self.hq = TiantongModem(
            HQ, self.centre, self.sky, rng=self.streams.stream("hq/modem"), storage_size=storage
        )
        self.vehicle = TiantongModem(
            VEHICLE, self.centre, self.vehicle_sky, rng=self.streams.stream("vehicle/modem")
        )
        self.phone = Phone(PHONE, self.centre, person=person)
        self.connector = SimConnector()
        self.port = self.connector.add_serial(PORT, self.hq, chunks=self.streams.stream("hq/chunks"))
        self.connector.add_serial(PORT_VEHICLE, self.vehicle)
        self.parts = SimParts()

    @asynccontextmanager
    async def link(
        self,
        *,
        name: str = "sat",
        port: str = PORT,
        confirm: bool = True,
        parts: SimParts | None = None,
        config: AtModemConfig | None = None,
    ) -> AsyncGenerator[Opened]:
        """Open the driver; events are collected, and received messages confirmed unless told otherwise."""
        env = sim_env(name, connector=self.connector, streams=self.streams, parts=parts or self.parts)
        async with (
            asyncio.TaskGroup() as tasks,
            DRIVER.open(name, config or AtModemConfig(device=port), env) as link,
        ):
            seen = Opened(link, confirm=confirm)
            reader = tasks.create_task(seen.collect(), name=f"{name}.test")
            try:
                yield seen
            finally:
                reader.cancel()


class Opened:
    """An open link and what it has said."""

    def __init__(self, link: Link, *, confirm: bool) -> None:
        self.link = link
        self.events: list[LinkEvent] = []
        self._confirm = confirm
        self._more = asyncio.Event()
        self._handle = 100

    async def collect(self) -> None:
        """Read events to their end."""
        async for event in self.link.events():
            self.events.append(event)
            if self._confirm and isinstance(event, Received):
                await self.link.confirm(event.receipt)
            self._more.set()

    async def until(
        self, kind: type[EventT], which: Callable[[EventT], bool] = lambda _: True, *, since: int = 0
    ) -> EventT:
        """Wait for an event of a kind, from number `since` on."""
        at = since
        async with asyncio.timeout(7_200):
            while True:
                for event in self.events[at:]:
                    if isinstance(event, kind) and which(event):
                        return event
                at = len(self.events)
                self._more.clear()
                await self._more.wait()

    async def state(self, state: LinkState, *, since: int = 0) -> StateChanged:
        """Wait for a change to `state`."""
        return await self.until(StateChanged, lambda event: event.state is state, since=since)

    async def stage(self, stage: Stage, handle: Handle | None, *, since: int = 0) -> Progress:
        """Wait for progress of one attempt."""
        return await self.until(Progress, lambda e: e.stage is stage and e.handle == handle, since=since)

    def text(self, text: str, to: str = PHONE) -> Transmission:
        """Return a native text under a handle of its own."""
        self._handle += 1
        return Transmission(
            handle=Handle(self._handle), service=Service.TEXT, destination=to,
            precedence=Precedence.ROUTINE, text=text,
        )  # fmt: skip

    def frame(self, payload: bytes, to: str = VEHICLE) -> Transmission:
        """Return a sealed frame under a handle of its own."""
        self._handle += 1
        return Transmission(
            handle=Handle(self._handle), service=Service.DATA, destination=to,
            precedence=Precedence.ROUTINE, payload=payload,
        )  # fmt: skip

    async def heard(self) -> Received:
        """Wait for the first message received."""
        return await self.until(Received)

    def stages(self, handle: Handle) -> list[Stage]:
        """Every stage an attempt has been told to be at, in order."""
        return [e.stage for e in self.events if isinstance(e, Progress) and e.handle == handle]

    def received(self) -> list[Received]:
        """Everything received so far."""
        return [event for event in self.events if isinstance(event, Received)]
