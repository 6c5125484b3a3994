"""Small worlds for tests of faults, cuts and physics: who is there is said in Python, as a scenario would."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from sim.devices.beidou_handset import BeidouHandset
from sim.devices.pdt_handheld import Handheld
from sim.devices.pdt_net import Air, Kind
from sim.devices.sat_phone import Phone
from sim.faults.apply import Breaker
from sim.faults.model import Fault
from sim.faults.model import Kind as FaultKind
from sim.fleet import until
from sim.network import SimDatagrams
from sim.record import Event, Record, What
from sim.scenario.draw import draw
from sim.scenario.model import Action, Area, Do, Group, Node, Scenario, Span
from sim.world import files
from sim.world.acting import Actors
from sim.world.world import World

T = TypeVar("T")

FLAT = Area(model="flat")

TEST_PORT = 9
"""UDP port of what tests send beside the gateways."""


def node(sign: str, *links: str, **more: object) -> Node:
    """A gateway; the first of a world is headquarters by `headquarters=True`."""
    return replace(Node(id=sign, links=links, at=(1.0, 1.0)), **more)  # type: ignore[arg-type]


def person(sign: str, kind: str, via: str, **more: object) -> Group:
    """Somebody with a device, who answers nothing."""
    return replace(Group(id=sign, kind=kind, via=via, share=0.0), **more)  # type: ignore[arg-type]


def scenario(nodes: tuple[Node, ...], groups: tuple[Group, ...] = (), **more: object) -> Scenario:
    """A scenario of an hour on a perfect channel, unless `more` says otherwise."""
    whole = Scenario(
        name="test",
        title_zh="测试",
        title_en="Test",
        duration_s=3600.0,
        area=FLAT,
        nodes=nodes,
        groups=groups,
    )
    return replace(whole, **more)  # type: ignore[arg-type]


@dataclass
class Scene:
    """One living world, what breaks it and what acts in it."""

    world: World
    breaker: Breaker
    actors: Actors
    sockets: dict[tuple[str, str], SimDatagrams] = field(default_factory=dict)

    def fault(self, kind: FaultKind, target: str, *, for_s: float = 0.0, value: float = 0.0) -> None:
        """Let something break now."""
        now_s = self.world.now_s()
        self.breaker.begin(Fault(at_s=now_s, kind=kind, target=target, for_s=for_s, value=value))

    def cut(self, do: Do, *, for_s: float = 0.0, **more: object) -> None:
        """Cut a road, network or mains now, as an action does."""
        action = Action(t=Span(0.0, 0.0), do=do, for_s=Span(for_s, for_s))
        self.actors.do(replace(action, **more))  # type: ignore[arg-type]

    # --- octets beside the gateways ----------------------------------------------------------------------

    async def datagrams(self, bearer: str, one: str, other: str, count: int = 20) -> list[bytes]:
        """Send numbered datagrams from one node's host to the other's; return what arrives within seconds."""
        sender, receiver = self._socket(bearer, one), self._socket(bearer, other)
        for number in range(count):
            sender.send(bytes([number]) * 40, receiver.local)
            await asyncio.sleep(0.01)
        got: list[bytes] = []
        try:
            async with asyncio.timeout(8.0):
                while True:
                    data, _ = await receiver.receive()
                    got.append(data)
        except TimeoutError:
            return got

    def _socket(self, bearer: str, sign: str) -> SimDatagrams:
        station = self.world.units[sign].node.station
        found = self.sockets.get((bearer, sign))
        if found is None:
            found = self.world.fleet.network.bind(files.host(bearer, station), TEST_PORT)
            self.sockets[bearer, sign] = found
        return found

    async def radio(self, one: str, other: str, count: int = 20) -> int:
        """Let one handheld's set send texts to another's, without repeats; return how many it shows."""
        a, b = self._man(one, Handheld), self._man(other, Handheld)
        before = len(b.screen)
        for number in range(count):
            body = f"{number:03d}".encode("utf-16-le")
            request_id = int(self.world.now_s() * 1000)
            air = Air(kind=Kind.TEXT, source=a.id, destination=b.id, request_id=request_id, body=body)
            self.world.fleet.pdt.transmit(air)
            await asyncio.sleep(2.0)
        return len(b.screen) - before

    async def beidou(self, one: str, other: str, count: int = 20) -> int:
        """Let one card transmit to another, as fast as the test likes; return how many arrive."""
        a, b = self._man(one, BeidouHandset), self._man(other, BeidouHandset)
        before = len(b.screen)
        for number in range(count):
            content = f"{number:03d}".encode()
            self.world.fleet.space.transmit(a.card, b.card, express=False, mode=1, content=content)
            await asyncio.sleep(0.1)
        await asyncio.sleep(10.0)
        return len(b.screen) - before

    async def phones(self, one: str, other: str, *, wait_s: float = 10.0) -> list[str]:
        """Let one phone write to another; return what the other shows anew."""
        a, b = self._man(one, Phone), self._man(other, Phone)
        before = len(b.screen)
        a.type_text(f"{one} {self.world.now_s():.0f}", b.number)
        await asyncio.sleep(wait_s)
        return [shown.text for shown in b.screen[before:]]

    def _man(self, sign: str, kind: type[T]) -> T:
        device = self.world.people[sign].device
        assert isinstance(device, kind)
        return device

    # --- gateways ----------------------------------------------------------------------------------------

    async def up(self, *signs: str, limit_s: float = 120.0) -> None:
        """Wait until gateways run."""
        units = [self.world.units[sign] for sign in signs]
        await until(lambda: all(unit.box.on for unit in units), limit_s=limit_s)

    def has(self, sign: str) -> bool:
        """Whether a gateway runs."""
        return self.world.units[sign].box.on


@asynccontextmanager
async def living(
    whole: Scenario, *, gateways: bool = False, seed: int = 1, keep: frozenset[What] = frozenset()
) -> AsyncGenerator[Scene]:
    """Let a world live; without `gateways` its boxes stay off and tests use their hosts and ports."""
    record = Record(keep=keep)
    with tempfile.TemporaryDirectory() as folder:
        world = World(draw(whole, seed), Path(folder), record)
        async with world:
            world.start(gateways=gateways)
            yield Scene(world, Breaker(world), Actors(world))


def events(scene: Scene, what: What, wanted: Callable[[Event], bool] = lambda _: True) -> list[Event]:
    """Return the kept events of a kind."""
    return [event for event in scene.world.record.events if event.what is what and wanted(event)]
