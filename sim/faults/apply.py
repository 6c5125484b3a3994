"""Faults begin and end: each kind does to the world exactly what its description says, and undoes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import count
from typing import Final

from sim.disk import Image
from sim.faults.bearers import Bearers
from sim.faults.holds import Holds, Undo, nothing
from sim.faults.model import Fault, Kind, Schedule
from sim.loop import NEUTRAL
from sim.record import Event, What
from sim.world import devices
from sim.world.clone import Clone
from sim.world.unit import Unit
from sim.world.world import World

GARBLE_S: Final = 0.1
"""How often noise arrives on a line that brings garbage."""


FRAME_OCTETS: Final = 16
"""A line or datagram as long as this is no heartbeat."""


class Breaker:
    """Keeps what is broken now, and mends it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._holds = Holds()
        self._bearers = Bearers(world, self._holds, self._set)
        self._numbers = count(1)
        self._broken: dict[int, tuple[Fault, Undo, float]] = {}
        self._timers: list[asyncio.TimerHandle] = []
        self._sending: dict[str, str] = {}
        """Nodes whose power goes when they have sent something, and why."""
        world.record.watch(self._frame, What.FRAME)
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
            return self._bearers.spoil(fault, reason)
        if fault.kind in ON_NODES:
            return self._node(fault, self._world.units[fault.target], reason)
        return self._device(fault)

    def _set(self, delay_s: float, act: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(delay_s, act, context=NEUTRAL))

    # --- nodes -------------------------------------------------------------------------------------------

    def _node(self, fault: Fault, unit: Unit, reason: str) -> Undo:
        match fault.kind:
            case Kind.POWER_CUT if fault.value:
                return self._once_sent(unit, reason)
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
                return self._holds.hold(unit.box.disk, "full", value=True)
            case Kind.CLOCK_STEP:
                unit.box.clock.step(seconds=fault.value)
                return nothing
            case Kind.RESTORED_BACKUP:
                return self._restore(fault, unit, reason)
            case Kind.CLONED_BOX:
                self._world.second_lives[unit.id] += 1
                clone = Clone(self._world, unit)
                return clone.end
            case _:
                unit.drain()
                return unit.swap_battery

    def _once_sent(self, unit: Unit, reason: str) -> Undo:
        """Take the power in the moment after the next frame has left: what it says must be true already."""
        self._sending[unit.id] = reason

        def mend() -> None:
            self._sending.pop(unit.id, None)
            unit.on(reason)

        return mend

    def _frame(self, event: Event) -> None:
        if (
            event.facts["direction"] == "tx"
            and len(event.data) >= FRAME_OCTETS
            and event.node in self._sending
        ):
            self._world.units[event.node].off(self._sending.pop(event.node))

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
                return self._holds.hold(port, "deaf", value=True)
            case Kind.STUCK:
                return self._holds.hold(port, "stuck", value=True)
            case Kind.SLOW:
                return self._holds.hold(port, "slowness", fault.value)
            case Kind.GARBAGE:
                return self._garble(fault, link, name)
            case Kind.WRONG_BAUD:
                return self._holds.hold(device, "baud_bps", devices.WRONG_BAUD_BPS)
            case Kind.DEVICE_REBOOT:
                devices.reboot(device)
                return nothing
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
