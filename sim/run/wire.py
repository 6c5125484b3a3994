"""A wire trace of a real daemon, fed back: the same gateway in virtual time hears what that one heard."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from typing_extensions import override

from drivers.base import LinkState
from gateway.config import Config, load_config
from gateway.keys import load_station_keys
from protocols.errors import BadInputError
from sim import loop
from sim.clock import SimClock
from sim.env import SimTrace
from sim.fleet import Box
from sim.network import SimNetwork
from sim.ports import SimConnector
from sim.rng import Streams
from sim.run.tape import Datagrams, Dialogue, Passed

MAX_RECORDS: Final = 1_000_000
"""Most records read: as many as a trace of half a gigabyte holds."""

MAX_LINE: Final = 200_000
"""Longest line: a datagram of 64 KiB in hexadecimal, and its note."""

MAX_GAP_S: Final = 3_600.0
"""Records further apart mean that the date was set: a gateway's heartbeats come far more often."""

MAX_TOLD: Final = 500
"""Messages and changes of links told of, the oldest."""

AFTER_S: Final = 30.0
"""How long the gateway goes on when the tape is over: what was under way arrives."""


WAYS: Final = MappingProxyType({"rx": "rx", "tx": "tx"})

LOOK_S: Final = 0.5
"""How often the states of links are looked at."""


def read_trace(path: Path) -> tuple[int, list[Passed]]:
    """Read `trace.jsonl` (or the directory it lies in): when it began (unix ms), and what passed.

    Where the date was set meanwhile, the records follow each other at once. Raises BadInputError naming the
    line.
    """
    file = path / "trace.jsonl" if path.is_dir() else path
    passed: list[Passed] = []
    begun_ms = last_ms = 0
    at_s = 0.0
    for number, line in _lines(file):
        unix_ms, one = _record(file, number, line)
        begun_ms, last_ms = begun_ms or unix_ms, last_ms or unix_ms
        gap_s = (unix_ms - last_ms) / 1000
        at_s += gap_s if 0 <= gap_s <= MAX_GAP_S else 0.0
        last_ms = unix_ms
        passed.append(replace(one, at_s=at_s))
    return begun_ms, passed


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    number = 0
    try:
        with file.open(encoding="utf-8") as lines:
            while line := lines.readline(MAX_LINE):
                number += 1
                if number > MAX_RECORDS:
                    raise BadInputError(
                        str(file), limit=f"{MAX_RECORDS} records", found="more", zh="记录过多"
                    )
                yield number, line
    except OSError as error:
        raise BadInputError(
            str(file), limit="a trace that can be read", found=error.strerror or "", zh="无法读取"
        ) from error
    except UnicodeDecodeError as error:
        raise BadInputError(
            f"{file}:{number + 1}", limit="UTF-8", found="other octets", zh="不是 UTF-8 文本"
        ) from error


def _record(file: Path, number: int, line: str) -> tuple[int, Passed]:
    try:
        raw = json.loads(line)
        unix_ms, octets = int(raw["unix_ms"]), bytes.fromhex(raw["hex"])
        link, direction, note = str(raw["link"]), WAYS[raw["dir"]], str(raw.get("note", ""))
    except (ValueError, KeyError, TypeError) as error:
        raise BadInputError(
            f"{file}:{number}",
            limit="a record of run --trace",
            found=line[:80].rstrip(),
            zh="不是抓包记录",
        ) from error
    return unix_ms, Passed(0.0, link, direction, octets, note)


