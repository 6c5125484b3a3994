"""What durable storage costs on this disk without us: the peers of our own figures."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
RECORD = b"x" * 120
"""About what one short message takes."""


@contextmanager
def disk_folder() -> Iterator[Path]:
    """Give a folder on the disk of the checkout, not in a temporary folder that may be memory."""
    with tempfile.TemporaryDirectory(prefix=".work-", dir=HERE) as folder:
        yield Path(folder)


def per_second(step: Callable[[], None], records: int, over_s: float) -> float:
    """Repeat a step that makes so many records durable; return records a second."""
    start_s = time.perf_counter()
    done = 0
    while (spent_s := time.perf_counter() - start_s) < over_s:
        step()
        done += records
    return done / spent_s


def append_log(folder: Path, batch: int, over_s: float) -> float:
    """Append to a file, one fdatasync for each batch."""
    descriptor = os.open(folder / "log", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    try:

        def step() -> None:
            os.write(descriptor, RECORD * batch)
            os.fdatasync(descriptor)

        return per_second(step, batch, over_s)
    finally:
        os.close(descriptor)


def sqlite_rows(folder: Path, batch: int, over_s: float) -> float:
    """Insert into one bare table (WAL, synchronous FULL), one commit for each batch."""
    with closing(sqlite3.connect(folder / f"bare-{batch}.db", isolation_level=None)) as base:
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("PRAGMA synchronous=FULL")
        base.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)")

        def step() -> None:
            base.execute("BEGIN IMMEDIATE")
            base.executemany("INSERT INTO t (body) VALUES (?)", [(RECORD,)] * batch)
            base.execute("COMMIT")

        return per_second(step, batch, over_s)


def sync_latency_ms(folder: Path, count: int) -> list[float]:
    """Return the sorted milliseconds of so many appends with fdatasync: what no durable answer can beat."""
    descriptor = os.open(folder / "sync", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        spent_ms = []
        for _ in range(count):
            start_s = time.perf_counter()
            os.write(descriptor, RECORD)
            os.fdatasync(descriptor)
            spent_ms.append((time.perf_counter() - start_s) * 1000)
        return sorted(spent_ms)
    finally:
        os.close(descriptor)


def share(ordered: list[float], part: float) -> float:
    """Return the value below which `part` (0..1) of an ordered list lies."""
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
