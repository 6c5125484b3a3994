"""One gateway put together: ledger, links, delivery, roll calls, reports and API in one TaskGroup."""

from __future__ import annotations

import asyncio
import contextlib
import random as random_module
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from drivers import registry
from drivers.base import (
    ChannelBusy,
    Clock,
    Connector,
    DriverEnv,
    Emergency,
    Heard,
    Hooks,
    LinkEvent,
    Log,
    Notice,
    Progress,
    Received,
    Service,
    StateChanged,
    Trace,
)
from gateway.backend import GatewayBackend
from gateway.config import Config, LinkConfig
from gateway.core import Core
from gateway.delivery.freshness import Freshness
from gateway.delivery.house import Housekeeper
from gateway.delivery.incoming import After, Incoming
from gateway.delivery.native_in import NativeIn
from gateway.delivery.outbox import Outbox
from gateway.delivery.progress import ProgressKeeper
from gateway.delivery.receiver import Receiver
from gateway.delivery.sender import Sender
from gateway.delivery.streams import Streams
from gateway.disk import DiskWatch
from gateway.domain import Alarm, AlarmKind, LinkState, Presence, TimeQuality
from gateway.ledger import events, hops, notes, presence
from gateway.ledger.engine import Ledger
from gateway.ledger.errors import LedgerError
from gateway.ledger.storage import DISK, Storage
from gateway.ledger.tx import Tx
from gateway.links import LinkRunner
from gateway.reports import Reports
from gateway.rollcall.manager import RollCalls
from gateway.sightings import Sightings
from protocols import air

LEDGER_FILE = "ledger.db"
"""The ledger's name in the data directory."""


