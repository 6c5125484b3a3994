"""What happened in a world, in order: the one stream that hash, checkers, metrics and reports read."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum


class What(Enum):
    """Kinds of happenings. The facts that go with each are named here; every other key is free."""

    __hash__ = object.__hash__  # asked for at every happening; nothing depends on the order of a set of kinds

    FRAME = "frame"
    """A frame or line passed a link of a gateway: `direction` "tx"|"rx", `note`, and the octets in `data`."""
    AIR = "air"
    """A burst, datagram or short message on a bearer between two places: `bearer`, `to`, `octets`,
    `airtime_s`, `fate` "carried"|"lost"|"cut"|"collided"|"faded"|"deaf", `rssi_dbm` where there is one."""
    LINK = "link"
    """A gateway shows another state of a link: `state`, `why`."""
    COMMIT = "commit"
    """A gateway's ledger commit is on its disk: `number`."""
    MESSAGE = "message"
    """A gateway shows another state of a copy: `id`, `station`, `state`, `evidence`, `by`."""
    TYPED = "typed"
    """A person or API client entered something: `key` (unique in the run), `by`, `to`, `text`, `precedence`,
    `accepted` (whether it was taken), `native` (typed on a device that knows nothing of us)."""
    SHOWN = "shown"
    """A screen or API client saw a text: `key` ("" if nobody typed it), `by`, `text`, `repeat` (（重发）)."""
    ALARM = "alarm"
    """An alarm is raised or cleared at a gateway: `key`, `state` "raised"|"acknowledged"|"cleared"."""
    ROLL_CALL = "roll_call"
    """A roll call's board changed: `call`, `station`, `state`, `evidence`, or `ended` with its counts."""
    FAULT = "fault"
    """A fault begins or ends: `name`, `state` "begins"|"ends", `cause`."""
    POWER = "power"
    """A node got or lost its power: `state` "on"|"off", `why`, `left_wh`."""
    MOVED = "moved"
    """A node is at another place: `x_km`, `y_km`."""
    PHASE = "phase"
    """A phase of the run begins: `name` "start"|"safety"|"heal"|"liveness"|"end"."""
    BROKEN = "broken"
    """A checker found a promise broken: `promise`, `detail`."""
    PROBE = "probe"
    """A rare path was reached: `name`."""


@dataclass(frozen=True, slots=True)
class Event:
    """One happening. `node` and `link` are "" where none applies; `data` only for FRAME."""

    at_ns: int
    what: What
    node: str
    link: str
    facts: Mapping[str, object] = field(default_factory=dict)
    data: bytes = b""

    @property
    def at_s(self) -> float:
        """Seconds of virtual time since the run began."""
        return self.at_ns / 1e9


HASHED = frozenset(
    {What.FRAME, What.LINK, What.COMMIT, What.MESSAGE, What.TYPED, What.SHOWN, What.FAULT, What.POWER}
)
"""What the trace hash covers: every frame, state change and commit, and what people did and saw."""


class Record:
    """Takes happenings as they come: hashes them, hands them to watchers, keeps those asked for.

    `keep` names the kinds kept in `events` (all of them for a report; none in a sweep, whose checkers watch).
    """

    def __init__(self, *, keep: frozenset[What] = frozenset()) -> None:
        self.events: list[Event] = []
        self.counts: dict[What, int] = dict.fromkeys(What, 0)
        self._keep = keep
        self._hash = 0
        self._watchers: dict[What, list[Callable[[Event], None]]] = {kind: [] for kind in What}

    @property
    def trace(self) -> str:
        """The hash over everything hashed so far: 8 hexadecimal digits and the number of happenings."""
        return f"{self._hash:08x}-{sum(self.counts[kind] for kind in HASHED)}"

    def wants(self, what: What) -> bool:
        """Whether anybody sees this kind: frequent, unhashed happenings need not be told otherwise."""
        return what in self._keep or bool(self._watchers[what])

    def keeps(self, what: What) -> bool:
        """Whether events of a kind are kept for a report."""
        return what in self._keep

    def watch(self, watcher: Callable[[Event], None], *kinds: What) -> None:
        """Call `watcher` with every event of these kinds, in order, at its instant."""
        for kind in kinds:
            self._watchers[kind].append(watcher)

    def draw(self, what: What, node: str = "", link: str = "", **facts: object) -> None:
        """Keep one happening for a report only: it is not hashed, and no watcher sees it."""
        if what in self._keep:
            at_ns = round(asyncio.get_running_loop().time() * 1e9)
            self.events.append(Event(at_ns, what, node, link, facts))

    def note(self, what: What, node: str = "", link: str = "", data: bytes = b"", **facts: object) -> None:
        """Take one happening of now."""
        at_ns = round(asyncio.get_running_loop().time() * 1e9)
        self.counts[what] += 1
        if what in HASHED:
            parts = [f"{at_ns} {what._value_} {node} {link}"]
            for key, value in facts.items():
                parts += (key, value if type(value) is str else repr(value))
            line = "\0".join(parts).encode()
            self._hash = zlib.crc32(data, zlib.crc32(line, self._hash))
        watchers, kept = self._watchers[what], what in self._keep
        if watchers or kept:
            event = Event(at_ns, what, node, link, facts, data)
            if kept:
                self.events.append(event)
            for watcher in watchers:
                watcher(event)
