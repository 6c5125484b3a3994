"""Several whole gateways in one process and one virtual time, each on a box with its own disk and clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from typing_extensions import override

from drivers.base import Hooks, Trace
from gateway.api.backend import Caller, NewMessage, Role
from gateway.backend import GatewayBackend
from gateway.config import Config, load_config
from gateway.domain import Message, Precedence, TimeQuality
from gateway.keys import Master
from gateway.service import LEDGER_FILE, Gateway, World, open_gateway
from protocols.air import KEY_OCTETS, KeyRing
from sim.channel import Channel
from sim.clock import SimClock
from sim.devices.pdt_net import PdtNet
from sim.devices.rdss import RdssSpace
from sim.devices.sms_centre import SmsCentre
from sim.disk import SimDisk
from sim.env import SimHooks, SimLog, SimTrace
from sim.loop import BOX, VirtualLoop
from sim.network import SimNetwork
from sim.ports import SimConnector
from sim.rng import Streams

LOOK_S: Final = 0.05
"""How often `until` looks at first: finer than any figure a test names."""

LOOK_SHARE: Final = 1 / 500
"""Later it looks as rarely as this share of what it has waited: half an hour is told to some seconds."""

SEAT: Final = Caller(name="seat", role=Role.ADMIN, ceiling=Precedence.SOS)
"""The person at the desk of every box."""


class Fleet:
    """Boxes and what lies between them: an IP network, a PDT net, a message centre, a Beidou space segment.

    An async context manager; on leaving it every box that still runs loses its power. An exception in a
    gateway ends the context with it.
    """

    def __init__(self, directory: Path, roster: str, *, seed: int | str = 1) -> None:
        self.streams = Streams(seed)
        self.network = SimNetwork(self.streams)
        rng = self.streams.stream
        self.pdt = PdtNet(Channel("pdt", rng=rng("pdt/channel")), streams=self.streams)
        self.sms = SmsCentre()
        self.sms_channel = Channel("tiantong", rng=rng("tiantong/channel"), delay_s=1.0)
        space = Channel("rdss", rng=rng("rdss/channel"), delay_s=1.0)
        self.space = RdssSpace(space, rng=rng("rdss/space"), streams=self.streams)
        self.boxes: dict[str, Box] = {}
        self._directory = directory
        self._roster = roster
        key = rng("fleet/keys").getrandbits(8 * KEY_OCTETS).to_bytes(KEY_OCTETS, "big")
        self._master = Master(net_id=7, epoch=0, key=key)
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for box in self.boxes.values():
            if box.on:
                await box.cut_power()
        await self._tasks.__aexit__(kind, error, trace)

    def box(self, name: str, station: int, toml: str, *, host: str = "") -> Box:
        """Make a box, still without power. `toml` is its configuration file without `[gateway]`.

        `host` is its address on the IP network, by default `10.0.0.<station>`.
        """
        folder = self._directory / name
        folder.mkdir(parents=True)
        (folder / "roster.toml").write_text(self._roster, encoding="utf-8")
        file = folder / "fieldgate.toml"
        file.write_text(f"[gateway]\nstation = {station}\n{toml}", encoding="utf-8")
        config = load_config(file)
        gateways = [number for number, found in config.roster.stations.items() if found.gateway]
        box = Box(
            name,
            config,
            self._master.ring(station, gateways),
            self.streams,
            SimConnector(network=self.network, host=host or f"10.0.0.{station}"),
            self._tasks,
        )
        self.boxes[name] = box
        return box

    def copy(self, box: Box, name: str, connector: SimConnector) -> Box:
        """Make a second box from another's files and disk as they are now, still without power."""
        config = replace(box.config, data_dir=self._directory / name / "data")
        made = Box(name, config, box.keys, self.streams, connector, self._tasks)
        made.disk.put_back(box.disk.image())
        self.boxes[name] = made
        return made


class BoxTrace(SimTrace):
    """Keeps what passed; what goes the `broken_way` of `broken_link` raises, as a bug in its driver would."""

    broken_link = ""
    broken_way = "rx"

    @override
    def record(self, link: str, direction: str, data: bytes, note: str = "") -> None:
        if link == self.broken_link and direction == self.broken_way:
            raise RuntimeError(f"{link}: a bug")
        super().record(link, direction, data, note)


