"""What waits to be sent: one entry per message copy, receipt or control element."""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gateway.domain import Message, Precedence
from protocols.air import Element

MAX_WORKS = 20_000
"""Entries held in memory; what does not fit waits in the ledger and is loaded as these settle."""

MAX_COPIES = 5_000
"""Message copies of one station in memory: those for a dead one leave room for the others."""

LEAST_COPIES = 16
"""Message copies that a station may have in memory however full it is."""

MAX_RECEIPTS = 256
"""Receipts to one gateway in memory; the others wait in the ledger."""

WorkKey = tuple[str, ...]


@dataclass(slots=True, eq=False, kw_only=True)
class Work:
    """One thing for `station`; `element` builds its wire form at the moment of packing.

    `message` is set for message copies. A control entry has `expires_s`; message copies expire in the ledger.
    """

    key: WorkKey
    station: int
    precedence: Precedence
    born_s: float
    element: Callable[[float], Element] | None = None
    message: Message | None = None
    receipt_row: int = 0
    elicits_ack: bool = True
    """Sent again until acknowledged; otherwise once is enough and a newer value will follow."""
    expires_s: float | None = None
    prefer_link: str = ""
    """Go back where the request came from, if that way is usable."""
    only_link: str = ""
    """Worth something on this link alone."""
    alone_ok: bool = True
    """Whether it may cause a frame of its own; otherwise it only rides along."""
    cheap_only: bool = False
    """Only over links that cost nothing and have no service interval."""
    not_before_s: float = 0.0
    tries: int = 0
    unknowns: int = 0
    """Native attempts whose outcome could not be learnt."""
    last_try_s: float = 0.0
    """When the latest native attempt began, or this process did."""
    checks: int = 0
    """Times in a row that the station was asked whether it is there, before a repeat."""
    relayed: bool = False
    native_pending: str = ""
    """Link on which a native attempt waits for its outcome."""
    native_deadline_s: float = 0.0
    native_handle: int = 0
    """The attempt that is pending."""
    parts: int = 0
    """In how many parts a native text was last tried; 0 when it never was."""
    part: int = 0
    """How many of these need no more tries."""
    partings: dict[tuple[int, str, int], tuple[int, int]] = field(default_factory=dict)
    """In how many parts it fits, and octets of the largest: by limit, encoding and fewest parts."""
    frames: set[int] = field(default_factory=set)
    """Serial numbers of frames under way that carry it."""
    sizes: dict[int, int] = field(default_factory=dict)
    """Octets of a frame with this alone, by next hop (the age may add an octet as it grows)."""

    def order(self) -> tuple[int, float]:
        """Sort key: strict precedence, oldest first within a class."""
        return (-self.precedence, self.born_s)

    def free(self, now_s: float) -> bool:
        """Whether it may be put into a new frame now."""
        return not self.frames and not self.native_pending and now_s >= self.not_before_s


class WorkList:
    """All waiting work, by station, in order of precedence and age; and when the next of it wants a look."""

    def __init__(self) -> None:
        self._works: dict[WorkKey, Work] = {}
        self._by_station: dict[int, list[Work]] = {}
        self._mortal: dict[WorkKey, Work] = {}
        self._pending: dict[WorkKey, Work] = {}
        self._times: list[float] = []
        self._counts: Counter[tuple[str, int]] = Counter()
        self._watchers: list[set[WorkKey]] = []
        self.removed = 0
        """Entries taken out so far: each left room for another."""

    def __len__(self) -> int:
        return len(self._works)

    def of_stations(self, wanted: Callable[[int], bool]) -> Iterator[Work]:
        """Yield the work for these stations in order, lazily: the rest costs nothing."""
        rows = [works for station, works in self._by_station.items() if wanted(station)]
        return iter(rows[0]) if len(rows) == 1 else heapq.merge(*rows, key=Work.order)

    def any_free(self, station: int, now_s: float) -> bool:
        """Return whether something for a station may be put into a new frame now."""
        return any(work.free(now_s) for work in self._by_station.get(station, ()))

    def count(self, kind: str, station: int) -> int:
        """Return how many entries of a kind (first part of their keys) there are for a station."""
        return self._counts[kind, station]

    def most_copies(self) -> int:
        """Return how many message copies one station may have now; the others wait in the ledger."""
        return MAX_COPIES if len(self._works) < MAX_WORKS else LEAST_COPIES

    def make_room(self, work: Work) -> bool:
        """Return whether this message copy may enter; a less urgent one of its station goes out for it."""
        if self.count("m", work.station) < self.most_copies():
            return True
        for other in reversed(self._by_station.get(work.station, [])):
            if other.order() <= work.order():
                break
            if other.message is not None and not other.frames and not other.native_pending:
                self.remove(other.key)
                return True
        return False

    @contextmanager
    def removals(self) -> Iterator[set[WorkKey]]:
        """Collect the keys of what is taken out: what was read before must not be added after that."""
        gone: set[WorkKey] = set()
        self._watchers.append(gone)
        try:
            yield gone
        finally:
            self._watchers = [other for other in self._watchers if other is not gone]

    def add(self, work: Work) -> Work:
        """Add it, or replace an older one with the same key (latest wins); returns the entry."""
        self.remove(work.key)
        self._works[work.key] = work
        self._counts[work.key[0], work.station] += 1
        insort(self._by_station.setdefault(work.station, []), work, key=Work.order)
        if work.expires_s is not None:
            self._mortal[work.key] = work
            heapq.heappush(self._times, work.expires_s)
        if work.not_before_s:
            heapq.heappush(self._times, work.not_before_s)
        return work

    def get(self, key: WorkKey) -> Work | None:
        """Find by key."""
        return self._works.get(key)

    def remove(self, key: WorkKey) -> Work | None:
        """Take out; None if it was not there."""
        for gone in self._watchers:
            gone.add(key)
        work = self._works.pop(key, None)
        if work is None:
            return None
        self.removed += 1
        kind = (key[0], work.station)
        self._counts[kind] -= 1
        if not self._counts[kind]:
            del self._counts[kind]
        row = self._by_station[work.station]
        at = bisect_left(row, work.order(), key=Work.order)
        del row[next(index for index in range(at, len(row)) if row[index] is work)]
        if not row:
            del self._by_station[work.station]
        self._mortal.pop(key, None)
        self._pending.pop(key, None)
        return work

    # --- times -------------------------------------------------------------------------------------------

    def hold(self, work: Work, until_s: float) -> None:
        """Leave it out of the choice until then."""
        work.not_before_s = until_s
        heapq.heappush(self._times, until_s)

    def expect(self, work: Work, until_s: float) -> None:
        """Wait until then for what becomes of a native attempt."""
        work.native_deadline_s = until_s
        self._pending[work.key] = work
        heapq.heappush(self._times, until_s)

    def silent(self, now_s: float) -> list[Work]:
        """Return and forget native work whose outcome did not come in time."""
        over = [w for w in self._pending.values() if not w.native_pending or now_s >= w.native_deadline_s]
        for work in over:
            del self._pending[work.key]
        return [work for work in over if work.native_pending]

    def expired(self, now_s: float) -> list[Work]:
        """Return control entries whose time is over."""
        return [w for w in self._mortal.values() if w.expires_s is not None and now_s >= w.expires_s]

    def next_s(self, now_s: float) -> float | None:
        """Return when something here may want a look; None if nothing will by time alone."""
        while self._times and self._times[0] <= now_s:
            heapq.heappop(self._times)
        return self._times[0] if self._times else None
