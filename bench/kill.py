"""Power cuts: 50 SIGKILLs at random times while messages flow; what was accepted arrives, once.

Losses and doubles are counted by comparing what the client was told is accepted with what the API of
headquarters shows, never from the sender's own ledger.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field

import aiohttp

from bench.box import Box, box
from bench.daemon import Process
from bench.figure import Figure

KILLS = 50
SEED = 20_251_123
BETWEEN_S = (0.2, 1.5)
RATE_PER_S = 20.0
"""Messages a second while a gateway takes them; the promise is made for 10 and more."""
DELAY_S = 0.3
"""One way, as over a geostationary satellite: most cuts then find something under way."""
DRAIN_LIMIT_S = 120.0
PAGE = 500
HEADQUARTERS, VEHICLE = 1, 2
HOW = "python -P -m bench.run kill"


@dataclass
class Tally:
    """What was accepted, and what the cuts found."""

    accepted: set[str] = field(default_factory=set)
    taking_s: float = 0.0
    all_s: float = 0.0
    found_undelivered: int = 0
    cuts: int = 0


class Play:
    """Two gateways, a client that never gives up, and somebody at the power switch."""

    def __init__(self, laid: Box, session: aiohttp.ClientSession) -> None:
        self._laid = laid
        self._session = session
        self._rng = random.Random(SEED)  # noqa: S311 - the times of the cuts, repeatable
        self._configs = {HEADQUARTERS: laid.headquarters, VEHICLE: laid.vehicle}
        self._running: dict[int, Process] = {}
        self._old: set[str] = set()
        self.tally = Tally()

    async def run(self) -> Counter[str]:
        """Play everything; return how often headquarters shows each text."""
        for station in self._configs:
            await self._start(station)
        start_s = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            client = tasks.create_task(self._send())
            for _ in range(KILLS):
                await asyncio.sleep(self._rng.uniform(*BETWEEN_S))
                await self._cut(self._rng.choice((HEADQUARTERS, VEHICLE)))
            client.cancel()
        self.tally.all_s = time.monotonic() - start_s
        return await self._drain()

    def end(self) -> None:
        """End what still runs."""
        for process in self._running.values():
            with process:
                process.kill()

    async def _start(self, station: int) -> None:
        self._running[station] = self._laid.start(self._configs[station])
        await asyncio.to_thread(self._running[station].wait_ready)

    async def _cut(self, station: int) -> None:
        with self._running[station] as process:
            process.kill()
        accepted = set(self.tally.accepted)
        if station == HEADQUARTERS:
            await self._start(station)
        shown = await self._shown(limit=PAGE)
        self.tally.cuts += 1
        self.tally.found_undelivered += bool(accepted - shown.keys() - self._old)
        self._old |= shown.keys()
        if station == VEHICLE:
            await self._start(station)

    async def _send(self) -> None:
        number = 0
        while True:
            number += 1
            start_s = time.monotonic()
            spent_s = await self._submit(f"第 {number} 号报文")
            self.tally.taking_s += max(spent_s, 1 / RATE_PER_S)
            await asyncio.sleep(max(0.0, 1 / RATE_PER_S - (time.monotonic() - start_s)))

    async def _submit(self, text: str) -> float:
        """Repeat until an answer comes; return the seconds the answered try took."""
        headers = {"Idempotency-Key": text.encode().hex()}
        body = {"to": ["HQ"], "text": text}
        while True:
            start_s = time.monotonic()
            try:
                async with self._session.post(self._url(VEHICLE), json=body, headers=headers) as answer:
                    await answer.read()
                    if answer.ok:
                        self.tally.accepted.add(text)
                        return time.monotonic() - start_s
                    if answer.status < 500:
                        raise RuntimeError(f"{answer.status}: {await answer.text()}")
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)

    async def _drain(self) -> Counter[str]:
        deadline_s = time.monotonic() + DRAIN_LIMIT_S
        while True:
            shown = await self._shown()
            if self.tally.accepted <= shown.keys() or time.monotonic() > deadline_s:
                return shown
            await asyncio.sleep(1)

    async def _shown(self, limit: int | None = None) -> Counter[str]:
        """Count the texts headquarters shows; the newest `limit`, or all."""
        found: Counter[str] = Counter()
        query = {"limit": str(PAGE)}
        while True:
            async with self._session.get(self._url(HEADQUARTERS), params=query) as answer:
                rows = (await answer.json())["messages"]
            found.update(row["text"] for row in rows if row["origin"] == VEHICLE)
            if len(rows) < PAGE or limit is not None:
                return found
            query["before"] = rows[-1]["id"]

    def _url(self, station: int) -> str:
        return f"http://127.0.0.1:{self._laid.api[station]}/api/v1/messages"


def judge(accepted: set[str], shown: Counter[str]) -> tuple[int, int]:
    """Return how many accepted texts are not shown, and how many times one is shown once too often."""
    return len(accepted - shown.keys()), sum(count - 1 for count in shown.values())


async def play(laid: Box) -> tuple[Tally, Counter[str]]:
    """Return the client's tally and what headquarters shows at the end."""
    headers = {"Authorization": f"Bearer {laid.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        scene = Play(laid, session)
        try:
            return scene.tally, await scene.run()
        finally:
            scene.end()


def run() -> list[Figure]:
    """Cut the power of either gateway in turn by chance."""
    with box(ip_delay_s=DELAY_S) as laid:
        tally, shown = asyncio.run(play(laid))
    lost, doubled = judge(tally.accepted, shown)
    messages = len(tally.accepted)
    return [
        Figure(name="kill", value=lost + doubled, unit="lost+doubled", at_most=0, how=HOW),
        Figure(name="kill_lost", value=lost, unit="messages", at_most=0, how=HOW),
        Figure(name="kill_doubled", value=doubled, unit="messages", at_most=0, how=HOW),
        Figure(name="kill_cuts", value=tally.cuts, unit="SIGKILLs", at_least=KILLS, how=HOW),
        Figure(
            name="kill_found_undelivered",
            value=tally.found_undelivered / tally.cuts,
            unit="share",
            at_least=0.5,
            how=HOW,
        ),
        Figure(
            name="kill_rate",
            value=messages / tally.taking_s,
            unit="1/s",
            at_least=10.0,
            how=HOW,
            peers={"with_the_restarts": messages / tally.all_s},
        ),
    ]
