"""Which counter a frame gets: 48 bits per stream, reserved ahead so that a power cut repeats none."""

from __future__ import annotations

from dataclasses import dataclass

from protocols.air.seal import COUNTER_MAX
from protocols.errors import LocalProtocolError

RESERVE_AHEAD = 64
"""Counters put on disk at once: a power cut skips at most these, two in a row stay inside a receiver's
plain reach of 192."""


@dataclass(frozen=True, slots=True)
class StreamId:
    """Frames from one source to one destination (0: the net) with one tag length share a counter."""

    source: int
    destination: int
    tag_octets: int = 8


@dataclass(frozen=True, slots=True)
class CounterBlock:
    """Counters `next`..`limit`-1 are ours; `limit` must be on disk before the first of them is on the air.

    After a start, begin with `CounterBlock(stored_limit, stored_limit)`; a new stream with the default.
    """

    next: int = 1
    limit: int = 1

    @property
    def empty(self) -> bool:
        """Whether more must be reserved before the next frame."""
        return self.next >= self.limit

    def take(self) -> tuple[int, CounterBlock]:
        """One counter, and what is left; raises LocalProtocolError if nothing is reserved."""
        if self.empty:
            raise LocalProtocolError("no counter reserved")
        return self.next, CounterBlock(self.next + 1, self.limit)

    def reserved(self, count: int = RESERVE_AHEAD) -> CounterBlock:
        """Return the block with at least `count` counters ahead; store its `limit`, then use it."""
        limit = max(self.limit, min(self.next + count, COUNTER_MAX + 1))
        if limit <= self.next:
            raise LocalProtocolError("this stream's counter is at its end: new keys are needed")
        return CounterBlock(self.next, limit)

    def jumped(self, highest_seen: int) -> CounterBlock:
        """Return an empty block above what a peer has seen (its counter notice); never goes back."""
        ahead = max(self.next, self.limit, min(highest_seen, COUNTER_MAX) + 1)
        return self if highest_seen < self.next else CounterBlock(ahead, ahead)
