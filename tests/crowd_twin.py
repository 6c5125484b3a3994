"""The crowd of sim.radio.crowd once more, as coroutines: slower, and the same to the last collision."""

from __future__ import annotations

import asyncio

from sim.radio.crowd import Crowd, Sort, Word
from sim.radio.reception import Antenna
from sim.radio.station import Burst, Link, Radio
from sim.radio.timing import NS, ns


class Twin:
    """One handheld; `run` is its life."""

    def __init__(self, crowd: Crowd, antenna: Antenna) -> None:
        self.crowd = crowd
        self.to: Radio | None = None
        self.radio = Radio(antenna, self._hear)
        self._registered = False
        self._last_heard: dict[int, int] = {}
        self._arrived: asyncio.Queue[tuple[Radio, int]] = asyncio.Queue()
        self._acked = asyncio.Event()
        self._number = 0
        crowd.medium.join(self.radio)
        self._rng = crowd.medium.streams.stream(f"{crowd.medium.name}/{antenna.name}/crowd")

    async def run(self, tasks: asyncio.TaskGroup) -> None:
        """Answer whoever sends something, and report every period."""
        tasks.create_task(self._answer())
        crowd = self.crowd
        at_ns = ns(crowd.habit.period_s * self._rng.random())
        while True:
            await self._until(at_ns)
            at_ns += crowd.period_ns(self._rng)
            if self.to is not None:
                crowd.tally.offered += 1
                self._number += 1
                try:
                    async with asyncio.timeout_at(at_ns / NS):
                        await self._report(self.to)
                except TimeoutError:
                    crowd.tally.overrun += not self._acked.is_set()

    async def _report(self, to: Radio) -> None:
        crowd, medium = self.crowd, self.crowd.medium
        self._acked.clear()
        for tries in range(1, crowd.habit.tries + 1):
            while not self._acked.is_set():
                now_ns = medium.timeline.now_ns
                wait_ns = crowd.access.wait_ns(medium, self.radio, self._rng, now_ns)
                if not wait_ns and self._transmit(Sort.REPORT if self._registered else Sort.REGISTER, to):
                    break
                await self._until(now_ns + (wait_ns or crowd.gap_ns))
            if self._acked.is_set():
                return
            crowd.tally.tries += 1
            await self._until(self.radio.until_ns + crowd.wait_ns)
            if self._acked.is_set():
                return
            if tries < crowd.habit.tries:
                await self._until(medium.timeline.now_ns + crowd.backoff_ns(tries, self._rng))
        if not self._acked.is_set():
            crowd.tally.given_up += 1
            self._acked.set()

    def _transmit(self, sort: Sort, to: Radio) -> bool:
        crowd = self.crowd
        return crowd.medium.transmit(
            self.radio,
            Word(sort, self._number),
            octets=crowd.habit.octets,
            airtime_ns=crowd.airtime_ns,
            to=to,
        )

    def _hear(self, burst: Burst, link: Link) -> None:
        del link
        word = burst.frame
        assert isinstance(word, Word)
        tally = self.crowd.tally
        if word.sort is Sort.ACK:
            if word.number == self._number and not self._acked.is_set():
                tally.delivered += 1
                self._registered = True
                self._acked.set()
            return
        if self._last_heard.get(burst.tx.number) == word.number:
            tally.repeats_heard += 1
        else:
            self._last_heard[burst.tx.number] = word.number
            tally.heard += 1
        self._arrived.put_nowait((burst.tx, word.number))

    async def _answer(self) -> None:
        crowd, medium = self.crowd, self.crowd.medium
        while True:
            to, number = await self._arrived.get()
            await self._until(medium.timeline.now_ns + crowd.gap_ns)
            crowd.tally.acks += medium.transmit(
                self.radio,
                Word(Sort.ACK, number),
                octets=crowd.habit.octets,
                airtime_ns=crowd.airtime_ns,
                to=to,
            )

    async def _until(self, when_ns: int) -> None:
        await asyncio.sleep((when_ns - self.crowd.medium.timeline.now_ns) / NS)
