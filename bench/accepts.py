"""The ledger under load: acceptances a second and how long each of 64 writers waits."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench import durable
from bench.figure import Figure
from drivers.io.clock import SystemClock
from gateway.domain import Message, MessageKind, Precedence, Recipient
from gateway.ledger import Ledger, Tx, events, messages

STATION, PEER = 1, 2
WRITERS = 64
OVER_S = 4.0
TEXT = "三号路口积水约四十公分，社会车辆已劝返，请求增派警力两人到场。"
RECORD = b"x" * 400
"""About what one acceptance adds to the ledger's WAL when a commit is shared."""
LEAST_PER_S = 3_000
"""NATS JetStream with a sync for each message reached 3 003 a second; we must not be slower."""
MOST_P99_MS = 50.0
"""A person at a page does not notice it."""
HOW = "python -P -m bench.run accepts"

Accept = Callable[[], Awaitable[object]]


def accept(tx: Tx) -> None:
    """Accept one message as the API does: identity, message, recipient, event."""
    identity = messages.next_id(tx, STATION)
    message = Message(
        id=identity,
        kind=MessageKind.TEXT,
        precedence=Precedence.ROUTINE,
        text=TEXT,
        sender=STATION,
        lifetime_s=3600,
        recipients=(Recipient(station=PEER),),
    )
    messages.insert(tx, message)
    events.append(tx, "message.accepted", {"id": str(identity)})


async def load(one: Accept, writers: int = WRITERS, over_s: float = OVER_S) -> tuple[float, list[float]]:
    """Let `writers` accept one after the other; return acceptances a second and sorted milliseconds."""
    spent_ms: list[float] = []
    start_s = time.perf_counter()

    async def writer() -> None:
        while (begin_s := time.perf_counter()) - start_s < over_s:
            await one()
            spent_ms.append((time.perf_counter() - begin_s) * 1000)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(writers):
            tasks.create_task(writer())
    return len(spent_ms) / (time.perf_counter() - start_s), sorted(spent_ms)


async def ours(folder: Path, writers: int = WRITERS) -> tuple[float, list[float]]:
    """Measure the ledger; with one writer every acceptance is a commit of its own."""
    ledger = await Ledger.open(
        folder / f"{writers}" / "ledger.db",
        clock=SystemClock(),
        random=random.Random(1),  # noqa: S311 - no key is made of it
        station=STATION,
    )
    try:
        return await load(lambda: ledger.write(accept), writers)
    finally:
        await ledger.close()


async def shared_log(folder: Path) -> tuple[float, list[float]]:
    """Measure a bare log with group commit: the least that a durable answer to 64 writers can cost."""
    loop = asyncio.get_running_loop()
    waiting: list[asyncio.Future[None]] = []
    descriptor = os.open(folder / "shared-log", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)

    def store(count: int) -> None:
        os.write(descriptor, RECORD * count)
        os.fdatasync(descriptor)

    async def commit(executor: ThreadPoolExecutor) -> None:
        while True:
            batch = waiting[:]
            waiting.clear()
            if batch:
                await loop.run_in_executor(executor, store, len(batch))
            for future in batch:
                future.set_result(None)
            await asyncio.sleep(0)

    async def one() -> None:
        future = loop.create_future()
        waiting.append(future)
        await future

    with ThreadPoolExecutor(1) as executor:
        committer = loop.create_task(commit(executor))
        try:
            return await load(one)
        finally:
            committer.cancel()
            os.close(descriptor)


def run() -> list[Figure]:
    """Measure ours, the same acceptances committed one by one, and a bare log, on one disk in one run."""
    with durable.disk_folder() as folder:
        for writers in (1, WRITERS):
            (folder / f"{writers}").mkdir()
        per_second, ours_ms = asyncio.run(ours(folder))
        single_per_second, single_ms = asyncio.run(ours(folder, writers=1))
        log_per_second, log_ms = asyncio.run(shared_log(folder))
    names = ("same_ledger_commit_each", "bare_log_shared_fdatasync")
    return [
        Figure(
            name="ledger_accepts",
            value=per_second,
            unit="1/s",
            how=HOW,
            at_least=LEAST_PER_S,
            peers=dict(zip(names, (single_per_second, log_per_second), strict=True)),
        ),
        _wait("ledger_accepts_p50", 0.50, ours_ms, log_ms, single_ms),
        _wait("ledger_accepts_p99", 0.99, ours_ms, log_ms, single_ms, at_most=MOST_P99_MS),
    ]


def _wait(
    name: str,
    part: float,
    ours_ms: list[float],
    log_ms: list[float],
    single_ms: list[float],
    at_most: float | None = None,
) -> Figure:
    peers = {
        "bare_log_shared_fdatasync": durable.share(log_ms, part),
        "one_writer": durable.share(single_ms, part),
    }
    return Figure(
        name=name, value=durable.share(ours_ms, part), unit="ms", how=HOW, at_most=at_most, peers=peers
    )
