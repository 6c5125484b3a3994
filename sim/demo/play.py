"""Puts the demo together: field, folder, two processes, two seats, the story, the count."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import signal
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sim.channel import Channel
from sim.demo import cast, folder
from sim.demo.cast import HQ, VEHICLE
from sim.demo.dry_run import prove_counter
from sim.demo.field import IP_DELAY_S, build, plugged_in
from sim.demo.folder import Folder, Ports
from sim.demo.gateways import GatewayProcess
from sim.demo.narrator import Narrator
from sim.demo.report import conclude, show
from sim.demo.seat import Seat, SeatError
from sim.demo.story import StepError, Story
from sim.relay import udp_relay
from sim.rng import Streams

PREFERRED_API = {HQ: 7380, VEHICLE: 7383}
"""Where the pages are when nobody else has the port."""

LIMIT_S = 170.0
"""The whole story never takes longer, whatever happens."""

INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Verdict:
    """Exit status and the JSON line."""

    status: int
    report: str


async def play(directory: Path, narrator: Narrator, *, once: bool) -> Verdict:
    """Play in `directory`; returns when told to stop, or after the story. Leaves nothing running."""
    ending = Ending()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(name, ending.ask)
    with folder.claimed(directory):
        try:
            return await _play(directory, narrator, ending, once=once)
        except asyncio.CancelledError:
            narrator.plain("", "已停止 stopped.")
            return Verdict(INTERRUPTED, "")


class Ending:
    """Ctrl-C: once, it interrupts the story, or ends the waiting after it; later ones change nothing."""

    def __init__(self) -> None:
        self.story_over = False
        self.asked = asyncio.Event()
        self._task = asyncio.current_task()

    def ask(self) -> None:
        """End."""
        if not self.asked.is_set() and not self.story_over and self._task is not None:
            self._task.cancel()
        self.asked.set()


async def _play(directory: Path, narrator: Narrator, ending: Ending, *, once: bool) -> Verdict:
    narrator.plain("fieldgate 演示：指挥部与指挥车，两个真实进程，四种承载，三断")
    narrator.plain("fieldgate demo: headquarters and a vehicle, two real processes, four bearers, three cuts")
    await prove_counter(narrator)
    async with _stage(directory, narrator) as story:
        verdict = await _perform(story, narrator, directory)
        ending.story_over = True
        if not once:
            narrator.say("网页继续开放；按 Ctrl-C 结束一切", "the pages stay open; Ctrl-C ends everything")
            await ending.asked.wait()
        return verdict


async def _perform(story: Story, narrator: Narrator, directory: Path) -> Verdict:
    try:
        async with asyncio.timeout(LIMIT_S):
            await story.play()
            outcome = await conclude(story)
    except (StepError, SeatError, TimeoutError) as error:
        zh, en = getattr(error, "zh", "超时"), getattr(error, "en", "out of time")
        narrator.bad(f"演示失败：{zh}", f"the demo failed: {en}")
        logs = [str(directory / name) for name in ("hq.log", "veh3.log")]
        narrator.plain(f"  日志 logs: {' '.join(logs)}")
        return Verdict(1, json.dumps({"holds": False, "failed": en, "logs": logs}, ensure_ascii=False))
    show(outcome, narrator)
    return Verdict(0 if outcome.holds else 1, outcome.json())


@asynccontextmanager
async def _stage(directory: Path, narrator: Narrator) -> AsyncGenerator[Story]:
    """Everything that runs, in order; ended in reverse order however the story ends."""
    chance = random.SystemRandom()
    streams = Streams(chance.getrandbits(64))
    channel = Channel("ip", rng=streams.stream("ip/path"), delay_s=IP_DELAY_S, jitter_s=0.02)
    free = _free_ports(4)
    async with contextlib.AsyncExitStack() as cleanup:
        relay = await cleanup.enter_async_context(
            udp_relay(
                listen_a=("127.0.0.1", 0),
                target_a=("127.0.0.1", free[0]),
                listen_b=("127.0.0.1", 0),
                target_b=("127.0.0.1", free[1]),
                channel=channel,
            )
        )
        ports = Ports(
            hq_api=_api_port(cleanup, HQ, free[2]),
            vehicle_api=_api_port(cleanup, VEHICLE, free[3]),
            hq_udp=free[0],
            vehicle_udp=free[1],
            relay_to_vehicle=relay.address_a[1],
            relay_to_hq=relay.address_b[1],
        )
        files = folder.write(directory, ports, chance)
        field = build(streams, channel)
        devices = await cleanup.enter_async_context(plugged_in(field, files.ports))
        seats = await _seats(cleanup, ports, files)
        _introduce(narrator, files, ports, devices)
        base = await cleanup.enter_async_context(GatewayProcess(files.config(HQ), files.log(HQ)))
        box = await cleanup.enter_async_context(GatewayProcess(files.config(VEHICLE), files.log(VEHICLE)))
        tasks = await cleanup.enter_async_context(asyncio.TaskGroup())
        following = [tasks.create_task(seat.follow(), name=f"{seat.sign}.events") for seat in seats]
        try:
            yield Story(field=field, hq=seats[0], vehicle=seats[1], base=base, box=box, narrator=narrator)
        finally:
            for task in following:
                task.cancel()


async def _seats(cleanup: contextlib.AsyncExitStack, ports: Ports, files: Folder) -> tuple[Seat, Seat]:
    signs = {role.number: role.call_sign for role in cast.CAST} | {1: HQ, 3: VEHICLE}
    made = tuple(
        Seat(sign, number, f"http://127.0.0.1:{port}", files.tokens[sign], signs)
        for sign, number, port in ((HQ, 1, ports.hq_api), (VEHICLE, 3, ports.vehicle_api))
    )
    for seat in made:
        cleanup.push_async_callback(seat.aclose)
    return made[0], made[1]


def _introduce(narrator: Narrator, files: Folder, ports: Ports, devices: dict[str, Path]) -> None:
    narrator.plain(
        "",
        f"  指挥部网页 headquarters' page  http://127.0.0.1:{ports.hq_api}/#token={files.tokens[HQ]}",
        f"  指挥车网页 the vehicle's page  http://127.0.0.1:{ports.vehicle_api}/#token={files.tokens[VEHICLE]}",
        f"  配置、名册、密钥、日志 files   {files.path}",
        "  模拟设备的串口 serial ports    " + str(files.ports) + "/",
        *(f"    {name:<14} {path.readlink()}" for name, path in devices.items()),
    )


def _free_ports(count: int) -> list[int]:
    """Ports of loopback nobody has; held together while they are chosen, so that all differ."""
    with contextlib.ExitStack() as held:
        ports: list[int] = []
        for _ in range(count):
            one = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            one.bind(("127.0.0.1", 0))
            ports.append(one.getsockname()[1])
        return ports


def _api_port(cleanup: contextlib.AsyncExitStack, sign: str, otherwise: int) -> int:
    """The usual port if nobody has it, and no other demo is about to take it."""
    usual = PREFERRED_API[sign]
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    cleanup.callback(claim.close)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            claim.bind(f"\0fieldgate-demo-{usual}")  # an abstract name: gone with its last owner
            one.bind(("127.0.0.1", usual))
        except OSError:
            return otherwise
    return usual
