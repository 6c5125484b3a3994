"""Runs `fieldgate sim run … --pty` as a stranger does, with clients of its gateways, for tests."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

START_S = 20.0
STOP_S = 15.0
FIELDGATE = (sys.executable, "-P", "-m", "gateway.cli")


class Field:
    """A field that is up: what it offered, and the lines it told since."""

    def __init__(self, process: Process, offer: dict[str, Any]) -> None:
        self.process = process
        self.ports = {f"{one['node']}-{one['bearer']}": Path(one["path"]) for one in offer["ports"]}
        self.gateways = {one["node"]: one for one in offer["gateways"]}
        self.told: list[str] = []

    async def until_told(self, *words: str, within_s: float) -> str:
        """Wait for a line that has all these words."""
        assert self.process.stderr is not None
        async with asyncio.timeout(within_s):
            while True:
                line = (await self.process.stderr.readline()).decode()
                assert line, f"it ended: {self.told}"
                self.told.append(line)
                if all(word in line for word in words):
                    return line

    async def interrupted(self) -> int:
        """Press Ctrl-C; return the exit status."""
        self.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(STOP_S):
            await self.process.communicate()
        return self.process.returncode or 0

    async def send(self, node: str, to: str, text: str, *, wait_s: int) -> dict[str, Any]:
        """Send as a person at a gateway does; return what the command says once it is delivered."""
        return await self.ask(node, "send", to, "--text", text, "--wait", str(wait_s))

    async def ask(self, node: str, *words: str) -> dict[str, Any]:
        """Give a command to a gateway; return its JSON."""
        gateway = self.gateways[node]
        environ = os.environ | {"FIELDGATE_URL": gateway["url"], "FIELDGATE_TOKEN": gateway["token"]}
        process = await asyncio.create_subprocess_exec(
            *FIELDGATE, *words, "--json", env=environ, stdout=PIPE, stderr=PIPE
        )
        out, wrong = await process.communicate()
        assert process.returncode == 0, out.decode() + wrong.decode()
        told: dict[str, Any] = json.loads(out.splitlines()[-1])
        return told


@asynccontextmanager
async def field(scenario: str, folder: Path) -> AsyncGenerator[Field]:
    """Run the field of a scenario in a directory until the context is left."""
    process = await asyncio.create_subprocess_exec(
        *FIELDGATE,
        *("sim", "run", scenario, "--pty", "--json", "--dir", str(folder)),
        stdout=PIPE,
        stderr=PIPE,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_S):
            line = await process.stdout.readline()
        if not line:
            _, wrong = await process.communicate()
            raise AssertionError(wrong.decode())
        yield Field(process, json.loads(line))
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
            async with asyncio.timeout(STOP_S):
                await process.communicate()
