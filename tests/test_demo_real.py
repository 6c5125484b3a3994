"""The demo as a stranger runs it: real processes, PTYs and sockets, ended in order."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.main_job import main_job

pytestmark = pytest.mark.real

COMMAND = (sys.executable, "-P", "-m", "gateway.cli", "demo")
STOP_S = 15.0


@asynccontextmanager
async def demo(*words: str, folder: Path) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Run it in a session of its own; whatever happens, nothing of it stays."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        "--dir",
        str(folder),
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            async with asyncio.timeout(STOP_S):
                await process.communicate()


def processes_of(folder: Path) -> list[str]:
    """Command lines of processes that were started on this directory."""
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if str(folder) in words and path.parent.name != str(os.getpid()):
            found.append(words)
    return found


def names(folder: Path) -> list[str]:
    """What is in a directory."""
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.timeout(190)
async def test_whole_story(tmp_path: Path) -> None:
    """`fieldgate demo --once --json` plays it in under two minutes, keeps its promises and says so.

    The scenario of the same name writes the same texts between the same people.
    """
    folder = tmp_path / "run"
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    async with demo("--once", "--json", folder=folder) as process:
        out, told = await process.communicate()

    words = told.decode()
    assert process.returncode == 0, words
    assert loop.time() - began_s < 120
    shown = json.loads(out)
    assert (shown["lost"], shown["duplicates"]) == (0, 0)
    assert shown["roll_call"] == {
        "expected": 11,
        "answered": 9,
        "late": 1,
        "inferred": 1,
        "absent": 1,
        "excused": 1,
    }
    carried = {bearer for message in shown["messages"] for bearer in message["bearers"]}
    assert carried == {"cellular", "pdt", "tiantong", "beidou"}
    assert all(message["id"] and message["latency_s"] is not None for message in shown["messages"])
    assert processes_of(folder) == []
    virtual = await asyncio.to_thread(main_job)
    stations = set(virtual.board)
    pairs = {(row["from"], row["to"]) for row in shown["messages"] if row["to"] in stations}
    assert pairs - {("T-305", "HQ")} == set(virtual.texts)  # the emergency is no text of anybody's


async def test_ctrl_c_ends_everything(tmp_path: Path) -> None:
    """Interrupted while the gateways start: no process and no port of it is left."""
    folder = tmp_path / "run"
    async with demo(folder=folder) as process:
        async with asyncio.timeout(20):
            while len(processes_of(folder)) < 3:  # noqa: ASYNC110 - itself and two gateways
                await asyncio.sleep(0.05)
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(STOP_S):
            await process.communicate()

    assert process.returncode == 130
    assert processes_of(folder) == []
    assert names(folder / "ports") == []


async def test_strange_directory_is_left_alone(tmp_path: Path) -> None:
    """A directory that the demo did not make is refused, by name and in both languages, and not touched."""
    (tmp_path / "thesis.txt").write_text("mine")
    async with demo("--once", folder=tmp_path) as process:
        _, told = await process.communicate()

    assert process.returncode == 1
    assert str(tmp_path) in told.decode()
    assert "目录非空" in told.decode()
    assert names(tmp_path) == ["thesis.txt"]
