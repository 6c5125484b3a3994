"""`sim run FILE --pty`: the field of a scenario in real time, on PTYs and loopback, for gateways outside.

Nothing of the scenario's gateways runs here: their configurations are written ready to use, and whoever runs
them (or minicom, or gammu) finds the radios, the people and the cuts of the scenario.
"""

from __future__ import annotations

import asyncio
import random
import signal
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from typing_extensions import override

from drivers.base import Datagrams, PortUnavailableError
from drivers.io.clock import SystemClock
from drivers.io.udp import open_udp
from sim.demo.folder import Maker, claimed
from sim.faults.apply import ON_NODES, Breaker
from sim.faults.model import Fault, Kind, Schedule
from sim.loop import NEUTRAL
from sim.network import SimDatagrams
from sim.pty import PtyPort
from sim.record import Event, Record, What
from sim.report.words import say_fault
from sim.run.outside_files import Offer, alias, own_address, write_files
from sim.scenario.draw import Drawn
from sim.scenario.model import Action, Do
from sim.world import files
from sim.world.acting import Actors
from sim.world.files import NETS
from sim.world.world import World

AT_DESKS: Final = frozenset({Do.SEND, Do.ROLL_CALL, Do.QUIET})
"""Actions at a gateway's desk: whoever runs the gateway does them, when they are due."""

IN_BOXES: Final = ON_NODES - {Kind.BATTERY_DEATH}
"""Faults inside a gateway's box, which is not ours: whoever runs it kills it."""

UDP_PORTS: Final = range(files.UDP_PORT, files.UDP_PORT + 100)
"""Tried until one is free on every address: as many runs may go on at a time."""

WORDS: Final = {
    What.FAULT: "故障 fault",
    What.TYPED: "键入 typed",
    What.SHOWN: "显示 shown",
    What.ALARM: "求救 alarm",
    What.POWER: "电源 power",
}
"""What is told of while it goes on."""

Tell = Callable[[str], None]


class RealLoop(asyncio.SelectorEventLoop):
    """Asyncio's own loop, on a clock that starts at 0 as the simulator's does."""

    def __init__(self) -> None:
        self._origin_s = super().time()
        super().__init__()

    @override
    def time(self) -> float:
        return super().time() - self._origin_s


def serve(drawn: Drawn, directory: Path, *, offer: Callable[[Offer], None], tell: Tell) -> None:
    """Play the field in `directory` until Ctrl-C; `offer` hears once what is ready, `tell` what happens.

    When the scenario's time is over everything is healed and stays. Raises FolderError, PortUnavailableError
    and BadInputError.
    """
    with claimed(directory, Maker(".fieldgate-sim", "the simulator", "仿真")):
        with asyncio.Runner(loop_factory=RealLoop) as runner:
            runner.run(_serve(drawn, directory.resolve(), offer, tell))
        for left in (directory / "ports").iterdir():
            left.unlink()


async def _serve(drawn: Drawn, directory: Path, offer: Callable[[Offer], None], tell: Tell) -> None:
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(name, ending.set)
    record = Record()
    record.watch(lambda event: tell(_told(event)), *WORDS)
    ours, cues = _share(drawn)
    async with AsyncExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="fieldgate-sim-"))
        world = await stack.enter_async_context(World(ours, Path(scratch), record))
        world.fleet.sms.epoch_unix_ms = SystemClock().unix_ms()
        world.fleet.space.clock = SystemClock()
        paths = _plug(world, directory, stack)
        udp_port = await _join(world, stack)
        claims = stack.enter_context(ExitStack())
        gateways = write_files(ours.scenario, directory, paths, udp_port, random.SystemRandom(), claims)
        ports = tuple(
            (sign, bearer, path, world.units[sign].plugged[bearer][0].baud_bps)
            for (sign, bearer), path in paths.items()
        )
        scenario = ours.scenario
        offer(
            Offer(
                title_zh=scenario.title_zh,
                title_en=scenario.title_en,
                seed=drawn.seed,
                ports=ports,
                gateways=gateways,
            )
        )
        world.start(gateways=False)
        breaker, actors = Breaker(world), Actors(world)
        breaker.schedule(ours.schedule)
        actors.schedule()
        for at_s, words in cues:
            loop.call_at(at_s, tell, f"{at_s:8.1f} s  请操作 do     {words}", context=NEUTRAL)

        def over() -> None:
            breaker.heal()
            actors.heal()
            tell(f"{loop.time():8.1f} s  剧情结束，一切恢复；按 Ctrl-C 结束 over and healed; Ctrl-C ends it")

        loop.call_at(scenario.duration_s, over, context=NEUTRAL)
        await ending.wait()


