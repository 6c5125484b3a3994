"""A PDT net with two mobiles and handhelds, and a link opened on one of them, for tests of the driver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from drivers.base import (
    Connector,
    Handle,
    Link,
    LinkBusyError,
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
from drivers.hytera.config import HyteraConfig
from drivers.hytera.driver import DRIVER
from sim.channel import Channel
from sim.devices.pdt_handheld import Handheld
from sim.devices.pdt_net import PdtNet
from sim.devices.pdt_radio import PdtRadio
from sim.env import SimParts, sim_env
from sim.ports import SimConnector
from sim.rng import Streams

HQ, VEHICLE, ONE, TWO, GROUP = 2101, 2102, 3001, 3002, 9001
PORT = "/dev/radio"
HERE = (30.25, 102.5)

EventT = TypeVar("EventT", bound=LinkEvent)


class Scene:
    """The net and everybody on it. Made inside a running loop."""

    def __init__(
        self,
        *,
        seed: int = 1,
        loss: float = 0.0,
        version: int = 4,
        split: bool = False,
        voice_broadcast: int = 0xB844,
    ) -> None:
        self.streams = Streams(seed)
        self.channel = Channel("pdt", rng=self.streams.stream("net/channel"), loss=loss)
        self.net = PdtNet(self.channel)
        self.hq = PdtRadio(
            HQ,
            self.net,
            rng=self.streams.stream("hq/radio"),
            version=version,
            groups=frozenset({GROUP}),
            voice_broadcast=voice_broadcast,
        )
        self.vehicle = PdtRadio(
            VEHICLE, self.net, rng=self.streams.stream("vehicle/radio"), groups=frozenset({GROUP})
        )
        self.one = Handheld(ONE, self.net, name="小队一", home=HQ, position=HERE, groups=frozenset({GROUP}))
        self.two = Handheld(TWO, self.net, name="小队二", home=HQ, groups=frozenset({GROUP}))
        self.connector = SimConnector()
        chunks = self.streams.stream("hq/chunks") if split else None
        self.port = self.connector.add_serial(PORT, self.hq, chunks=chunks)
        self.vehicle_port = self.connector.add_serial(PORT + "2", self.vehicle)
        self.parts = SimParts()
        self.quiet = False

    @asynccontextmanager
    async def link(
        self,
        *,
        confirm: bool = True,
        port: str = PORT,
        parts: SimParts | None = None,
        connector: Connector | None = None,
        **keys: object,
    ) -> AsyncGenerator[Watch]:
        """Open the driver and wait until the radio answers (unless `wait=False`)."""
        wait = keys.pop("wait", True)
        config = HyteraConfig(device=port, **keys)  # type: ignore[arg-type]
        env = sim_env(
            port,
            connector=connector or self.connector,
            streams=self.streams,
            parts=parts or self.parts,
            may_transmit=lambda: not self.quiet,
        )
        async with DRIVER.open("pdt", config, env) as link, asyncio.TaskGroup() as tasks:
            watch = Watch(link, confirm=confirm)
            reader = tasks.create_task(watch.read())
            if wait:
                await watch.wait_for(StateChanged, lambda event: event.state is LinkState.UP)
            yield watch
            reader.cancel()


class Watch:
    """Reads a link's events, confirms what came in (unless told not to), and sends."""

    def __init__(self, link: Link, *, confirm: bool) -> None:
        self.link = link
        self.events: list[LinkEvent] = []
        self.confirm = confirm
        self._news = asyncio.Event()
        self._handle = 0
        self._go = asyncio.Event()
        self._go.set()

    def hold(self) -> None:
        """Stop reading, as a gateway whose disk is full."""
        self._go.clear()

    def go_on(self) -> None:
        self._go.set()

    async def read(self) -> None:
        async for event in self.link.events():
            await self._go.wait()
            self.events.append(event)
            self._news.set()
            if isinstance(event, Received) and self.confirm:
                await self.link.confirm(event.receipt)

    def of(self, kind: type[EventT]) -> list[EventT]:
        return [event for event in self.events if isinstance(event, kind)]

    async def wait_for(
        self, kind: type[EventT], meant: Callable[[EventT], bool] = lambda _: True, *, limit_s: float = 120.0
    ) -> EventT:
        async with asyncio.timeout(limit_s):
            while True:
                for event in self.of(kind):
                    if meant(event):
                        return event
                self._news.clear()
                await self._news.wait()

    async def text(
        self,
        text: str,
        to: int | str,
        *,
        group: bool = False,
        precedence: Precedence = Precedence.ROUTINE,
    ) -> Handle:
        return await self._send(Service.TEXT, str(to), precedence, text=text, group=group)

    async def data(self, payload: bytes, to: int | str) -> Handle:
        return await self._send(Service.DATA, str(to), Precedence.ROUTINE, payload=payload)

    async def patiently(self, payload: bytes, to: int | str) -> Handle:
        """Send a frame as soon as the link is not busy."""
        while True:
            try:
                return await self.data(payload, to)
            except LinkBusyError as busy:
                await asyncio.sleep(busy.retry_after_s)

    async def check(self, who: int | str, text: str = "") -> Handle:
        return await self._send(Service.STATUS, str(who), Precedence.ROUTINE, text=text)

    async def stage(self, handle: Handle, *stages: Stage) -> Progress:
        """Wait until an attempt gets to one of these stages."""
        return await self.wait_for(Progress, lambda p: p.handle == handle and p.stage in stages)

    async def _send(
        self,
        service: Service,
        to: str,
        precedence: Precedence,
        *,
        payload: bytes = b"",
        text: str = "",
        group: bool = False,
    ) -> Handle:
        self._handle += 1
        return await self.link.send(
            Transmission(
                handle=Handle(self._handle),
                service=service,
                destination=to,
                precedence=precedence,
                payload=payload,
                text=text,
                group=group,
            )
        )
