"""What a receiver remembers of one stream: the highest counter, 64 bits and the tags of those frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from protocols.air.elements import ACK_SPAN, AckElement
from protocols.air.frame import TAG_OCTETS
from protocols.air.seal import COUNTER_MAX
from protocols.errors import ProtocolError

WINDOW_DEPTH = 64
"""Counters below the highest that may still arrive: one reservation, and two minutes of a busy slot."""

REACH = 192
"""Counters above the highest that 8 bits name without doubt: 256 less the window."""

DEEP_FORWARD_TRIES = 4096
"""Candidates tried for a stream far ahead: a gap of a million at 8 bits, some 40 ms, and 12 of the 64 bits of
the tag's strength, never more."""

DEEP_BACK_TRIES = 512
"""Candidates tried for a stream far behind: a box restored to 131072 frames ago is told so at once."""

_STORED_VERSION = 1
_FIXED_OCTETS = 1 + 1 + 6 + 8


class Seen(Enum):
    """What a window says about a counter with a tag."""

    NEW = "new"
    REPEAT = "repeat"
    REUSED = "reused"
    BEHIND = "behind"


@dataclass(frozen=True, slots=True)
class Window:
    """Immutable: `accept` gives the next one, to be stored in the same transaction as what the frame carried.

    `mask` bit i = counter `highest`-i was accepted; `tags` holds the tags of the set bits, bit 0 first.
    `fresh`: the peer proved by an echo that it speaks now, and has not been far off since.
    """

    highest: int = 0
    mask: int = 0
    tags: tuple[bytes, ...] = ()
    fresh: bool = False

    def likely(self, counter_low: int, counter_octets: int) -> int:
        """Return the one counter above 0 with these low bits in [highest-63, highest-63 + 256 or 65536)."""
        lowest = self.highest - WINDOW_DEPTH + 1
        step = 1 << 8 * counter_octets
        counter = lowest + (counter_low - lowest) % step
        return counter if counter > 0 else counter + step

    def search(self, counter_low: int, counter_octets: int) -> tuple[range, range]:
        """Return the candidates of a deep search: forward, then backward."""
        first, step = self.likely(counter_low, counter_octets), 1 << 8 * counter_octets
        end = min(COUNTER_MAX + 1, first + step * (DEEP_FORWARD_TRIES + 1))
        back_end = max(0, first - step * (DEEP_BACK_TRIES + 1))
        return range(first + step, end, step), range(first - step, back_end, -step)

    def judge(self, counter: int, tag: bytes) -> Seen:
        """Whether an authentic frame is new, a repeat, on a used counter, or too old to tell."""
        back = self.highest - counter
        if back < 0:
            return Seen.NEW
        if back >= WINDOW_DEPTH:
            return Seen.BEHIND
        if not self.mask >> back & 1:
            return Seen.NEW
        return Seen.REPEAT if self._tag(back) == tag else Seen.REUSED

    def accept(self, counter: int, tag: bytes) -> Window:
        """Return the window after a new frame. A leap beyond the plain reach takes freshness away."""
        ahead = counter - self.highest
        if ahead > 0:
            mask = (self.mask << ahead | 1) & ((1 << WINDOW_DEPTH) - 1) if ahead < WINDOW_DEPTH else 1
            tags = (tag, *self.tags[: mask.bit_count() - 1])
            return Window(counter, mask, tags, self.fresh and ahead <= REACH)
        back = -ahead
        at = (self.mask & ((1 << back) - 1)).bit_count()
        return replace(self, mask=self.mask | 1 << back, tags=(*self.tags[:at], tag, *self.tags[at:]))

    def proven_fresh(self) -> Window:
        """Return the window after the peer answered an echo, or an operator vouched for it."""
        return replace(self, fresh=True)

    def acknowledgement(self, *, above: int = 0) -> AckElement | None:
        """Return what to tell the sender of counters above that one; None when nothing is.

        Build it after the commit.
        """
        span = min(ACK_SPAN, max(0, self.highest - above))
        return AckElement.of(self.highest, self.mask & ((1 << span) - 1)) if self.mask and span else None

    def to_bytes(self) -> bytes:
        """At most 528 octets for the ledger."""
        fixed = self.highest.to_bytes(6, "big") + self.mask.to_bytes(8, "big")
        return bytes([_STORED_VERSION, self.fresh]) + fixed + b"".join(self.tags)

    @classmethod
    def from_bytes(cls, stored: bytes) -> Window:
        """Return what `to_bytes` was called on; raises ProtocolError on anything else."""
        highest, mask = int.from_bytes(stored[2:8], "big"), int.from_bytes(stored[8:16], "big")
        tags = stored[_FIXED_OCTETS:]
        whole = len(stored) >= _FIXED_OCTETS and stored[0] == _STORED_VERSION and stored[1] in (0, 1)
        if not whole or len(tags) != TAG_OCTETS * mask.bit_count() or (mask and not mask & 1):
            raise ProtocolError("stored replay window is damaged", "已存的防重放窗口损坏")
        cut = tuple(tags[at : at + TAG_OCTETS] for at in range(0, len(tags), TAG_OCTETS))
        return cls(highest, mask, cut, bool(stored[1]))

    def _tag(self, back: int) -> bytes:
        return self.tags[(self.mask & ((1 << back) - 1)).bit_count()]
