"""What waits to be sent: one entry per message copy, receipt or control element."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from gateway.domain import Message, Precedence
from protocols.air import Element

MAX_WORKS = 20_000
"""Entries held in memory; what does not fit waits in the ledger and is loaded as these settle."""

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
    alone_ok: bool = True
    """Whether it may cause a frame of its own; otherwise it only rides along."""
    cheap_only: bool = False
    """Only over links that cost nothing and have no service interval."""
    not_before_s: float = 0.0
    tries: int = 0
    unknowns: int = 0
    """Native attempts whose outcome could not be learnt."""
    relayed: bool = False
    native_pending: str = ""
    """Link on which a native attempt waits for its outcome."""
    native_deadline_s: float = 0.0
    native_handle: int = 0
    """The attempt that is pending."""
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
    """All waiting work, in order of precedence and age."""

    def __init__(self) -> None:
        self._works: dict[WorkKey, Work] = {}
        self._sorted: list[Work] | None = []

    def __len__(self) -> int:
        return len(self._works)

    def __iter__(self) -> Iterator[Work]:
        if self._sorted is None:
            self._sorted = sorted(self._works.values(), key=Work.order)
        return iter(self._sorted)

    @property
    def full(self) -> bool:
        """Whether message copies beyond this wait in the ledger only."""
        return len(self._works) >= MAX_WORKS

    def add(self, work: Work) -> Work:
        """Add it, or replace an older one with the same key (latest wins); returns the entry."""
        self._works[work.key] = work
        self._sorted = None
        return work

    def get(self, key: WorkKey) -> Work | None:
        """Find by key."""
        return self._works.get(key)

    def remove(self, key: WorkKey) -> Work | None:
        """Take out; None if it was not there."""
        work = self._works.pop(key, None)
        if work is not None:
            self._sorted = None
        return work

    def expired(self, now_s: float) -> Iterable[Work]:
        """Return control entries whose time is over."""
        return [w for w in self._works.values() if w.expires_s is not None and now_s >= w.expires_s]
