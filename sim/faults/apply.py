"""Faults begin and end: each kind does to the world exactly what its description says, and undoes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import count
from typing import Final

from sim.channel import Channel
from sim.devices.tiantong import TiantongModem
from sim.disk import Image
from sim.faults.model import Fault, Kind, Schedule
from sim.loop import NEUTRAL
from sim.record import What
from sim.world import devices, files
from sim.world.clone import Clone
from sim.world.unit import Unit
from sim.world.world import World

GARBLE_S: Final = 0.1
"""How often noise arrives on a line that brings garbage."""

Undo = Callable[[], None]


def _nothing() -> None:
    """Undo nothing."""


class Breaker:
    """Keeps what is broken now, and mends it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rng = world.fleet.streams.stream("faults")
        self._numbers = count(1)
        self._broken: dict[int, tuple[Fault, Undo, float]] = {}
        self._timers: list[asyncio.TimerHandle] = []
        self._backups: dict[Fault, tuple[Image, float]] = {}

    def since(self) -> Iterator[tuple[Fault, float]]:
        """What is broken now, oldest first, and since when."""
        return ((fault, begun_s) for fault, _, begun_s in self._broken.values())

    def paused(self, node: str) -> bool:
        """Whether a node's process is stopped now."""
        return any(f.kind is Kind.PAUSE and f.target == node for f, _ in self.since())

    def schedule(self, schedule: Schedule) -> None:
        """Set every fault; call when the world starts."""
        loop = asyncio.get_running_loop()
        for fault in schedule.faults:
            self._timers.append(loop.call_at(fault.at_s, self.begin, fault, context=NEUTRAL))
            if fault.kind is Kind.RESTORED_BACKUP:
                before_s = max(0.5, fault.at_s - fault.value)
                self._timers.append(loop.call_at(before_s, self._back_up, fault, context=NEUTRAL))

    def begin(self, fault: Fault) -> None:
        """Break something; it is mended after `for_s`, or with everything else."""
        number = next(self._numbers)
        self._note(fault, "begins")
        undo = self._break(fault, f"{fault.kind.value} {number}")
        self._broken[number] = (fault, undo, self._world.now_s())
        if fault.for_s > 0 or fault.kind in INSTANT:
            loop = asyncio.get_running_loop()
            self._timers.append(loop.call_later(fault.for_s, self._end, number, context=NEUTRAL))

    def heal(self) -> None:
        """Mend everything, and let nothing more break."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        for number in list(self._broken):
            self._end(number)

    def _end(self, number: int) -> None:
        found = self._broken.pop(number, None)
        if found is not None:
            found[1]()
            self._note(found[0], "ends")

    def _note(self, fault: Fault, state: str) -> None:
        self._world.look_anew()
        node, _, link = fault.target.partition("/")
        self._world.record.note(
            What.FAULT,
            node if node in self._world.units else "",
            link,
            name=fault.kind.value,
            target=fault.target,
            state=state,
            value=fault.value,
            cause=fault.cause,
        )

    def _break(self, fault: Fault, reason: str) -> Undo:
        if fault.kind in ON_CHANNELS:
            return self._channels(fault)
        if fault.kind in ON_NODES:
            return self._node(fault, self._world.units[fault.target], reason)
        return self._device(fault)

    # --- bearers -----------------------------------------------------------------------------------------

    def _channels(self, fault: Fault) -> Undo:
        if fault.kind is Kind.SWIZZLE:
            return self._swizzle(fault)
        bearer, _, who = fault.target.partition(":")
        one, _, other = who.partition(">")
        if fault.kind is Kind.BLOCKED:
            return self._blocked(bearer, one)
        if bearer == "beidou" and fault.kind is Kind.CUT and one:
            return self._blocked(bearer, one)
        undos = [
            self._spoil(fault, channel, back=back) for channel, back in self._between(bearer, one, other)
        ]
        if bearer == "pdt" and one:
            undos.append(self._out_of_coverage(one))
        return _all(undos)

    def _between(self, bearer: str, one: str, other: str) -> list[tuple[Channel, bool | None]]:
        """Return the channels a target names; with True or False the one direction that is meant."""
        world, fleet = self._world, self._world.fleet
        match bearer:
            case "pdt":
                return [] if one else [(fleet.pdt.channel, None)]
            case "beidou":
                return [(fleet.space.channel, None)]
            case "tiantong":
                names = [one] if one else [*world.units, *world.people]
                return [(channel, None) for name in names for channel in self._skies(name)]
        on = [unit for unit in world.units.values() if bearer in unit.node.links]
        hosts = {unit.id: files.host(bearer, unit.node.station) for unit in on}
        if other:
            a, b = hosts[one], hosts[other]
            return [(fleet.network.channel(a, b), a > b)]
        pairs = [(a, b) for a in hosts for b in hosts if a < b and (not one or one in (a, b))]
        return [(fleet.network.channel(hosts[a], hosts[b]), None) for a, b in pairs]

    def _skies(self, name: str) -> list[Channel]:
        world = self._world
        if name in world.people:
            channel = getattr(world.people[name].device, "channel", None)
            return [channel] if isinstance(channel, Channel) else []
        found = world.units[name].plugged.get("tiantong")
        return [found[0].channel] if found is not None and isinstance(found[0], TiantongModem) else []

    def _spoil(self, fault: Fault, channel: Channel, *, back: bool | None) -> Undo:
        name = {
            Kind.CUT: "cut" if back is None else "cut_back" if back else "cut_there",
            Kind.LOSS: "loss",
            Kind.DUPLICATE: "duplicate",
            Kind.REORDER: "reorder_s",
            Kind.CORRUPT: "corrupt",
            Kind.CLOG: "clogged",
        }[fault.kind]
        before = getattr(channel, name)
        setattr(channel, name, True if isinstance(before, bool) else max(before, fault.value))
        return lambda: setattr(channel, name, False if isinstance(before, bool) else before)

    def _swizzle(self, fault: Fault) -> Undo:
        """Clog the nodes of a bearer one by one, and free them in another order, within the fault's time."""
        loop = asyncio.get_running_loop()
        on = [unit.id for unit in self._world.units.values() if fault.target in unit.node.links]
        self._rng.shuffle(on)
        undos: list[Undo] = []
        step_s = fault.for_s / (2 * len(on) + 1)
        for turn, name in enumerate(on):
            one = Fault(at_s=0.0, kind=Kind.CLOG, target=f"{fault.target}:{name}")

            def clog(one: Fault = one) -> None:
                undo = self._channels(one)
                undos.append(undo)
                loop.call_later(self._rng.uniform(step_s, len(on) * step_s), undo, context=NEUTRAL)

            self._timers.append(loop.call_later(turn * step_s, clog, context=NEUTRAL))
        return _all(undos)

    def _blocked(self, bearer: str, name: str) -> Undo:
        world = self._world
        if name in world.people:
            device = world.people[name].device
            devices.block_person(device, on=True)
            return lambda: devices.block_person(device, on=False)
        if bearer == "vsat":
            return _all(
                [
                    self._spoil(Fault(at_s=0, kind=Kind.CUT, target=""), c, back=None)
                    for c, _ in self._between("vsat", name, "")
                ]
            )
        names = [name] if name else list(world.units)
        found = [world.units[one].plugged[bearer][0] for one in names if bearer in world.units[one].plugged]
        for one in found:
            devices.block(one, on=True)
        return _all([lambda one=one: devices.block(one, on=False) for one in found])  # type: ignore[misc]

    def _out_of_coverage(self, name: str) -> Undo:
        world = self._world
        device = world.people[name].device if name in world.people else world.units[name].plugged["pdt"][0]
        device.in_coverage = False  # type: ignore[union-attr]
        return lambda: setattr(device, "in_coverage", True)

    # --- nodes -------------------------------------------------------------------------------------------

    def _node(self, fault: Fault, unit: Unit, reason: str) -> Undo:
        match fault.kind:
            case Kind.CRASH | Kind.POWER_CUT:
                unit.off(reason, killed=fault.kind is Kind.CRASH)
                return lambda: unit.on(reason)
            case Kind.TORN_WRITE:
                return self._torn(fault, unit, reason)
            case Kind.PAUSE:
                unit.box.pause()
                return unit.box.resume
            case Kind.REBOOT_LOOP:
                return self._loop(fault, unit, reason)
            case Kind.DISK_FULL:
                unit.box.disk.full = True
                return lambda: setattr(unit.box.disk, "full", False)
            case Kind.CLOCK_STEP:
                unit.box.clock.step(seconds=fault.value)
                return _nothing
            case Kind.RESTORED_BACKUP:
                return self._restore(fault, unit, reason)
            case Kind.CLONED_BOX:
                self._world.second_lives[unit.id] += 1
                clone = Clone(self._world, unit)
                return clone.end
            case _:
                unit.drain()
                return unit.swap_battery

    def _torn(self, fault: Fault, unit: Unit, reason: str) -> Undo:
        disk = unit.box.disk
        disk.tear_next = fault.value
        disk.on_torn = lambda: unit.off(reason)

        def mend() -> None:
            disk.tear_next = None
            unit.on(reason)

        return mend

    def _loop(self, fault: Fault, unit: Unit, reason: str) -> Undo:
        loop = asyncio.get_running_loop()
        ended = False

        def turn(*, on: bool) -> None:
            if ended:
                return
            if on:
                unit.on(reason)
            else:
                unit.off(reason)
            loop.call_later(fault.value, lambda: turn(on=not on), context=NEUTRAL)

        turn(on=False)

        def mend() -> None:
            nonlocal ended
            ended = True
            unit.on(reason)

        return mend

    def _back_up(self, fault: Fault) -> None:
        image = self._world.units[fault.target].box.disk.image()
        self._backups[fault] = (image, self._world.now_s())

    def _restore(self, fault: Fault, unit: Unit, reason: str) -> Undo:
        unit.off(reason, killed=True)
        found = self._backups.pop(fault, None)
        if found is not None:
            image, taken_s = found
            unit.restore(image)
            self._world.exchanged(unit.id, taken_s)
        return lambda: unit.on(reason)

    # --- devices -----------------------------------------------------------------------------------------

    def _device(self, fault: Fault) -> Undo:
        name, _, link = fault.target.partition("/")
        device, port = self._world.units[name].plugged[link]
        match fault.kind:
            case Kind.UNPLUG:
                port.unplug()
                return port.replug
            case Kind.HANG:
                port.deaf = True
                return lambda: setattr(port, "deaf", False)
            case Kind.STUCK:
                port.stuck = True
                return lambda: setattr(port, "stuck", False)
            case Kind.SLOW:
                port.slowness = fault.value
                return lambda: setattr(port, "slowness", 1.0)
            case Kind.GARBAGE:
                return self._garble(fault, link, name)
            case Kind.WRONG_BAUD:
                before, device.baud_bps = device.baud_bps, devices.WRONG_BAUD_BPS
                return lambda: setattr(device, "baud_bps", before)
            case Kind.DEVICE_REBOOT:
                devices.reboot(device)
                return _nothing
            case _:
                devices.refuse_all(device, on=True)
                return lambda: devices.refuse_all(device, on=False)

    def _garble(self, fault: Fault, link: str, name: str) -> Undo:
        port = self._world.units[name].plugged[link][1]
        rng = self._world.fleet.streams.stream(f"{name}/{link}/noise")
        loop, ended = asyncio.get_running_loop(), False

        def noise() -> None:
            if not ended:
                wanted = fault.value * GARBLE_S
                octets = int(wanted) + (rng.random() < wanted % 1)
                if octets:
                    port.garble(rng, octets)
                loop.call_later(GARBLE_S, noise, context=NEUTRAL)

        def mend() -> None:
            nonlocal ended
            ended = True

        noise()
        return mend


def _all(undos: list[Undo]) -> Undo:
    def undo() -> None:
        for one in undos:
            one()

    return undo


ON_CHANNELS: Final = frozenset(
    {
        *(Kind.CUT, Kind.LOSS, Kind.DUPLICATE, Kind.REORDER, Kind.CORRUPT),
        *(Kind.CLOG, Kind.SWIZZLE, Kind.BLOCKED),
    }
)
ON_NODES: Final = frozenset(
    {
        *(Kind.CRASH, Kind.POWER_CUT, Kind.TORN_WRITE, Kind.PAUSE, Kind.REBOOT_LOOP, Kind.DISK_FULL),
        *(Kind.CLOCK_STEP, Kind.RESTORED_BACKUP, Kind.CLONED_BOX, Kind.BATTERY_DEATH),
    }
)
INSTANT: Final = frozenset({Kind.CLOCK_STEP, Kind.DEVICE_REBOOT})
"""They are over as soon as they have happened."""
