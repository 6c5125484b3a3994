"""The two gateways as real processes: `fieldgate run --config`, started, cut off and started again."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

STOP_S: Final = 4.0
"""A gateway ends within 2 s of SIGTERM; after this long it is killed."""

SETPRIV: Final = shutil.which("setpriv")
"""Where it is there (util-linux), a gateway ends with the demo even if that is killed."""


@dataclass(slots=True)
class GatewayProcess:
    """One gateway; a context manager that leaves no process behind."""

    config: Path
    log: Path
    _process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def pid(self) -> int:
        """Its process id; 0 while it does not run."""
        return self._process.pid if self._process is not None else 0

    @property
    def crashed(self) -> bool:
        """Whether it ended though nobody asked it to."""
        return self._process is not None and self._process.returncode is not None

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it in a session of its own: Ctrl-C reaches only the demo, which then stops it in order."""
        guard = (SETPRIV, "--pdeathsig", "TERM", "--") if SETPRIV else ()
        command = (*guard, sys.executable, "-P", "-m", "gateway.cli", "run", "--config", str(self.config))
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                cwd=self.config.parent,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def kill(self) -> int:
        """Cut the power: SIGKILL, no time for anything. Returns the pid that was."""
        pid = self.pid
        if self._process is not None and self.running:
            self._process.kill()
            await self._process.wait()
        self._process = None
        return pid

    async def stop(self) -> None:
        """Ask it to end; end it if it does not."""
        if self._process is None or not self.running:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                await self._process.wait()
        except TimeoutError:
            await self.kill()
