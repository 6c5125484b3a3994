"""Accepting messages as programs do, over HTTP: what one client waits, and what 64 get through."""

from __future__ import annotations

import asyncio
import time
from itertools import count
from pathlib import Path

import aiohttp

from bench import durable
from bench.box import Box, box
from bench.figure import Figure

CLIENTS = 64
WARM_UP, SINGLES = 20, 300
OVER_S, PEER_S = 5.0, 1.0
TEXT = "三号路口积水约四十公分，社会车辆已劝返，请求增派警力两人到场。"
HOW = "python -P -m bench.run accepting"


async def measure(laid: Box) -> tuple[list[float], float]:
    """Return sorted milliseconds of single acceptances, and acceptances a second with many clients."""
    keys = count()
    root = f"http://127.0.0.1:{laid.api[2]}"
    headers = {"Authorization": f"Bearer {laid.token}"}
    connector = aiohttp.TCPConnector(limit=CLIENTS)
    async with aiohttp.ClientSession(root, headers=headers, connector=connector) as session:

        async def accept() -> float:
            start_s = time.perf_counter()
            body = {"to": ["HQ"], "text": TEXT}
            key = {"Idempotency-Key": f"bench-{next(keys)}"}
            async with session.post("/api/v1/messages", json=body, headers=key) as answer:
                await answer.read()
                if not answer.ok:
                    raise RuntimeError(f"{answer.status}: {await answer.text()}")
            return (time.perf_counter() - start_s) * 1000

        async def client(end_s: float) -> int:
            done = 0
            while time.perf_counter() < end_s:
                await accept()
                done += 1
            return done

        singles = [await accept() for _ in range(WARM_UP + SINGLES)][WARM_UP:]
        start_s = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            clients = [tasks.create_task(client(start_s + OVER_S)) for _ in range(CLIENTS)]
        spent_s = time.perf_counter() - start_s
    return sorted(singles), sum(one.result() for one in clients) / spent_s


def peers(folder: Path) -> tuple[list[float], dict[str, float]]:
    """Measure bare storage on the same disk: milliseconds of one fdatasync, and records a second."""
    return durable.sync_latency_ms(folder, SINGLES), {
        "sqlite_single_commits": durable.sqlite_rows(folder, 1, PEER_S),
        "sqlite_bare_batches_of_64": durable.sqlite_rows(folder, CLIENTS, PEER_S),
        "log_fdatasync_each": durable.append_log(folder, 1, PEER_S),
        "log_fdatasync_batches_of_64": durable.append_log(folder, CLIENTS, PEER_S),
    }


def run() -> list[Figure]:
    """Measure a vehicle gateway that delivers to headquarters meanwhile, and bare storage beside it."""
    with box() as laid:
        with laid.start(laid.headquarters) as headquarters, laid.start(laid.vehicle) as vehicle:
            headquarters.wait_ready()
            vehicle.wait_ready()
            laid.wait_links()
            singles, per_second = asyncio.run(measure(laid))
        sync_ms, stored = peers(laid.folder)
    return [
        _latency("accept", 0.99, singles, sync_ms),
        _latency("accept_p50", 0.50, singles, sync_ms),
        Figure(name="accepts", value=per_second, unit="1/s", how=HOW, peers=stored),
    ]


def _latency(name: str, part: float, ours_ms: list[float], sync_ms: list[float]) -> Figure:
    return Figure(
        name=name,
        value=durable.share(ours_ms, part),
        unit=f"ms p{part * 100:.0f}",
        how=HOW,
        peers={"one_fdatasync": durable.share(sync_ms, part)},
    )