def _share(drawn: Drawn) -> tuple[Drawn, list[tuple[float, str]]]:
    """Return the part of a run that the field plays, and what is left to those outside, with its times."""
    actions, faults = drawn.scenario.actions, drawn.schedule.faults
    cues = [(action.t.low, _cue(action)) for action in actions if action.do in AT_DESKS]
    cues += [(fault.at_s, _box_cue(fault)) for fault in faults if fault.kind in IN_BOXES]
    scenario = replace(drawn.scenario, actions=tuple(a for a in actions if a.do not in AT_DESKS))
    schedule = Schedule(faults=tuple(f for f in faults if f.kind not in IN_BOXES))
    return replace(drawn, scenario=scenario, schedule=schedule), sorted(cues)


def _cue(action: Action) -> str:
    match action.do:
        case Do.SEND:
            return f"{action.who} 发给 sends {action.to}: {action.text}"
        case Do.ROLL_CALL:
            return f"{action.who} 点名 calls the roll: {action.to}, {action.within_s:.0f} s"
        case _:
            return f"{action.who} 停止发射 stops transmitting: {action.link}"


def _box_cue(fault: Fault) -> str:
    lasting = f", {fault.for_s:.0f} s" if fault.for_s else ""
    return f"{fault.target} {say_fault(fault.kind.value, 'zh')} {say_fault(fault.kind.value, 'en')}{lasting}"


def _plug(world: World, directory: Path, stack: AsyncExitStack) -> dict[tuple[str, str], Path]:
    """Put every device of every gateway on a PTY."""
    paths: dict[tuple[str, str], Path] = {}
    for unit in world.units.values():
        for bearer, (device, _) in list(unit.plugged.items()):
            path = directory / "ports" / f"{unit.id}-{bearer}"
            port = stack.enter_context(PtyPort(device, path, check_baud=True))
            unit.plugged[bearer] = (device, port)
            paths[unit.id, bearer] = path
    return paths


async def _join(world: World, stack: AsyncExitStack) -> int:
    """Carry what gateways send on loopback through the simulated networks; return the UDP port they use."""
    for port in UDP_PORTS:
        sockets: dict[tuple[str, int, int], Datagrams] = {}
        try:
            for bearer, one, other in _pairs(world):
                sockets[bearer, one, other] = await open_udp(alias(bearer, one, other), port)
        except PortUnavailableError:
            for made in sockets.values():
                await made.aclose()
            if port == UDP_PORTS[-1]:
                raise
            continue
        _carry(world, stack, sockets, port)
        return port
    raise AssertionError("no port at all to try")


def _pairs(world: World) -> list[tuple[str, int, int]]:
    """Every two gateways on one IP bearer, both ways, by their places from 1."""
    units = list(enumerate(world.units.values(), start=1))
    return [
        (bearer, one, other)
        for bearer in NETS
        for one, a in units
        for other, b in units
        if one != other and bearer in a.node.links and bearer in b.node.links
    ]


def _carry(
    world: World, stack: AsyncExitStack, sockets: dict[tuple[str, int, int], Datagrams], port: int
) -> None:
    units = list(world.units.values())
    for bearer in NETS:
        here = {
            index: world.fleet.network.bind(files.host(bearer, unit.node.station), files.UDP_PORT)
            for index, unit in enumerate(units, start=1)
            if bearer in unit.node.links
        }
        stations = {files.host(bearer, units[index - 1].node.station): index for index in here}
        for index, endpoint in here.items():
            seen = {other: sockets[bearer, index, other] for other in here if other != index}
            to = (own_address(bearer, index), port)
            world.spawn(_inwards(endpoint, stations, seen, to), f"{bearer}.{index}.in")
            for other, outer in seen.items():
                stack.push_async_callback(outer.aclose)
                far = (files.host(bearer, units[other - 1].node.station), files.UDP_PORT)
                world.spawn(_outwards(outer, endpoint, far), f"{bearer}.{index}.{other}.out")


async def _inwards(
    endpoint: SimDatagrams, stations: dict[str, int], seen: dict[int, Datagrams], to: tuple[str, int]
) -> None:
    """Hand what the simulated network brings to the real socket of its gateway."""
    while True:
        data, source = await endpoint.receive()
        seen[stations[source[0]]].send(data, to)


async def _outwards(outer: Datagrams, endpoint: SimDatagrams, far: tuple[str, int]) -> None:
    """Give what a real gateway sends to the simulated network."""
    while True:
        data, _ = await outer.receive()
        endpoint.send(data, far)


def _told(event: Event) -> str:
    facts = event.facts
    match event.what:
        case What.FAULT:
            name = str(facts["name"])
            state = "起 begins" if facts["state"] == "begins" else "止 ends"
            words = f"{facts['target']} {say_fault(name, 'zh')} {say_fault(name, 'en')} {state}"
        case What.TYPED | What.SHOWN:
            words = f"{event.node}: {facts['text']}"
        case What.ALARM:
            words = f"{event.node}: {'按下 pressed' if facts['state'] == 'pressed' else '解除 released'}"
        case _:
            words = f"{event.node}: {facts['state']} ({facts['why']})"
    return f"{event.at_s:8.1f} s  {WORDS[event.what]}  {words}"
