"""A headquarters and its gateways in one process and virtual time: every box real, down to the octets."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drivers.udp_config import PEERS_MAX
from sim.devices.beidou import BeidouTerminal
from sim.devices.pdt_handheld import Handheld
from sim.devices.pdt_radio import PdtRadio
from sim.devices.tiantong import TiantongModem
from sim.fleet import SEAT, Box, Fleet
from sim.loop import run as run_virtual

PDT, TIANTONG, BEIDOU, PERSON = 2_100, 17_410_000_000, 166_000, 900
"""Addresses of a station are these plus its number; handhelds are stations from PERSON on."""

CALLED = 12
"""Stations of a roll call: gateways, and handhelds of headquarters where there are fewer."""

SETTLE_S, REST_S = 120.0, 900.0
"""From the first power-on until measuring begins every link comes up; at rest, reports are told as well:
fifty gateways share one radio channel. Virtual time."""

TEXT = "第{n}条：桥头水位上涨，各组注意安全，绕行北线，收到回答，完毕。"
"""What is said, cut to CHARS."""

CHARS = 30
"""Characters of a message."""

EVERY_S = 30.0
"""Each gateway sends one message so often."""

LINES = ("tiantong", "beidou")
"""Links on which lines pass; on the others each record is a frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a stretch of virtual time took. `passed`: frames and lines at ports and sockets, both ways."""

    virtual_s: float
    cpu_s: float
    passed: int

    @property
    def times(self) -> float:
        """Virtual seconds in one of CPU time."""
        return self.virtual_s / self.cpu_s

    @property
    def us_each(self) -> float:
        """Microseconds of CPU time for a frame or line."""
        return 1e6 * self.cpu_s / self.passed


def measure(gateways: int, virtual_s: float, *, quiet_s: float = 0.0, talk: bool = False) -> Cost:
    """Let so many gateways run; `quiet_s` is the time between heartbeats and polls (0: as shipped).

    With `talk` each sends a message every 30 s, and headquarters calls the roll of twelve once, however short
    the time is.
    """
    with _scratch() as folder:
        return run_virtual(_measure(folder, gateways, virtual_s, quiet_s, talk=talk))


async def _measure(folder: Path, gateways: int, virtual_s: float, quiet_s: float, *, talk: bool) -> Cost:
    fleet = Fleet(folder, _roster(gateways))
    boxes = [_box(fleet, number, gateways, quiet_s) for number in range(1, gateways + 1)]
    for person in _people(gateways):
        Handheld(PDT + person, fleet.pdt, name=f"P{person}", home=PDT + 1)
    async with fleet:
        for box in boxes:
            await box.power_on()
        await asyncio.sleep(REST_S if quiet_s else SETTLE_S)
        for box in boxes:
            box.trace.records.clear()
        began_s = time.process_time()
        tasks = [asyncio.create_task(_talk(box, at)) for at, box in enumerate(boxes)] if talk else []
        if talk:
            await _call_roll(boxes[0], gateways)
        await asyncio.sleep(virtual_s)
        cpu_s = time.process_time() - began_s
        for task in tasks:
            task.cancel()
        return Cost(virtual_s=virtual_s, cpu_s=cpu_s, passed=sum(map(_passed, boxes)))


async def _talk(box: Box, at: int) -> None:
    await asyncio.sleep(at * EVERY_S / max(at + 1, CALLED))
    number = 0
    while True:
        number += 1
        await box.send("G1" if at else "G2", TEXT.format(n=number)[:CHARS])
        await asyncio.sleep(EVERY_S)


async def _call_roll(box: Box, gateways: int) -> None:
    signs = [f"G{number}" for number in range(2, min(gateways, CALLED + 1) + 1)]
    signs += [f"P{person}" for person in _people(gateways)]
    await box.backend.start_roll_call(
        stations=tuple(signs[:CALLED]), title="点名", exercise=False, deadline_s=180, caller=SEAT
    )


def _passed(box: Box) -> int:
    """Count frames, and lines that are not empty."""
    frames = 0
    lines: defaultdict[tuple[str, str], bytearray] = defaultdict(bytearray)
    for record in box.trace.records:
        if record.link in LINES:
            lines[record.link, record.direction] += record.data
        else:
            frames += 1
    return frames + sum(len([x for x in text.splitlines() if x.strip()]) for text in lines.values())


def _people(gateways: int) -> range:
    return range(PERSON, PERSON + max(0, CALLED - gateways + 1))


def _roster(gateways: int) -> str:
    text = 'version = 1\ncity = "示范市"\n'
    for number in range(1, gateways + 1):
        text += f"""[[station]]
number = {number}
call_sign = "G{number}"
name = "G{number}"
gateway = true
headquarters = {str(number == 1).lower()}
[station.address]
cellular = "10.0.0.{number}:7000"
pdt = "{PDT + number}"
tiantong = "{TIANTONG + number}"
beidou = "{BEIDOU + number}"
"""
    for person in _people(gateways):
        text += f"""[[station]]
number = {person}
call_sign = "P{person}"
name = "P{person}"
via = ["G1"]
address = {{ pdt = "{PDT + person}" }}
"""
    return text


def _box(fleet: Fleet, number: int, gateways: int, quiet_s: float) -> Box:
    others = [other for other in range(1, gateways + 1) if other != number]
    peers = ", ".join(
        f'"10.0.0.{other}:7000"' for other in (others[:PEERS_MAX] if number == 1 else others[:1])
    )
    cards = ", ".join(str(BEIDOU + other) for other in others)
    pace = [
        f"heartbeat_min_s = {quiet_s}\nheartbeat_max_s = {2 * quiet_s}\nloss_detect_s = {4 * quiet_s}",
        f"keepalive_s = {quiet_s}",
        f"poll_interval_s = {quiet_s}",
        f"bsi_period_s = {quiet_s}",
    ]
    ip, pdt, tiantong, beidou = pace if quiet_s else [""] * 4
    toml = f"""
[[link]]
name = "ip"
driver = "udp"
bearer = "cellular"
bind = "10.0.0.{number}:7000"
peers = [{peers}]
{ip}
[[link]]
name = "pdt"
driver = "hytera"
device = "/dev/pdt"
{pdt}
[[link]]
name = "tiantong"
driver = "at_modem"
device = "/dev/tiantong"
{tiantong}
[[link]]
name = "beidou"
driver = "beidou"
device = "/dev/beidou"
data_peers = [{cards}]
{beidou}
"""
    box = fleet.box(f"G{number}", number, toml)
    rng = fleet.streams.stream
    box.connector.add_serial("/dev/pdt", PdtRadio(PDT + number, fleet.pdt, rng=rng(f"G{number}/pdt")))
    modem = TiantongModem(str(TIANTONG + number), fleet.sms, fleet.sms_channel, rng=rng(f"G{number}/modem"))
    box.connector.add_serial("/dev/tiantong", modem)
    card = BeidouTerminal(BEIDOU + number, fleet.space, rng=rng(f"G{number}/card"))
    box.connector.add_serial("/dev/beidou", card)
    return box


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """Give a folder in memory where there is one: what fsync costs is only simulated."""
    memory = Path("/dev/shm")  # noqa: S108 - the files get a directory of their own, mode 0700
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)
