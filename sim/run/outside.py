"""`sim run FILE --pty`: the field of a scenario in real time, on PTYs and loopback, for gateways outside.

Nothing of the scenario's gateways runs here: their configurations are written ready to use, and whoever runs
them (or minicom, or gammu) finds the radios, the people and the cuts of the scenario.
"""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final, TextIO

from drivers.io.udp import open_udp
from gateway.keys import new_master, write_all
from sim.demo.folder import claimed
from sim.faults.apply import Breaker
from sim.pty import PtyPort
from sim.record import Event, Record, What
from sim.relay import UdpRelay
from sim.scenario.draw import Drawn
from sim.scenario.model import Do
from sim.world import files
from sim.world.acting import Actors
from sim.world.build import posts_of
from sim.world.files import NETS, Post
from sim.world.world import World

BY_HAND: Final = frozenset({Do.SEND, Do.ROLL_CALL, Do.QUIET})
"""Actions at a gateway's desk: whoever runs the gateway does them."""

TOLD: Final = (What.FAULT, What.TYPED, What.SHOWN, What.ALARM, What.POWER)

FIRST_NET: Final = 1
FIRST_ALIAS_NET: Final = 101
"""127.1.0.n is station n on the first IP bearer; 127.101.a.b is station b as station a sees it."""

API_PORT: Final = 7380


def own_address(bearer: str, number: int) -> str:
    """Where a station's own socket is bound."""
    return f"127.{FIRST_NET + list(NETS).index(bearer)}.0.{number}"


def alias(bearer: str, seen_by: int, number: int) -> str:
    """Where a station is found by another: the near side of the path between them."""
    return f"127.{FIRST_ALIAS_NET + list(NETS).index(bearer)}.{seen_by}.{number}"


def serve(drawn: Drawn, directory: Path = Path("sim-run"), out: TextIO = sys.stdout) -> int:
    """Play the field until Ctrl-C or the end of its time. Exit status 0."""
    with claimed(directory):
        asyncio.run(_serve(drawn, directory.resolve(), out))
    return 0


async def _serve(drawn: Drawn, directory: Path, out: TextIO) -> None:
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, ending.set)
    by_hand = [action for action in drawn.scenario.actions if action.do in BY_HAND]
    scenario = replace(
        drawn.scenario, actions=tuple(a for a in drawn.scenario.actions if a.do not in BY_HAND)
    )
    record = Record()
    record.watch(lambda event: _narrate(event, out), *TOLD)
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(
            World(replace(drawn, scenario=scenario), directory / "world", record)
        )
        paths = _plug(world, directory, stack)
        _write_files(world, directory, paths)
        await _relays(world, stack)
        _tell_ports(world, directory, paths, out)
        for action in by_hand:
            what = f"{action.do.value} {action.who} {action.to} {action.text}"
            print(f"  {action.t.low:8.1f} s  手动 by hand: {what}", file=out)
        world.start(gateways=False)
        breaker = Breaker(world)
        breaker.schedule(drawn.schedule)
        Actors(world).schedule()
        try:
            async with asyncio.timeout(scenario.duration_s):
                await ending.wait()
        except TimeoutError:
            print(f"{scenario.duration_s:.0f} s: 结束 over", file=out)


def _plug(world: World, directory: Path, stack: AsyncExitStack) -> dict[tuple[str, str], Path]:
    """Put every device of every gateway on a PTY."""
    paths: dict[tuple[str, str], Path] = {}
    (directory / "ports").mkdir(exist_ok=True)
    for unit in world.units.values():
        for bearer, (device, _) in unit.plugged.items():
            port = stack.enter_context(PtyPort(device, directory / "ports" / f"{unit.id}-{bearer}"))
            paths[unit.id, bearer] = port.path
    return paths


def _write_files(world: World, directory: Path, paths: dict[tuple[str, str], Path]) -> None:
    """Write rosters, keys and configurations as a user would have them."""
    posts = posts_of(world.scenario)
    gateways = [post for post in posts if post.gateway]
    chance = random.SystemRandom()
    write_all(new_master(chance.randbytes), [post.number for post in gateways], directory / "keys")
    for index, post in enumerate(gateways):
        text = _seen_by(files.roster(posts, world.scenario.title_zh), post, gateways)
        (directory / f"{post.sign}.roster.toml").write_text(text, encoding="utf-8")
        config = f"""\
# {post.sign}: fieldgate run --config {post.sign}.toml
[gateway]
station = {post.number}
roster = "{post.sign}.roster.toml"
keys = "keys/station-{post.number}.toml"
data_dir = "{post.sign}-data"
log = "console"

[api]
bind = "127.0.0.1:{API_PORT + index}"
"""
        links = _seen_by(files.links(post, posts), post, gateways)
        for (sign, bearer), path in paths.items():
            if sign == post.sign:
                links = links.replace(f'"{files.device_path(bearer)}"', f'"{path}"')
        (directory / f"{post.sign}.toml").write_text(config + links, encoding="utf-8")


def _seen_by(text: str, post: Post, gateways: Iterable[Post]) -> str:
    """Return a file with every IP address as this station has it."""
    for bearer in NETS:
        for other in gateways:
            host = own_address(bearer, other.number)
            if other.number != post.number:
                host = alias(bearer, post.number, other.number)
            old = f'"{files.host(bearer, other.number)}:'
            text = text.replace(old, f'"{host}:')
    return text


async def _relays(world: World, stack: AsyncExitStack) -> None:
    """Join every two gateways on an IP bearer through their simulated channel."""
    units = list(world.units.values())
    for place, one in enumerate(units):
        for other in units[place + 1 :]:
            for bearer in (b for b in one.node.links if b in NETS and b in other.node.links):
                a, b = one.node.station, other.node.station
                sides = [
                    await open_udp(alias(bearer, a, b), files.UDP_PORT),
                    await open_udp(alias(bearer, b, a), files.UDP_PORT),
                ]
                for side in sides:
                    stack.push_async_callback(side.aclose)
                relay = UdpRelay(
                    *sides,
                    target_a=(own_address(bearer, a), files.UDP_PORT),
                    target_b=(own_address(bearer, b), files.UDP_PORT),
                    channel=world.fleet.network.channel(files.host(bearer, a), files.host(bearer, b)),
                )
                world.spawn(relay.carry_from_a(), f"{one.id}>{other.id}")
                world.spawn(relay.carry_from_b(), f"{other.id}>{one.id}")


def _tell_ports(world: World, directory: Path, paths: dict[tuple[str, str], Path], out: TextIO) -> None:
    print(f"{world.scenario.title_zh} {world.scenario.title_en}", file=out)
    for (sign, bearer), path in paths.items():
        print(f"  端口 port  {sign:<10} {bearer:<10} {path}", file=out)
    for sign in world.units:
        print(f"  网关 gateway  fieldgate run --config {directory / sign}.toml", file=out)
    out.flush()


def _narrate(event: Event, out: TextIO) -> None:
    words = " ".join(
        str(event.facts[key]) for key in ("name", "target", "text", "key", "state") if key in event.facts
    )
    print(
        f"  {event.at_s:8.1f} s  {event.what.value:<7} {event.node:<10} {words}"[:150], file=out, flush=True
    )
