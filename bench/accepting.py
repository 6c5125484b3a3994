"""Accepting messages, at the ledger: how long one waits for the disk, how many a second for 64 clients."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

from bench import durable
from bench.figure import Figure
from drivers.io.clock import SystemClock
from gateway.domain import Message, MessageKind, Precedence, Recipient
from gateway.ledger import Ledger, Tx, events, messages

STATION, PEER = 1, 2
CLIENTS = 64
WARM_UP = 50
SINGLES = 1000
OVER_S = 4.0
PEER_S = 1.0
TEXT = "三号路口积水约四十公分，社会车辆已劝返，请求增派警力两人到场。"
HOW = "python -P -m bench.run accepting"


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


async def measure(folder: Path) -> tuple[list[float], float]:
    """Return sorted milliseconds of single acceptances, and acceptances a second with many clients."""
    ledger = await Ledger.open(
        folder / "ledger.db",
        clock=SystemClock(),
        random=random.Random(1),  # noqa: S311 - no key is made of it
        station=STATION,
    )
    worker = asyncio.get_running_loop().create_task(ledger.run())
    try:
        single_ms = [await _timed_ms(ledger) for _ in range(WARM_UP + SINGLES)][WARM_UP:]
        end_s = time.perf_counter() + OVER_S
        async with asyncio.TaskGroup() as tasks:
            clients = [tasks.create_task(_client(ledger, end_s)) for _ in range(CLIENTS)]
        return sorted(single_ms), sum(client.result() for client in clients) / OVER_S
    finally:
        worker.cancel()
        await ledger.close()


async def _timed_ms(ledger: Ledger) -> float:
    start_s = time.perf_counter()
    await ledger.write(accept)
    return (time.perf_counter() - start_s) * 1000


async def _client(ledger: Ledger, end_s: float) -> int:
    done = 0
    while time.perf_counter() < end_s:
        await ledger.write(accept)
        done += 1
    return done


def run() -> list[Figure]:
    """Measure ours and, on the same disk in the same run, bare SQLite and a bare log."""
    with durable.disk_folder() as folder:
        single_ms, per_second = asyncio.run(measure(folder))
        sync_ms = durable.sync_latency_ms(folder, SINGLES)
        peers = {
            "sqlite_single_commits": durable.sqlite_rows(folder, 1, PEER_S),
            "sqlite_bare_batches_of_64": durable.sqlite_rows(folder, CLIENTS, PEER_S),
            "log_fdatasync_each": durable.append_log(folder, 1, PEER_S),
            "log_fdatasync_batches_of_64": durable.append_log(folder, CLIENTS, PEER_S),
        }
    return [
        _latency("accept", 0.99, single_ms, sync_ms),
        _latency("accept_p50", 0.50, single_ms, sync_ms),
        Figure(name="accepts", value=per_second, unit="1/s", how=HOW, peers=peers),
    ]


def _latency(name: str, part: float, ours_ms: list[float], sync_ms: list[float]) -> Figure:
    return Figure(
        name=name,
        value=durable.share(ours_ms, part),
        unit=f"ms p{part * 100:.0f}",
        how=HOW,
        peers={"one_fdatasync": durable.share(sync_ms, part)},
    )
