"""A world that lives: its nodes, people and air, and what physics says of who reaches whom."""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sim.channel import Channel
from sim.env import SimLog
from sim.loop import NEUTRAL
from sim.physics.geo import VSAT_EAST_DEG, hop_s
from sim.record import Record, What
from sim.scenario.draw import Drawn
from sim.scenario.model import Do, Road, Zone
from sim.world import files
from sim.world.air import AirSpace
from sim.world.build import Builder
from sim.world.clerk import Clerk
from sim.world.clone import original_host
from sim.world.desk import CALLER
from sim.world.hooks import WorldHooks, WorldTrace
from sim.world.ip import DELAY_S, JITTER_S, RATE_BPS, Reach, bearer_of
from sim.world.motion import Place
from sim.world.people import Man
from sim.world.roads import Travels
from sim.world.sites import Cells, Hill
from sim.world.unit import Unit

LAN_KM: Final = 0.5
"""A cable reaches no further."""

LOG_LINES: Final = 1_000
"""What is kept of a gateway's log: enough to see what went on before a fault."""

SETTLE_S: Final = 60.0
"""How often batteries are asked for what transmitters drew."""

MOVE_LOOK_S: Final = 10.0
"""How often places are told while somebody drives."""


class World:
    """One run's world. An async context manager; everything in it ends when it is left."""

    def __init__(self, drawn: Drawn, folder: Path, record: Record) -> None:
        self.drawn = drawn
        self.scenario = drawn.scenario
        self.record = record
        builder = Builder(drawn, folder, record)
        self.fleet = builder.fleet
        self.hq = builder.hq
        self.units: dict[str, Unit] = builder.units()
        self.people: dict[str, Man] = builder.people(self.units)
        self.starts = {name: unit.mover.place(0.0) for name, unit in self.units.items()}
        self.starts |= {name: man.place(0.0) for name, man in self.people.items()}
        """Where everybody stood at the start."""
        self.cells = Cells(self.scenario.sites, self.scenario.area.env, record)
        self.hills = {site.id: Hill(site, record) for site in self.scenario.sites if site.kind == "relay"}
        self.air = AirSpace(self.scenario, self.fleet, self.units, self.people, record)
        for hill in self.hills.values():
            self.air.add_hill(hill)
        self.travels = Travels(
            self.scenario, self.fleet.streams, self.units, self.people, self._cover_changed
        )
        self.zones: dict[str, Zone] = {zone.id: zone for zone in self.scenario.zones}
        self.roads: dict[str, Road] = {road.id: road for road in self.scenario.roads}
        self.tasks = asyncio.TaskGroup()
        self.probes: Counter[str] = Counter()
        """Rare paths reached, by name."""
        self._hooks = [WorldHooks(name, self.fleet.streams, record, self.probes) for name in self.units]
        for unit, hooks in zip(self.units.values(), self._hooks, strict=True):
            unit.box.hooks = hooks
            unit.box.wire = WorldTrace(unit.id, record)
            unit.box.log = SimLog(LOG_LINES)
            unit.box.disk.on_commit = partial(self._committed, unit)
            unit.box.disk.lags = partial(hooks.buggify, "disk.slow_commit")
            unit.told = partial(self._powered, unit)
            if self.scenario.swarm.messages_per_h.high > 0:
                unit.desk.clerk = Clerk(unit.id, unit.box, CALLER, self.spawn)
        self.second_lives: Counter[str] = Counter()
        """By node: how often it was copied, or went back to an older disk."""
        self._windows: dict[str, list[tuple[float, float]]] = {}
        self.sky_hop_s = hop_s(*self.scenario.area.origin, VSAT_EAST_DEG)
        """From a dish up to its satellite and down to another."""
        self.clones = 0
        """Boxes copied so far."""
        self._reach = Reach(self._judge)
        self.fleet.network.open = self._reach.open
        self.fleet.network.make = self._path
        self._by_host = {
            files.host(bearer, unit.node.station): unit
            for unit in self.units.values()
            for bearer in unit.node.links
            if bearer in files.NETS
        }
        self._lives: list[asyncio.Task[None]] = []
        self._driving: set[str] = set()
        """Nodes that drove when places were told last: where they stopped is told too."""

    async def __aenter__(self) -> Self:
        await self.fleet.__aenter__()
        await self.tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for life in self._lives:
            life.cancel()
        for unit in self.units.values():
            await unit.hang_up()
        await self.tasks.__aexit__(kind, error, trace)
        await self.fleet.__aexit__(kind, error, trace)

    def start(self, *, gateways: bool = True) -> None:
        """Switch everything on; without `gateways` all but those, which then run elsewhere."""
        for unit in self.units.values():
            if gateways:
                self.spawn(unit.live(self.tasks), unit.id)
        self.travels.start()
        self.air.start()
        for man in self.people.values():
            man.start()
        movers = any(action.do is Do.MOVE for action in self.scenario.actions)
        if movers or any(unit.mover.leg for unit in self.units.values()):
            self._tell_places()
        if any(unit.node.battery_wh.low for unit in self.units.values()):
            self._settle()

    def _path(self, low: str, high: str, rng: random.Random) -> Channel:
        bearer = bearer_of(low)
        channel = Channel(
            f"{low}~{high}",
            rng=rng,
            delay_s=DELAY_S[bearer] + (self.sky_hop_s if bearer == "vsat" else 0.0),
            jitter_s=JITTER_S[bearer],
            rate_bps=RATE_BPS[bearer],
        )
        self.air.listen(channel, low, high)
        return channel

    def _powered(self, unit: Unit, on: bool) -> None:  # noqa: FBT001 - a callback
        self.air.powered(unit, on=on)
        self.look_anew()

    def _settle(self) -> None:
        """Take what transmitters drew from the batteries, and tell reports what is left."""
        for unit in self.units.values():
            unit.spend(self.air.drawn_wh(unit))
            unit.tell_battery()
        asyncio.get_running_loop().call_later(SETTLE_S, self._settle, context=NEUTRAL)

    def _committed(self, unit: Unit) -> None:
        self.record.note(What.COMMIT, unit.id, number=unit.box.disk.commits)

    def calm(self) -> None:
        """Stop being nasty: the liveness phase begins."""
        for hooks in self._hooks:
            hooks.nasty = False

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run something for as long as the world lives."""
        task = self.tasks.create_task(work, name=name)
        self._lives.append(task)
        task.add_done_callback(self._lives.remove)

    def now_s(self) -> float:
        """Seconds since the run began."""
        return asyncio.get_running_loop().time()

    # --- what the books ask ------------------------------------------------------------------------------

    def can_read(self, sign: str) -> bool:
        """Whether somebody is there with a screen that has power."""
        man = self.people.get(sign)
        return sign in self.units if man is None else man.device.powered

    def exchanged(self, node: str, taken_s: float) -> None:
        """Note that a node's disk is now as it was at `taken_s`: what it was given since, it has not."""
        self.second_lives[node] += 1
        self._windows.setdefault(node, []).append((taken_s, self.now_s()))

    def excused(self, sign: str, at_s: float, until_s: float | None = None) -> bool:
        """Whether a box's disk was later exchanged for one older than this moment, or one up to `until_s`."""
        last_s = at_s if until_s is None else until_s
        return any(taken_s <= last_s and at_s <= put_s for taken_s, put_s in self._windows.get(sign, ()))

    def serving(self, sign: str) -> str:
        """Return the gateway that shows somebody's texts."""
        man = self.people.get(sign)
        return sign if man is None else man.group.via

    def called_off(self, ref: str) -> bool:
        """Whether somebody tried to take a message back: then it may be shown or not."""
        return any(u.desk.clerk is not None and ref in u.desk.clerk.regretting for u in self.units.values())

    # --- who reaches whom --------------------------------------------------------------------------------

    def look_anew(self) -> None:
        """Something has changed at once: forget who reached whom."""
        self._reach.forget()

    def _judge(self, bearer: str, a: str, b: str) -> bool:
        one, other = self._unit_at(a), self._unit_at(b)
        if one is None or other is None:
            return False
        travels, ends = self.travels, {one.id, other.id}
        if bearer in ("vsat", "cellular") and ends & travels.hidden:
            return False
        here, there = self.place(one), self.place(other)
        match bearer:
            case "cellular":
                return self.cells.connected(here, there)
            case "lan":
                return math.dist(here, there) <= LAN_KM
            case "vsat":
                return not ends & travels.dishless
            case _:
                return True

    def _unit_at(self, host: str) -> Unit | None:
        return self._by_host.get(host) or self._by_host.get(original_host(host))

    # --- where things are --------------------------------------------------------------------------------

    def place(self, unit: Unit) -> Place:
        """Where a node is now."""
        return unit.mover.place(self.now_s())

    def watch_road(self, unit: Unit) -> None:
        """Follow what its way hides from a node; call whenever it stops, drives on or is moved."""
        self.travels.watch(unit)
        self.air.moved(unit)

    def _cover_changed(self, unit: Unit) -> None:
        hidden = unit.id in self.travels.hidden
        self.record.note(What.MOVED, unit.id, **self._where(unit), hidden=hidden)
        self.look_anew()

    def _tell_places(self) -> None:
        now_s = self.now_s()
        for unit in self.units.values():
            moving = unit.mover.moving(now_s)
            if moving or unit.id in self._driving:
                self.tell_place(unit)
                self.air.moved(unit)
            (self._driving.add if moving else self._driving.discard)(unit.id)
        asyncio.get_running_loop().call_later(MOVE_LOOK_S, self._tell_places, context=NEUTRAL)

    def tell_place(self, unit: Unit) -> None:
        """Tell the record where a node is now."""
        self.record.note(What.MOVED, unit.id, **self._where(unit))

    def _where(self, unit: Unit) -> dict[str, Any]:
        x, y = self.place(unit)
        return {"x_km": round(x, 3), "y_km": round(y, 3)}
