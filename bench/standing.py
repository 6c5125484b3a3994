"""A vehicle gateway with four links that has nothing to do: start, memory, processor."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from bench.box import box
from bench.daemon import Process
from bench.figure import Figure

STARTS = 5
SETTLE_S, IDLE_S = 5.0, 20.0
MIB = 1024 * 1024
HOW = "python -P -m bench.run standing"
FLOOR = """
import os, socket, time
import asyncio, sqlite3, ssl, aiohttp.web, msgspec, structlog, serial
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
    sender.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
time.sleep(60)
"""
"""The libraries such a daemon loads and nothing else: what it costs before our first line."""


def floor() -> tuple[float, float]:
    """Return seconds to start and MiB held by a process that only imports the libraries."""
    with Process([sys.executable, "-I", "-c", FLOOR]) as bare:
        return bare.wait_ready(), bare.resident_octets() / MIB


def run() -> list[Figure]:
    """Measure the vehicle gateway while headquarters answers at the end of its IP path."""
    floor_s, floor_mib = floor()
    with box() as laid, laid.start(laid.headquarters) as headquarters:
        headquarters.wait_ready()
        starts_s = [_start_s(laid.vehicle, laid.start(laid.vehicle)) for _ in range(STARTS)]
        with laid.start(laid.vehicle) as vehicle:
            vehicle.wait_ready()
            links_s = laid.wait_links()
            vehicle.cpu_share(SETTLE_S)
            idle = vehicle.cpu_share(IDLE_S)
            memory_mib = vehicle.resident_octets() / MIB
            stop_s = vehicle.stop()
    return [
        Figure(
            name="startup",
            value=statistics.median(starts_s),
            unit="s",
            at_most=2.0,
            how=HOW,
            peers={"slowest": max(starts_s), "libraries_only": floor_s},
        ),
        Figure(name="startup_links_up", value=links_s, unit="s", how=HOW),
        Figure(
            name="memory",
            value=memory_mib,
            unit="MiB",
            at_most=60.0,
            how=HOW,
            peers={"libraries_only": floor_mib},
        ),
        Figure(name="idle", value=100 * idle, unit="% CPU", at_most=1.0, how=HOW),
        Figure(name="stop", value=stop_s, unit="s", at_most=2.0, how=HOW),
    ]


def _start_s(config: Path, process: Process) -> float:
    with process:
        spent_s = process.wait_ready()
        process.stop()
        if process.exit_status != 0:
            raise RuntimeError(f"{config.name}: exit status {process.exit_status}\n{process.output}")
        return spent_s
