"""Faults of bearers: which channels a target names, and what is done to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

from sim.channel import Channel
from sim.devices.sat_phone import Phone
from sim.devices.tiantong import TiantongModem
from sim.faults.holds import Holds, Undo, together
from sim.faults.model import Fault, Kind
from sim.loop import NEUTRAL
from sim.ports import MemoryPort
from sim.world import files
from sim.world.shade import Shade
from sim.world.world import World

SPOILS: Final = {
    Kind.LOSS: "loss",
    Kind.DUPLICATE: "duplicate",
    Kind.REORDER: "reorder_s",
    Kind.CORRUPT: "corrupt",
}
"""What a fault raises to its value, by attribute of a Channel."""

Later = Callable[[float, Callable[[], None]], None]
"""Sets a timer that healing cancels."""


class Bearers:
    """Spoils the channels of one world."""

    def __init__(self, world: World, holds: Holds, later: Later) -> None:
        self._world = world
        self._holds = holds
        self._later = later

    def spoil(self, fault: Fault, reason: str) -> Undo:
        """Break what a fault on a bearer breaks; return what mends it."""
        bearer, _, who = fault.target.partition(":")
        one, _, other = who.partition(">")
        if fault.kind is Kind.SWIZZLE:
            return self._swizzle(fault, reason)
        if fault.kind is Kind.BLOCKED:
            return self._blocked(bearer, one, reason)
        if fault.kind is Kind.CORRUPT and bearer in files.SERIAL_DRIVERS:
            return self._lines(bearer, one, fault.value)
        found = self._channels(bearer, one, other)
        return together([self._hold(fault, channel, name) for channel, name in found])

    def _hold(self, fault: Fault, channel: Channel, cut: str) -> Undo:
        if fault.kind is Kind.CUT:
            return self._holds.hold(channel, cut, value=True)
        if fault.kind is Kind.CLOG:
            return self._holds.hold(channel, "clogged", value=True)
        return self._holds.hold(channel, SPOILS[fault.kind], value=fault.value)

    def _channels(self, bearer: str, one: str, other: str) -> list[tuple[Channel, str]]:
        """Return the channels a target names, each with the name of the switch that cuts what is meant."""
        fleet = self._world.fleet
        match bearer:
            case "pdt":
                if not one:
                    return [(fleet.pdt.channel, "cut")]
                return self._ways(fleet.pdt.ways, bearer, self._number(one), self._number(other))
            case "beidou":
                if not one:
                    return [(fleet.space.channel, "cut")]
                return self._ways(fleet.space.ways, bearer, self._number(one), self._number(other))
            case "tiantong":
                if other:
                    ends = (
                        f"{files.TIANTONG_BASE + self._number(one)}",
                        f"{files.TIANTONG_BASE + self._number(other)}",
                    )
                    return [(fleet.sms.ways.setdefault(ends, self._way(f"{bearer} {one}>{other}")), "cut")]
                names = [one] if one else [*self._world.units, *self._world.people]
                return [(channel, "cut") for name in names for channel in self._skies(name)]
            case _:
                return self._pairs(bearer, one, other)

    def _pairs(self, bearer: str, one: str, other: str) -> list[tuple[Channel, str]]:
        network = self._world.fleet.network
        on = [unit for unit in self._world.units.values() if bearer in unit.node.links]
        hosts = {unit.id: files.host(bearer, unit.node.station) for unit in on}
        if other:
            a, b = hosts[one], hosts[other]
            return [(network.channel(a, b), "cut_back" if a > b else "cut_there")]
        pairs = [(a, b) for a in hosts for b in hosts if a < b and (not one or one in (a, b))]
        return [(network.channel(hosts[a], hosts[b]), "cut") for a, b in pairs]

    def _ways(
        self, ways: dict[tuple[int, int], Channel], bearer: str, one: int, other: int
    ) -> list[tuple[Channel, str]]:
        base = files.PDT_BASE if bearer == "pdt" else files.BEIDOU_BASE
        keys = [(base + one, base + other)] if other else [(base + one, 0), (0, base + one)]
        return [(ways.setdefault(key, self._way(f"{bearer} {key[0]}>{key[1]}")), "cut") for key in keys]

    def _way(self, name: str) -> Channel:
        return Channel(name, rng=self._world.fleet.streams.stream(f"faults/{name}"))

    def _number(self, name: str) -> int:
        """Return the station number of a node or person; 0 for nobody."""
        world = self._world
        if name in world.people:
            return world.people[name].group.station
        return world.units[name].node.station if name else 0

    def _skies(self, name: str) -> list[Channel]:
        """Return the way from somebody's satellite set to the centre."""
        world = self._world
        if name in world.people:
            device: object = world.people[name].device
        else:
            device, _ = world.units[name].plugged.get("tiantong", (None, None))
        return [device.channel] if isinstance(device, TiantongModem | Phone) else []

    def _lines(self, bearer: str, one: str, share: float) -> Undo:
        """Change octets on the serial lines between gateways and their devices."""
        undos: list[Undo] = []
        for unit in self._world.units.values():
            if bearer in unit.plugged and one in ("", unit.id):
                port = unit.plugged[bearer][1]
                if isinstance(port, MemoryPort):  # a PTY's line is the kernel's
                    port.noise = self._world.fleet.streams.stream(f"{unit.id}/{bearer}/spoils")
                    undos.append(self._holds.hold(port, "corrupt", share))
        return together(undos)

    def _swizzle(self, fault: Fault, reason: str) -> Undo:
        """Clog the nodes of a bearer one by one, and free them in another order, within the fault's time."""
        on = [unit.id for unit in self._world.units.values() if fault.target in unit.node.links]
        rng = self._world.fleet.streams.stream(f"faults/swizzle/{fault.target}/{fault.at_s}")
        rng.shuffle(on)
        undos: list[Undo] = []
        step_s = fault.for_s / (2 * len(on) + 1)
        ended = False

        def clog(one: Fault) -> None:
            if ended:
                return
            free = once(self.spoil(one, reason))
            undos.append(free)
            wait_s = rng.uniform(step_s, len(on) * step_s)
            asyncio.get_running_loop().call_later(wait_s, free, context=NEUTRAL)

        for turn, name in enumerate(on):
            one = Fault(at_s=0.0, kind=Kind.CLOG, target=f"{fault.target}:{name}")
            self._later(turn * step_s, partial(clog, one))

        def mend() -> None:
            nonlocal ended
            ended = True
            together(undos)()

        return mend

    def _blocked(self, bearer: str, name: str, reason: str) -> Undo:
        """Put an obstacle before one terminal's sky, or before everybody's."""
        world = self._world
        if bearer == "vsat":
            return together(
                [
                    self._holds.hold(channel, "blocked", value=True)
                    for channel, _ in self._pairs(bearer, name, "")
                ]
            )
        shades: list[Shade] = []
        if name in world.people:
            shade = world.people[name].shade
            shades += [] if shade is None else [shade]
        else:
            names = [name] if name else list(world.units)
            shades += [world.units[n].shades[bearer] for n in names if bearer in world.units[n].shades]
        for shade in shades:
            shade.put(reason)
        return together([partial(shade.clear, reason) for shade in shades])


def once(undo: Undo) -> Undo:
    """Return what undoes at its first call only."""
    left = [undo]

    def act() -> None:
        if left:
            left.pop()()

    return act
