"""The outside world of one driver under test: virtual clock, named randomness, memory, log, trace, hooks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, MutableSequence
from dataclasses import dataclass, field
from typing import NamedTuple

from typing_extensions import override

from drivers.base import Clock, Connector, DriverEnv, DriverMemory, Hooks, Log, Trace
from sim.clock import SimClock
from sim.rng import Streams


class SimMemory(DriverMemory):
    """A link's notes in a dictionary; pass the same object again to survive a restart of the driver."""

    def __init__(self, notes: dict[str, str] | None = None) -> None:
        self.notes = dict(notes or {})

    @override
    async def load(self) -> dict[str, str]:
        return dict(self.notes)

    @override
    async def save(self, notes: dict[str, str]) -> None:
        self.notes.update(notes)
        for key in [key for key, value in self.notes.items() if not value]:
            del self.notes[key]


@dataclass(frozen=True, slots=True)
class LogLine:
    """One logged fact."""

    level: str
    event: str
    keys: dict[str, object]


class SimLog(Log):
    """Keeps logged facts in `lines`: every one, or the latest `limit`."""

    def __init__(self, limit: int | None = None) -> None:
        self.lines: MutableSequence[LogLine] = [] if limit is None else deque(maxlen=limit)

    def events(self) -> list[str]:
        """Return the names of what was logged, in order."""
        return [line.event for line in self.lines]

    @override
    def debug(self, event: str, **keys: object) -> None:
        self.lines.append(LogLine("debug", event, keys))

    @override
    def info(self, event: str, **keys: object) -> None:
        self.lines.append(LogLine("info", event, keys))

    @override
    def warning(self, event: str, **keys: object) -> None:
        self.lines.append(LogLine("warning", event, keys))

    @override
    def error(self, event: str, **keys: object) -> None:
        self.lines.append(LogLine("error", event, keys))


class TraceRecord(NamedTuple):
    """One traced frame or line; `direction` is "rx" or "tx"."""

    link: str
    direction: str
    data: bytes
    note: str


class SimTrace(Trace):
    """Keeps every frame and line that passed in `records`."""

    def __init__(self) -> None:
        self.records: list[TraceRecord] = []

    @override
    def record(self, link: str, direction: str, data: bytes, note: str = "") -> None:
        self.records.append(TraceRecord(link, direction, bytes(data), note))


class SimHooks(Hooks):
    """Notes the rare paths that were reached in `probes`; is never nasty."""

    def __init__(self) -> None:
        self.probes: list[str] = []

    @override
    def probe(self, name: str) -> None:
        self.probes.append(name)

    @override
    def buggify(self, name: str) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class SimParts:
    """What a test may keep between two openings of a driver, or look into afterwards."""

    memory: SimMemory = field(default_factory=SimMemory)
    log: SimLog = field(default_factory=SimLog)
    trace: SimTrace = field(default_factory=SimTrace)
    hooks: SimHooks = field(default_factory=SimHooks)


def sim_env(
    link: str,
    *,
    connector: Connector,
    streams: Streams,
    clock: Clock | None = None,
    parts: SimParts | None = None,
    may_transmit: Callable[[], bool] = lambda: True,
) -> DriverEnv:
    """Build the world of the driver of `link`; its randomness is the stream `link/driver`.

    Keep a `SimParts` to look into its log, trace and probes, or to give its memory to the driver again.
    """
    kept = parts or SimParts()
    return DriverEnv(
        clock=clock or SimClock(),
        random=streams.stream(f"{link}/driver"),
        connector=connector,
        memory=kept.memory,
        log=kept.log,
        trace=kept.trace,
        hooks=kept.hooks,
        may_transmit=may_transmit,
    )
