"""A wire trace of a real daemon, fed back: the same gateway in virtual time hears what that one heard."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from gateway.config import Config, load_config
from gateway.keys import load_station_keys
from protocols.errors import BadInputError
from sim import loop
from sim.clock import SimClock
from sim.device import SerialDevice
from sim.fleet import Box
from sim.loop import NEUTRAL
from sim.network import SimNetwork
from sim.ports import SimConnector
from sim.rng import Streams

MAX_RECORDS: Final = 1_000_000
"""Most records read: as many as a trace of half a gigabyte holds."""

AFTER_S: Final = 30.0
"""How long the gateway goes on when the tape is over."""


@dataclass(frozen=True, slots=True)
class Passed:
    """One record of a trace: seconds after its first, link, "rx" or "tx", octets, note."""

    at_s: float
    link: str
    direction: str
    data: bytes
    note: str


def read_trace(path: Path) -> tuple[int, list[Passed]]:
    """Read `trace.jsonl` (or the directory it lies in): when it began (unix ms), and what passed.

    Raises BadInputError naming the line.
    """
    file = path / "trace.jsonl" if path.is_dir() else path
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(
            str(file), limit="a trace that can be read", found=str(error), zh="无法读取"
        ) from error
    if len(lines) > MAX_RECORDS:
        raise BadInputError(str(file), limit=f"{MAX_RECORDS} records", found=len(lines), zh="记录过多")
    passed: list[Passed] = []
    begun_ms = 0
    for number, line in enumerate(lines, start=1):
        try:
            raw = json.loads(line)
            unix_ms, octets = int(raw["unix_ms"]), bytes.fromhex(raw["hex"])
            link, direction, note = str(raw["link"]), str(raw["dir"]), str(raw.get("note", ""))
        except (ValueError, KeyError, TypeError) as error:
            raise BadInputError(
                f"{file}:{number}", limit="a record of run --trace", found=line[:80], zh="不是抓包记录"
            ) from error
        begun_ms = begun_ms or unix_ms
        at_s = max((unix_ms - begun_ms) / 1000, passed[-1].at_s if passed else 0.0)
        passed.append(Passed(at_s, link, direction, octets, note))
    return begun_ms, passed


class Tape(SerialDevice):
    """A device that says what was recorded, whatever the host sends it."""

    def receive(self, data: bytes) -> None:
        """Take what the host sends, in silence."""


def feed(config: Path, trace: Path) -> dict[str, Any]:
    """Run the gateway of a configuration file on what a trace says it heard; return what it did.

    Its ledger is new, its clock starts when the trace did. Raises BadInputError.
    """
    begun_ms, passed = read_trace(trace)
    loaded = load_config(config)
    with tempfile.TemporaryDirectory(prefix="fieldgate-replay-") as scratch:
        return loop.run(_feed(replace(loaded, data_dir=Path(scratch)), begun_ms, passed))


async def _feed(config: Config, begun_ms: int, passed: list[Passed]) -> dict[str, Any]:
    streams = Streams("replay")
    network = SimNetwork(streams)
    connector = SimConnector(network=network, host="")
    tapes: dict[str, Tape] = {}
    places: dict[str, tuple[str, int]] = {}
    for link in config.links:
        device = getattr(link.config, "device", "")
        if device:
            tapes[link.name] = Tape()
            connector.add_serial(device, tapes[link.name]).slowness = 0.0
        else:
            host, _, port = link.config.bind.rpartition(":")
            places[link.name] = (host.strip("[]"), int(port))
    async with asyncio.TaskGroup() as tasks:
        box = Box("replay", config, load_station_keys(config.keys_path), streams, connector, tasks)
        box.clock = SimClock(epoch_unix_ms=begun_ms)
        await box.power_on()
        clock = asyncio.get_running_loop()
        for one in passed:
            if one.direction == "rx":
                clock.call_at(one.at_s, _play, one, tapes, places, network, context=NEUTRAL)
        await asyncio.sleep((passed[-1].at_s if passed else 0.0) + AFTER_S)
        told = await _told(box, passed)
        await box.stop()
    return told


def _play(
    one: Passed, tapes: dict[str, Tape], places: dict[str, tuple[str, int]], network: SimNetwork
) -> None:
    if one.link in tapes:
        tapes[one.link].write(one.data)
    elif one.link in places and one.note:
        host, _, port = one.note.rpartition(":")
        network.carry(one.data, (host.strip("[]"), int(port)), places[one.link])


async def _told(box: Box, passed: list[Passed]) -> dict[str, Any]:
    then = Counter((one.link, one.direction) for one in passed)
    now = Counter((record.link, record.direction) for record in box.trace.records)
    core = box.gateway.core
    shown = await box.backend.messages(limit=500, before=None, state=None, station=None)
    alarms = await box.backend.alarms(active_only=False)
    return {
        "frames": {
            f"{link} {way}": {"then": then[link, way], "now": now[link, way]} for link, way in then | now
        },
        "links": {name: link.health.view(core.now_s()).state.value for name, link in core.links.items()},
        "messages": [{"id": str(m.id), "from": m.sender, "text": m.text} for m in reversed(shown)],
        "alarms": [{"key": alarm.key, "kind": alarm.kind.value} for alarm in alarms],
        "counts": dict(sorted(core.counts.items())),
    }
