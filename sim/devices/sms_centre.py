"""A short message centre: routes by number, keeps for who is off, reports, loses what its channels lose."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from sim.channel import Channel, through
from sim.clock import EPOCH_UNIX_MS
from sim.devices.sms_wire import Body, Submitted, national, write_deliver, write_report

MAX_KEPT = 500
"""Messages kept for one number; more are refused, as a centre refuses a full mailbox."""

RETRY_S = (15.0, 30.0, 60.0, 120.0, 300.0)
"""Waits before a message that was not confirmed is tried again; the last repeats."""

REPORT_DELIVERED, REPORT_EXPIRED, REPORT_UNKNOWN_NUMBER = 0x00, 0x46, 0x43


class Subscriber(Protocol):
    """Who can be reached by number; `channel` leads from the centre to it, and back."""

    number: str
    channel: Channel

    @property
    def reachable(self) -> bool:
        """Whether the network has it registered."""

    def take(self, pdu: bytes) -> bool:
        """Accept a DELIVER or STATUS-REPORT; False when there is no place for it."""


@dataclass(slots=True, eq=False)
class _Kept:
    """One thing on its way to a subscriber."""

    pdu: bytes
    until_s: float
    done: Callable[[int], None] | None = None
    sender: str = ""
    tries: int = 0
    on_air: bool = False
    timer: asyncio.TimerHandle | None = None

    def stop(self) -> None:
        """Try no more."""
        self.on_air = False
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class SmsCentre:
    """Stores and forwards between subscribers; `smsc` is its number. Dates start at `epoch_unix_ms`."""

    def __init__(self, *, smsc: str = "+8613800100500", epoch_unix_ms: int = EPOCH_UNIX_MS) -> None:
        self.smsc = smsc
        self.accepted = 0
        self.delivered = 0
        self.expired = 0
        self.epoch_unix_ms = epoch_unix_ms
        self._start_s: float | None = None
        self.ways: dict[tuple[str, str], Channel] = {}
        """Extra channels by sender's and receiver's number, for one direction between the two."""
        self._subscribers: dict[str, Subscriber] = {}
        self._kept: dict[str, deque[_Kept]] = {}

    def add(self, subscriber: Subscriber) -> None:
        """Make a number reachable."""
        self._subscribers[national(subscriber.number)] = subscriber

    def submit(self, sender: str, reference: int, submitted: Submitted) -> bool:
        """Take a message that arrived from `sender`; False when its mailbox is full (congestion).

        A number nobody has is accepted and then reported as not obtainable, as networks do.
        """
        key = national(submitted.to)
        sent_ms = self._unix_ms()

        def done(status: int) -> None:
            if submitted.report:
                report = write_report(self.smsc, reference, submitted.to, sent_ms, self._unix_ms(), status)
                self._keep(national(sender), _Kept(report, self._now_s() + 86_400.0))

        if key not in self._subscribers:
            self.accepted += 1
            asyncio.get_running_loop().call_soon(done, REPORT_UNKNOWN_NUMBER)
            return True
        pdu = write_deliver(self.smsc, sender, sent_ms, submitted.body)
        if not self._keep(key, _Kept(pdu, self._now_s() + submitted.lifetime_s, done, sender)):
            return False
        self.accepted += 1
        return True

    def inject(self, sender: str, to: str, body: Body) -> None:
        """Deliver something from a number nobody simulates."""
        self._keep(national(to), _Kept(write_deliver(self.smsc, sender, self._unix_ms(), body), float("inf")))

    def attached(self, number: str) -> None:
        """Go on at once with what is kept for `number`: it registered, or has room again."""
        queue = self._kept.get(national(number))
        if queue and not queue[0].on_air:
            queue[0].tries = 0
            self._next(national(number))

    def kept_for(self, number: str) -> int:
        """How many things wait for `number`."""
        return len(self._kept.get(national(number), ()))

    def _keep(self, key: str, kept: _Kept) -> bool:
        queue = self._kept.setdefault(key, deque())
        if len(queue) >= MAX_KEPT:
            return False
        queue.append(kept)
        if len(queue) == 1:
            self._next(key)
        return True

    def _next(self, key: str) -> None:
        """Try the first that is kept; the others wait for it, as on a real signalling channel."""
        queue = self._kept[key]
        while queue and self._now_s() > queue[0].until_s:
            self.expired += 1
            self._finish(queue.popleft(), REPORT_EXPIRED)
        if not queue:
            return
        kept = queue[0]
        kept.stop()
        wait_s = RETRY_S[min(kept.tries, len(RETRY_S) - 1)]
        kept.tries += 1
        kept.timer = asyncio.get_running_loop().call_later(wait_s, self._next, key)
        subscriber = self._subscribers[key]
        if subscriber.reachable:
            kept.on_air = True
            way = self.ways.get((kept.sender, subscriber.number))
            through(() if way is None else (way,), len(kept.pdu), partial(self._down, key, kept))

    def _down(self, key: str, kept: _Kept) -> None:
        channel = self._subscribers[key].channel
        channel.carry(len(kept.pdu), lambda: self._arrive(key, kept), back=True)

    def _arrive(self, key: str, kept: _Kept) -> None:
        subscriber = self._subscribers[key]
        if subscriber.reachable and subscriber.take(kept.pdu):
            subscriber.channel.carry(8, lambda: self._confirmed(key, kept))
        else:
            kept.on_air = False

    def _confirmed(self, key: str, kept: _Kept) -> None:
        queue = self._kept[key]
        if not queue or queue[0] is not kept:
            return
        queue.popleft()
        self.delivered += 1
        self._finish(kept, REPORT_DELIVERED)
        self._next(key)

    def _finish(self, kept: _Kept, status: int) -> None:
        kept.stop()
        if kept.done is not None:
            kept.done(status)

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def _unix_ms(self) -> int:
        if self._start_s is None:
            self._start_s = self._now_s()
        return self.epoch_unix_ms + round((self._now_s() - self._start_s) * 1000)
