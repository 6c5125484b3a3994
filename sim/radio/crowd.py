"""Crowds of handhelds and other background traffic: callbacks, no coroutines, a few microseconds a burst.

Each handheld registers, then sends a short report every period, waits for its acknowledgement, repeats after
a random wait, and gives up. Whoever is sent something acknowledges it at once, without listening first.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from sim.radio.csma import Access, Csma
from sim.radio.medium import Medium
from sim.radio.reception import Antenna
from sim.radio.station import Burst, Link, Radio
from sim.radio.tdma import BURST_NS
from sim.radio.timing import NS, ns


class Sort(Enum):
    """What crowds say."""

    REGISTER = "register"
    REPORT = "report"
    ACK = "ack"


class Word(NamedTuple):
    """One burst of a crowd; an ACK has the number of what it answers."""

    sort: Sort
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """How a crowd behaves. `period_s` 0: it only answers. Each wait is drawn: `jitter` is a share 0..1."""

    period_s: float = 30.0
    jitter: float = 0.1
    octets: int = 10
    airtime_s: float = BURST_NS / NS
    ack_gap_s: float = 0.005
    """From the end of a burst to its acknowledgement: more than the turnaround."""
    ack_wait_s: float = 0.060
    """From the end of a burst until it counts as unanswered: gap, acknowledgement and a little more."""
    tries: int = 4
    backoff_s: float = 1.0
    """Longest wait before the second try; doubled with each further one."""


@dataclass(slots=True)
class Tally:
    """What became of a crowd's words. `given_up` had all their tries; `overrun` met their successor."""

    offered: int = 0
    delivered: int = 0
    given_up: int = 0
    overrun: int = 0
    tries: int = 0
    acks: int = 0
    heard: int = 0
    repeats_heard: int = 0


class Crowd:
    """Handhelds of one habit on one medium. Waits are whole nanoseconds, drawn from each one's stream."""

    def __init__(self, medium: Medium, habit: Habit, *, access: Access | None = None) -> None:
        self.medium = medium
        self.habit = habit
        self.access: Access = access or Csma()
        self.tally = Tally()
        self.airtime_ns = ns(habit.airtime_s)
        self.gap_ns = ns(habit.ack_gap_s)
        self.wait_ns = ns(habit.ack_wait_s)

    def add(self, antenna: Antenna, to: Radio | None = None) -> Member:
        """Add one handheld; it sends to `to`, which may be given later. It starts within one period."""
        return Member(self, antenna, to)

    def period_ns(self, rng: random.Random) -> int:
        """Draw the time from one report to the next."""
        habit = self.habit
        return ns(habit.period_s * (1.0 + habit.jitter * (rng.random() - 0.5)))

    def backoff_ns(self, tries: int, rng: random.Random) -> int:
        """Draw the wait before another try."""
        return ns(self.habit.backoff_s * (1 << (tries - 1)) * rng.random())


class Member:
    """One handheld of a crowd, or a station that only answers one."""

    __slots__ = ("_number", "_rng", "_tries", "_waiting", "crowd", "last_heard", "radio", "registered", "to")

    def __init__(self, crowd: Crowd, antenna: Antenna, to: Radio | None) -> None:
        self.crowd = crowd
        self.to = to
        self.radio = Radio(antenna, self.hear)
        self.registered = False
        self.last_heard: dict[int, int] = {}
        self._number = 0
        self._tries = 0
        self._waiting = 0
        medium = crowd.medium
        medium.join(self.radio)
        self._rng = medium.streams.stream(f"{medium.name}/{antenna.name}/crowd")
        if crowd.habit.period_s:
            first_ns = ns(crowd.habit.period_s * self._rng.random())
            medium.timeline.post(medium.timeline.now_ns + first_ns, self._due, None)

    @property
    def switched_on(self) -> bool:
        """Whether it has power."""
        return self.radio.on

    def switch(self, *, on: bool) -> None:
        """Switch on or off; a set that comes back registers again."""
        self.radio.switch(on=on, now_ns=self.crowd.medium.timeline.now_ns)
        self.registered = self.registered and on
        self._waiting = 0

    def hear(self, burst: Burst, link: Link) -> None:
        """Acknowledge what was sent here; take an acknowledgement for what waits for one."""
        del link
        word = burst.frame
        if not isinstance(word, Word):
            return
        crowd = self.crowd
        if word.sort is Sort.ACK:
            if word.number == self._waiting:
                self._waiting = 0
                self.registered = True
                crowd.tally.delivered += 1
            return
        sender = burst.tx
        if self.last_heard.get(sender.number) == word.number:
            crowd.tally.repeats_heard += 1
        else:
            self.last_heard[sender.number] = word.number
            crowd.tally.heard += 1
        timeline = crowd.medium.timeline
        timeline.post(timeline.now_ns + crowd.gap_ns, self._answer, (sender, word.number))

    def _answer(self, what: tuple[Radio, int]) -> None:
        to, number = what
        crowd = self.crowd
        word = Word(Sort.ACK, number)
        crowd.tally.acks += crowd.medium.transmit(
            self.radio, word, octets=crowd.habit.octets, airtime_ns=crowd.airtime_ns, to=to
        )

    def _due(self, _: None) -> None:
        crowd = self.crowd
        timeline = crowd.medium.timeline
        timeline.post(timeline.now_ns + crowd.period_ns(self._rng), self._due, None)
        if self.to is None or not self.radio.on:
            return
        crowd.tally.overrun += self._waiting != 0
        crowd.tally.offered += 1
        self._number += 1
        self._waiting = self._number
        self._tries = 0
        self._ask(self._number)

    def _ask(self, number: int) -> None:
        if number != self._waiting:
            return
        crowd = self.crowd
        medium = crowd.medium
        timeline = medium.timeline
        now_ns = timeline.now_ns
        wait_ns = crowd.access.wait_ns(medium, self.radio, self._rng, now_ns)
        if wait_ns:
            timeline.post(now_ns + wait_ns, self._ask, number)
            return
        word = Word(Sort.REPORT if self.registered else Sort.REGISTER, number)
        if not medium.transmit(
            self.radio, word, octets=crowd.habit.octets, airtime_ns=crowd.airtime_ns, to=self.to
        ):
            timeline.post(now_ns + crowd.gap_ns, self._ask, number)
            return
        self._tries += 1
        crowd.tally.tries += 1
        timeline.post(self.radio.until_ns + crowd.wait_ns, self._unanswered, number)

    def _unanswered(self, number: int) -> None:
        if number != self._waiting:
            return
        crowd = self.crowd
        if self._tries >= crowd.habit.tries:
            crowd.tally.given_up += 1
            self._waiting = 0
            return
        timeline = crowd.medium.timeline
        timeline.post(timeline.now_ns + crowd.backoff_ns(self._tries, self._rng), self._ask, number)