class Ears(SimTrace):
    """Hears what the gateway sends now: counts it, and tells the player of its link."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[tuple[str, str]] = Counter()
        self.players: dict[str, Callable[[bytes, str], None]] = {}

    @override
    def record(self, link: str, direction: str, data: bytes, note: str = "") -> None:
        self.counts[link, direction] += 1
        if direction == "tx" and link in self.players:
            self.players[link](data, note)


def feed(config: Path, trace: Path) -> dict[str, Any]:
    """Run the gateway of a configuration file on what a trace says it heard; return what it did.

    Its ledger is new, its clock starts when the trace did. Raises BadInputError.
    """
    begun_ms, passed = read_trace(trace)
    loaded = load_config(config)
    known = {link.name for link in loaded.links}
    strange = sorted({one.link for one in passed} - known)
    if strange:
        raise BadInputError(
            str(trace),
            limit=f"links of {config}: {', '.join(sorted(known))}",
            found=", ".join(strange[:10]),
            zh="抓包中的链路不在配置里",
        )
    with tempfile.TemporaryDirectory(prefix="fieldgate-replay-") as scratch:
        return loop.run(_feed(replace(loaded, data_dir=Path(scratch)), begun_ms, passed))


async def _feed(config: Config, begun_ms: int, passed: list[Passed]) -> dict[str, Any]:
    streams = Streams("replay")
    network = SimNetwork(streams, delay_s=0.0)
    connector = SimConnector(network=network, host="0.0.0.0")  # noqa: S104 - a name in a simulated network
    ears = Ears()
    loop_now = asyncio.get_running_loop().time
    over_s = passed[-1].at_s if passed else 0.0
    async with asyncio.TaskGroup() as tasks:
        box = Box("replay", config, load_station_keys(config.keys_path), streams, connector, tasks)
        box.clock = SimClock(epoch_unix_ms=begun_ms)
        box.wire = ears
        players: list[Dialogue | Datagrams] = []
        for link in config.links:
            mine = [one for one in passed if one.link == link.name]
            device = getattr(link.config, "device", "")
            if device:
                line = Dialogue(mine)
                connector.add_serial(device, line).slowness = 0.0
                players.append(line)
            else:
                host, _, port = getattr(link.config, "bind", ":0").rpartition(":")
                players.append(Datagrams(mine, network, (_own(host.strip("[]")), int(port))))
            ears.players[link.name] = players[-1].asked
        await box.power_on()
        for player in players:
            player.start()
        changes: list[dict[str, Any]] = []
        states: dict[str, LinkState] = {}
        while loop_now() < over_s:
            states = _look(box, states, changes)
            await asyncio.sleep(LOOK_S)
        states = _look(box, states, changes)
        now = ears.counts.copy()
        await asyncio.sleep(AFTER_S)
        told = await _told(box, passed, now)
        await box.stop()
    links = {name: state.value for name, state in states.items()}
    return {"seconds": round(over_s, 3), **told, "links": links, "changes": changes}


def _own(host: str) -> str:
    return host if host not in {"", "::"} else "0.0.0.0"  # noqa: S104 - see above


def _look(box: Box, states: dict[str, LinkState], changes: list[dict[str, Any]]) -> dict[str, LinkState]:
    """Note which links are in another state than when last looked at."""
    core = box.gateway.core
    now = {name: link.health.view(core.now_s()).state for name, link in core.links.items()}
    at_s = asyncio.get_running_loop().time()
    for name, state in now.items():
        if states.get(name) is not state and len(changes) < MAX_TOLD:
            changes.append({"at_s": round(at_s, 1), "link": name, "state": state.value})
    return now


async def _told(box: Box, passed: list[Passed], now: Counter[tuple[str, str]]) -> dict[str, Any]:
    then = Counter((one.link, one.direction) for one in passed)
    shown = await box.backend.messages(limit=MAX_TOLD, before=None, state=None, station=None)
    alarms = await box.backend.alarms(active_only=False)
    ways = sorted(then | now)
    return {
        "frames": {f"{link} {way}": {"then": then[link, way], "now": now[link, way]} for link, way in ways},
        "messages": [{"id": str(m.id), "from": m.sender, "text": m.text} for m in reversed(shown)],
        "alarms": [{"key": alarm.key, "kind": alarm.kind.value} for alarm in alarms],
        "counts": dict(sorted(box.gateway.core.counts.items())),
    }
