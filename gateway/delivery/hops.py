"""Frames under way to neighbours: what waits for an acknowledgement, what is to be sent again. Pure.

A retransmission is the same frame, octet for octet, on whatever link reaches the same neighbour.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from gateway.delivery.work import WorkKey
from gateway.domain import Precedence
from protocols.air import AckElement

SAME_FRAME_TRIES = 3
"""Times a frame is sent before its contents are packed anew, with what has become more urgent since."""

WINDOW_FRAMES = 16
"""Frames under way to one neighbour: half of what one acknowledgement can speak of (32)."""

REMEMBERED_FRAMES = 256
"""Frames given up per neighbour whose late acknowledgement still counts."""


@dataclass(slots=True, eq=False)
class Frame:
    """One sealed frame to `peer`; `works` are the keys of what it carries."""

    serial: int
    peer: int
    counter: int
    octets: bytes
    works: tuple[WorkKey, ...]
    precedence: Precedence
    under_way: dict[str, tuple[float, float]] = field(default_factory=dict)
    """By link: when it was sent, until when its acknowledgement is waited for. Empty: to be sent again."""
    tries: int = 0
    handing_over: bool = False
    """A link is taking it this moment; nobody else may, until it is known whether it did."""
    failed_early: bool = False
    """The device said that it did not get across before the link had done with taking it."""


class HopFrames:
    """All frames under way to all neighbours."""

    def __init__(self) -> None:
        self._frames: dict[int, Frame] = {}
        self._given_up: dict[int, dict[int, tuple[WorkKey, ...]]] = {}
        self._next_serial = 1

    def new(
        self,
        peer: int,
        counter: int,
        octets: bytes,
        works: tuple[WorkKey, ...],
        precedence: Precedence,
    ) -> Frame:
        """Register a frame that elicits an acknowledgement."""
        frame = Frame(self._next_serial, peer, counter, octets, works, precedence)
        self._frames[frame.serial] = frame
        self._next_serial += 1
        return frame

    def __iter__(self) -> Iterator[Frame]:
        return iter(list(self._frames.values()))

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self._frames)

    def window_open(self, peer: int) -> bool:
        """Whether another frame may go to this neighbour before an acknowledgement."""
        return sum(frame.peer == peer for frame in self._frames.values()) < WINDOW_FRAMES

    def sent(self, frame: Frame, link: str, now_s: float, timeout_s: float) -> None:
        """Note that it went out over a link."""
        frame.tries += 1
        frame.under_way[link] = (now_s, now_s + timeout_s)

    def acknowledged(self, peer: int, ack: AckElement, next_counter: int) -> dict[int, tuple[WorkKey, ...]]:
        """Return what the frames hold that this acknowledgement speaks of, late ones included, by counter."""
        counters = set(ack.counters(next_counter))
        late = self._given_up.get(peer, {})
        settled = {counter: late[counter] for counter in counters & late.keys()}
        for frame in self._frames.values():
            if frame.peer == peer and frame.counter in counters:
                settled[frame.counter] = frame.works
        return settled

    def forget(self, peer: int, counters: Collection[int]) -> None:
        """Let go of acknowledged frames; only when what follows from it is on disk."""
        for frame in list(self._frames.values()):
            if frame.peer == peer and frame.counter in counters:
                del self._frames[frame.serial]
        late = self._given_up.get(peer, {})
        for counter in counters:
            late.pop(counter, None)

    def overdue(self, now_s: float) -> list[tuple[Frame, str, float]]:
        """Return (frame, link, sent at) where no acknowledgement came; none is under way there now."""
        late = [
            (frame, link, sent_s)
            for frame in self._frames.values()
            for link, (sent_s, deadline_s) in frame.under_way.items()
            if now_s >= deadline_s
        ]
        for frame, link, _ in late:
            del frame.under_way[link]
        return late

    def link_lost(self, link: str) -> None:
        """Stop waiting for what was under way on a lost link; what is nowhere else is due at once."""
        for frame in self._frames.values():
            frame.under_way.pop(link, None)

    def give_up(self, frame: Frame) -> None:
        """Stop sending this frame; its contents are packed anew. A late acknowledgement still counts."""
        self._frames.pop(frame.serial, None)
        late = self._given_up.setdefault(frame.peer, {})
        late[frame.counter] = frame.works
        while len(late) > REMEMBERED_FRAMES:
            del late[next(iter(late))]

    def disown(self, peer: int, highest: int) -> list[Frame]:
        """Forget what was sent to a neighbour under counters up to `highest`, which it has other frames of.

        An acknowledgement of those counters may speak of the other frames. Returns what was under way.
        """
        gone = [f for f in self._frames.values() if f.peer == peer and f.counter <= highest]
        for frame in gone:
            del self._frames[frame.serial]
        late = self._given_up.get(peer, {})
        for counter in [counter for counter in late if counter <= highest]:
            del late[counter]
        return gone

    def drop(self, frame: Frame) -> None:
        """Forget a frame that carries nothing wanted any more."""
        self._frames.pop(frame.serial, None)

    def next_deadline_s(self) -> float | None:
        """Return when the next acknowledgement is due."""
        times = [until_s for frame in self._frames.values() for _, until_s in frame.under_way.values()]
        return min(times) if times else None