class Box:
    """One gateway's box: what is plugged in, its clock, its disk, and the gateway while it has power."""

    def __init__(
        self,
        name: str,
        config: Config,
        keys: KeyRing,
        streams: Streams,
        connector: SimConnector,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self.name = name
        self.config = config
        self.keys = keys
        self.connector = connector
        self.clock = SimClock()
        self.keeps_date = True
        """Whether its date outlives a power loss: a clock with a battery of its own."""
        self.time_quality = TimeQuality.SYSTEM
        self.log = SimLog()
        self.trace = BoxTrace()
        self.wire: Trace = self.trace
        """What the gateway is given to tell of frames and lines."""
        self.hooks: Hooks = SimHooks()
        self.disk = SimDisk(config.data_dir, streams.stream(f"{name}/disk"))
        self.starts = 0
        self.on_end: Callable[[Exception], None] | None = None
        """Told when the gateway ends by an error of its own; without it the fleet ends with that error."""
        self._streams = streams
        self._tasks = tasks
        self._gateway: Gateway | None = None
        self._running: asyncio.Task[None] | None = None

    @property
    def on(self) -> bool:
        """Whether the gateway runs."""
        return self._gateway is not None

    @property
    def gateway(self) -> Gateway:
        """The gateway; only while the box has power."""
        assert self._gateway is not None, f"{self.name} has no power"  # noqa: S101 - a mistake of the scenario
        return self._gateway

    @property
    def backend(self) -> GatewayBackend:
        """What the API of this gateway stands on."""
        return self.gateway.backend

    @property
    def ledger_path(self) -> Path:
        """The ledger's file, for looking at it or exchanging it while the box is off."""
        return self.config.data_dir / LEDGER_FILE

    async def power_on(self) -> None:
        """Start the gateway on what is on the disk; return when it is ready."""
        ready = asyncio.Event()
        process = copy_context()
        process.run(BOX.set, self.name)
        self._running = running = self._tasks.create_task(self._run(ready), name=self.name, context=process)
        running.add_done_callback(lambda _task: ready.set())
        await ready.wait()

    def pause(self) -> None:
        """Stop the gateway's process as SIGSTOP does: nothing of it runs, what comes in waits."""
        _virtual_loop().pause(self.name)

    def resume(self) -> None:
        """Let it go on."""
        _virtual_loop().resume(self.name)

    async def cut_power(self) -> None:
        """Take the power away now: what is not on the disk is gone, nothing more is sent or written."""
        left = self.disk.surviving()
        await self.kill()
        self.disk.put_back(left)
        self.clock.cold_boot(keeps_date=self.keeps_date)

    async def kill(self) -> None:
        """End the gateway's process as SIGKILL does: what it wrote stays, synced or not."""
        gateway, running = self.gateway, self._running
        gateway.core.ledger.abandon()
        self._gateway = None
        if running is not None:
            running.cancel()
            loop = asyncio.get_running_loop()
            if isinstance(loop, VirtualLoop):
                loop.resume(self.name)  # a stopped process dies as well
            await asyncio.wait([running])

    async def stop(self) -> None:
        """Stop the gateway as SIGTERM does."""
        running = self._running
        if running is not None:
            running.cancel()
            await asyncio.wait([running])
        self._gateway = None

    async def restart(self, *, off_s: float = 1.0) -> None:
        """Cut the power and bring it back."""
        await self.cut_power()
        await asyncio.sleep(off_s)
        await self.power_on()

    async def _run(self, ready: asyncio.Event) -> None:
        try:
            await self._live(ready)
        except Exception as error:
            self._gateway = None
            if self.on_end is None:
                raise
            self.on_end(error)

    async def _live(self, ready: asyncio.Event) -> None:
        self.starts += 1
        world = World(
            clock=self.clock,
            random=self._streams.stream(f"{self.name}/gateway"),
            connector=self.connector,
            log=self.log,
            trace=self.wire,
            hooks=self.hooks,
            time_quality=lambda: self.time_quality,
            storage=self.disk,
        )
        async with open_gateway(self.config, self.keys, world) as gateway:
            self._gateway = gateway
            await gateway.run(ready.set)

    # --- what people at the desk do ----------------------------------------------------------------------

    async def send(
        self,
        to: str,
        text: str,
        precedence: Precedence = Precedence.ROUTINE,
        *,
        keep: bool = False,
        lifetime_s: int | None = None,
        ack_wanted: bool = False,
    ) -> Message:
        """Send a message; accepted when this returns."""
        new = NewMessage(
            to=(to,),
            text=text,
            precedence=precedence,
            keep=keep,
            lifetime_s=lifetime_s,
            ack_wanted=ack_wanted,
        )
        message, _ = await self.backend.submit(new, SEAT, None)
        return message

    async def quiet(self, link: str, *, on: bool) -> None:
        """Stop or resume transmitting on a link, or `all`."""
        await self.backend.quiet(link, on, SEAT)

    async def inbox(self) -> list[Message]:
        """Messages for this station itself, oldest first: what its screen shows."""
        own = self.config.gateway.station
        found = await self.backend.messages(limit=500, before=None, state=None, station=str(own))
        return list(reversed(found))

    async def state(self, message: Message, station: int = 0) -> str:
        """Where a message's copy is as this box knows: `state/evidence`; its first recipient's by default."""
        found = await self.backend.message(str(message.id))
        if found is None:
            return "unknown here"
        copy = next(r for r in found.recipients if station in (0, r.station))
        return f"{copy.state.value}/{copy.evidence.value}"

    async def reaches(
        self, message: Message, *states: str, station: int = 0, limit_s: float = 600.0
    ) -> float:
        """Wait until a copy is in one of these states (`delivered`, or with evidence); return how long."""

        async def there() -> bool:
            now = await self.state(message, station)
            return now in states or now.partition("/")[0] in states

        return await until(there, limit_s=limit_s)


def _virtual_loop() -> VirtualLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop), "only a virtual loop can pause a box"  # noqa: S101
    return loop


async def until(condition: Callable[[], bool | Awaitable[bool]], *, limit_s: float = 600.0) -> float:
    """Wait until something holds; return the seconds that took. TimeoutError after `limit_s`."""
    loop = asyncio.get_running_loop()
    start_s = loop.time()
    async with asyncio.timeout(limit_s):
        while True:
            found = condition()
            if found if isinstance(found, bool) else await found:
                return loop.time() - start_s
            await asyncio.sleep(max(LOOK_S, LOOK_SHARE * (loop.time() - start_s)))
