"""The crowd of `bench.crowd` as SimPy processes on the same medium, for comparison."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import TypeVar

import simpy

from sim.radio.crowd import Crowd, Sort, Word
from sim.radio.station import Burst, Link, Radio
from sim.radio.timing import ns

T = TypeVar("T")
Life = Generator[simpy.Event, object, None]


class SimpyTimeline:
    """A medium's heap made of SimPy events; time is integer nanoseconds."""

    def __init__(self) -> None:
        self.env = simpy.Environment(initial_time=0)

    @property
    def now_ns(self) -> int:
        """SimPy's clock."""
        return int(self.env.now)

    def post(self, when_ns: int, callback: Callable[[T], object], argument: T) -> None:
        """Set a timeout."""
        event = self.env.timeout(when_ns - int(self.env.now))

        def fire(_: simpy.Event) -> None:
            callback(argument)

        event.callbacks.append(fire)


class SimpyMember:
    """One handheld whose life is a generator."""

    def __init__(self, crowd: Crowd, timeline: SimpyTimeline, radio: Radio) -> None:
        self.to: Radio | None = None
        self.radio = radio
        radio.hear = self.hear
        self._crowd = crowd
        self._timeline = timeline
        self._env = timeline.env
        self._rng = crowd.medium.streams.stream(f"{crowd.medium.name}/{radio.name}/crowd")
        self._number = 0
        self._waiting = 0

    def life(self) -> Life:
        """Report every period; the report is a process of its own."""
        crowd = self._crowd
        yield self._env.timeout(ns(crowd.habit.period_s * self._rng.random()))
        while True:
            period_ns = crowd.period_ns(self._rng)
            self._number += 1
            self._waiting = self._number
            crowd.tally.offered += 1
            self._env.process(self._report(self._number))
            yield self._env.timeout(period_ns)

    def hear(self, burst: Burst, link: Link) -> None:
        """Answer, or note the answer."""
        del link
        word = burst.frame
        assert isinstance(word, Word)
        if word.sort is not Sort.ACK:
            self._env.process(self._answer(burst.tx, word.number))
        elif word.number == self._waiting:
            self._waiting = 0
            self._crowd.tally.delivered += 1

    def _answer(self, to: Radio, number: int) -> Life:
        yield self._env.timeout(self._crowd.gap_ns)
        self._transmit(Word(Sort.ACK, number), to)

    def _report(self, number: int) -> Life:
        crowd, timeout = self._crowd, self._env.timeout
        assert self.to is not None
        for tries in range(1, crowd.habit.tries + 1):
            while number == self._waiting:
                now_ns = self._timeline.now_ns
                wait_ns = crowd.access.wait_ns(crowd.medium, self.radio, self._rng, now_ns)
                if not wait_ns and self._transmit(Word(Sort.REPORT, number), self.to):
                    crowd.tally.tries += 1
                    break
                yield timeout(wait_ns or crowd.gap_ns)
            yield timeout(crowd.airtime_ns + crowd.wait_ns)
            if number != self._waiting:
                return
            yield timeout(crowd.backoff_ns(tries, self._rng))

    def _transmit(self, word: Word, to: Radio) -> bool:
        crowd = self._crowd
        return crowd.medium.transmit(
            self.radio, word, octets=crowd.habit.octets, airtime_ns=crowd.airtime_ns, to=to
        )


def simpy_rate(lay_out: Callable[[SimpyTimeline], tuple[Crowd, list[SimpyMember]]], hours: float) -> float:
    """Return node-hours per CPU second, the building of the world not counted."""
    timeline = SimpyTimeline()
    _, members = lay_out(timeline)
    for member in members:
        timeline.env.process(member.life())
    start_s = time.process_time()
    timeline.env.run(until=ns(hours * 3600.0))
    return len(members) * hours / (time.process_time() - start_s)