class NoHooks:
    """Production: nobody looks in, nothing is made worse."""

    def probe(self, name: str) -> None:
        """Do nothing."""

    def buggify(self, name: str) -> bool:  # noqa: ARG002 - the Protocol's shape
        """Never."""
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The outside world of a whole gateway; the simulator hands in its own."""

    clock: Clock
    random: random_module.Random
    connector: Connector
    log: Log
    trace: Trace
    hooks: Hooks
    time_quality: Callable[[], TimeQuality]
    storage: Storage = DISK


class Upper:
    """Joins what frames bring to roll calls and reports."""

    def __init__(self, reports: Reports, roll_calls: RollCalls) -> None:
        self._reports = reports
        self._roll_calls = roll_calls

    def link_report(self, tx: Tx, report: air.LinkReportElement, link: LinkRunner) -> None:
        """Keep it."""
        self._reports.link_report(tx, report, link)

    def report_requested(self, peer: int, link: LinkRunner) -> None:
        """Send ours."""
        self._reports.report_requested(peer, link)

    def polled(self, peer: int, poll: air.RollCallPoll, link: LinkRunner) -> None:
        """Call the roll for a neighbour."""
        self._roll_calls.polled(peer, poll, link)

    def answered(self, tx: Tx, peer: int, answer: air.RollCallAnswer, link: LinkRunner) -> After | None:
        """Count an answer."""
        return self._roll_calls.answered(tx, peer, answer, link)

    def heard(self, peer: int) -> None:
        """Note a sign of life."""
        self._reports.heard(peer)


class Gateway:
    """A gateway; made by `open_gateway`, alive while `run` runs."""

    def __init__(self, config: Config, keys: air.KeyRing, ledger: Ledger, world: World) -> None:
        self.config = config
        self.world = world
        self.core = Core(
            config=config,
            ledger=ledger,
            keys=keys,
            clock=world.clock,
            random=world.random,
            log=world.log,
            hooks=world.hooks,
            time_quality=world.time_quality,
        )
        core = self.core
        self.outbox = Outbox(core)
        self.streams = Streams(core)
        self.sender = Sender(core, self.outbox, self.streams)
        self.reports = Reports(core, self.outbox)
        self.roll_calls = RollCalls(core, self.outbox)
        self._sightings = Sightings(core, self.outbox)
        self._freshness = Freshness(core, self.outbox, self.streams)
        upper = Upper(self.reports, self.roll_calls)
        incoming = Incoming(core, self.outbox, self._freshness, upper)
        self._receiver = Receiver(core, self.outbox, self.streams, self._freshness, incoming)
        self._native_in = NativeIn(core, self.outbox, self.roll_calls)
        self._progress = ProgressKeeper(core, self.outbox, self.sender)
        self._house = Housekeeper(core, self.outbox)
        self._disk = DiskWatch(core)
        self.backend = GatewayBackend(core, self.outbox, self.reports, self.roll_calls)

    async def run(self, ready: Callable[[], None]) -> None:
        """Run until cancelled; `ready` is called once the ledger is read and every link has its task.

        Raises LedgerBrokenError (in a group) when the ledger is found damaged.
        """
        core = self.core
        quiet = await core.ledger.read(lambda tx: notes.meta_list(tx, "quiet."))
        for config in self.config.links:
            core.links[config.name] = self._link(config, quiet=f"quiet.{config.name}" in quiet)
        await self._load_learnt()
        await self.streams.load()
        await self._house.load()
        await self.roll_calls.load()
        await self._tell_set_aside()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(core.ledger.run(), name="ledger")
            tasks.create_task(self._end_when_broken(), name="ledger.broken")
            tasks.create_task(self._disk.run(), name="disk")
            tasks.create_task(self._freshness.run(), name="freshness")
            tasks.create_task(self.sender.run(), name="sender")
            tasks.create_task(self.reports.run(), name="reports")
            tasks.create_task(self.roll_calls.run(), name="roll_calls")
            tasks.create_task(self._house.run(), name="house")
            tasks.create_task(self._progress.run(), name="progress")
            for link in core.links.values():
                tasks.create_task(link.run(), name=f"{link.name}.link")
            ready()

    async def _end_when_broken(self) -> None:
        """Raise LedgerBrokenError once the ledger is found damaged: only a new start can set it aside."""
        error = await self.core.ledger.until_broken()
        await self.core.ledger.leave_quiet([name for name, link in self.core.links.items() if link.quiet])
        self.core.log.error("ledger_broken", error=error.en)
        raise error

    def _link(self, config: LinkConfig, *, quiet: bool) -> LinkRunner:
        world, core = self.world, self.core
        env = DriverEnv(
            clock=world.clock,
            random=random_module.Random(world.random.getrandbits(64)),  # noqa: S311 - jitter, not secrets
            connector=world.connector,
            memory=notes.LinkMemory(core.ledger, config.name),
            log=world.log,
            trace=world.trace,
            hooks=world.hooks,
            may_transmit=lambda: not core.links[config.name].quiet,
        )
        runner = LinkRunner(
            config,
            registry.load(config.driver),
            env,
            recovery_hold_s=self.config.routing.recovery_hold_s,
            on_event=self.on_event,
        )
        runner.quiet = quiet
        return runner

    async def _load_learnt(self) -> None:
        core = self.core
        pairs = [(name, number) for name in core.links for number in core.keys.pairs]
        found = await core.ledger.read(
            lambda tx: [hops.learnt_address(tx, number, name) for name, number in pairs]
        )
        for (name, number), address in zip(pairs, found, strict=True):
            if address:
                core.learnt.setdefault(name, {})[number] = address

    async def _tell_set_aside(self) -> None:
        path = self.core.ledger.set_aside
        if path is None:
            return
        self.core.log.error("ledger_set_aside", path=str(path))
        alarm = Alarm(
            key=f"set_aside:{path.name}",
            kind=AlarmKind.LEDGER_SET_ASIDE,
            station=self.core.own,
            detail=f"damaged ledger set aside as {path.name}; a new one was begun",
            unauthenticated=False,
            position=None,
            raised_unix_ms=self.core.clock.unix_ms(),
        )
        await self.core.ledger.write(lambda tx: presence.alarm_raise(tx, alarm), urgent=True)

    # --- events of links ---------------------------------------------------------------------------------

    async def on_event(self, link: LinkRunner, event: LinkEvent) -> None:
        """Take one event of a link. What the ledger refuses is not confirmed, and comes again."""
        try:
            await self._take(link, event)
        except LedgerError as error:
            self.core.count("events_not_stored")
            self.core.log.warning("event_not_stored", link=link.name, error=str(error))

    async def _take(self, link: LinkRunner, event: LinkEvent) -> None:
        match event:
            case Received(service=Service.TEXT, source=source):
                await self._native_in.text(link, event)
                self._sighted(link, source)
            case Received():
                await self._receiver.frame(link, event)
                await link.confirm(event.receipt)
            case Progress():
                self.roll_calls.progressed(event)
                await self._progress.progressed(link, event)
            case Heard():
                await self._heard(link, event)
            case Emergency():
                await self._native_in.emergency_event(link, event)
            case StateChanged(state=state):
                if state in (LinkState.ABSENT, LinkState.DOWN, LinkState.BLOCKED):
                    self.outbox.frames.link_lost(link.name)
                self.core.wake.ring()
            case ChannelBusy():
                self.core.wake.ring()
            case Notice(event=name, detail=detail):
                self.core.count(f"notice_{name}")
                self.core.log.info("link_notice", link=link.name, notice=name, detail=detail)
            case _:
                pass

    def _sighted(self, link: LinkRunner, address: str) -> None:
        station = self.core.roster.at_address(link.capabilities.bearer, address)
        if station is not None:
            self._sightings.heard(station, link.capabilities.bearer)

    async def _heard(self, link: LinkRunner, event: Heard) -> None:
        core = self.core
        bearer = link.capabilities.bearer
        station = core.roster.at_address(bearer, event.address)
        if station is None:
            learnt = core.learnt.get(link.name, {})
            number = next((n for n, address in learnt.items() if address == event.address), None)
            station = core.roster.stations.get(number) if number is not None else None
        await self.roll_calls.heard(link, event)
        if station is None:
            return
        if event.online:
            self._sightings.heard(station, bearer)
            link.health.heard(station.number, core.now_s())
            self.outbox.station_heard(station.number)
        elif station.gateway:
            link.health.lost(station.number, core.now_s())
            self.outbox.frames.link_lost(link.name)
        if not self.outbox.idle:
            core.wake.ring()
        note = Presence(
            station=station.number,
            link=link.name,
            bearer=bearer,
            address=event.address,
            how=event.how,
            online=event.online,
            heard_unix_ms=core.clock.unix_ms(),
            position=event.position,
            via=core.own,
        )
        await core.ledger.write(lambda tx: _keep_presence(tx, note), note=True)


def _keep_presence(tx: Tx, note: Presence) -> None:
    presence.heard(tx, note)
    events.append(
        tx,
        "station.heard",
        {"station": note.station, "link": note.link, "how": note.how, "online": note.online},
    )


@asynccontextmanager
async def open_gateway(
    config: Config, keys: air.KeyRing, world: World, *, data_dir: Path | None = None
) -> AsyncGenerator[Gateway]:
    """Open the ledger and put the gateway together; everything is closed when the context is left.

    Raises LedgerLockedError when another daemon has the data directory, and the ledger's other errors.
    """
    directory = data_dir or config.data_dir
    directory.mkdir(parents=True, exist_ok=True, mode=0o750)
    ledger = await Ledger.open(
        directory / LEDGER_FILE,
        clock=world.clock,
        random=world.random,
        station=config.gateway.station,
        time_quality=world.time_quality(),
        storage=world.storage,
    )
    try:
        yield Gateway(config, keys, ledger, world)
    finally:
        with contextlib.suppress(LedgerError):
            await ledger.close()
