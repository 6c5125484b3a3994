"""Starts real `fieldgate run` processes in a directory of their own, for tests and nothing else."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from gateway.keys import new_master, write_all

TOKEN = "token-of-a-test"  # noqa: S105 - opens nothing but the test's own daemon

ROSTER = """
[[station]]
number = 1
call_sign = "HQ"
name = "市应急指挥中心"
gateway = true
headquarters = true
address = { cellular = "127.0.0.1:HQ_PORT" }

[[station]]
number = 3
call_sign = "VEH-3"
name = "三号指挥车"
gateway = true
address = { cellular = "127.0.0.1:VEHICLE_PORT" }
"""


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """A port of the loopback that was free a moment ago."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def write_box(folder: Path, links: str, *, station: int = 1, ports: tuple[int, int] = (9, 10)) -> Path:
    """Write roster (UDP ports of HQ and vehicle), keys and one configuration; return the latter's path."""
    folder.mkdir(parents=True, exist_ok=True)
    roster = ROSTER.replace("HQ_PORT", str(ports[0])).replace("VEHICLE_PORT", str(ports[1]))
    (folder / "roster.toml").write_text(roster, encoding="utf-8")
    if not (folder / "keys").exists():
        write_all(new_master(os.urandom), [1, 3], folder / "keys")  # noqa: TID251 - the keys of a test
    path = folder / f"gateway-{station}.toml"
    path.write_text(
        f"""
[gateway]
station = {station}
data_dir = "data-{station}"
keys = "keys/station-{station}.toml"
[api]
bind = "127.0.0.1:{free_port()}"
[[token]]
name = "test"
role = "admin"
ceiling = "SOS"
sha256 = "{hashlib.sha256(TOKEN.encode()).hexdigest()}"
{links}
""",
        encoding="utf-8",
    )
    return path


class Daemon:
    """One running gateway."""

    def __init__(self, process: asyncio.subprocess.Process, notices: socket.socket, config: Path) -> None:
        self.process = process
        self.config = config
        self.told: list[str] = []
        self._notices = notices
        text = config.read_text(encoding="utf-8")
        self.url = "http://" + text.split('bind = "', 1)[1].split('"', 1)[0]

    async def until_told(self, fact: str, within_s: float = 10.0) -> None:
        """Wait until the daemon told the service manager this fact."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(within_s):
            while not any(fact in line for line in self.told):
                data = await loop.sock_recv(self._notices, 4096)
                self.told += data.decode().splitlines()

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        """Ask the API; return status and JSON."""
        return await asyncio.to_thread(self._call, method, path, body)

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, Any]:
        request = urllib.request.Request(  # noqa: S310 - the scheme is ours
            self.url + "/api/v1" + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - the same
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    async def ended(self, within_s: float) -> int:
        """Wait for the end of the process; return its exit status."""
        async with asyncio.timeout(within_s):
            return await self.process.wait()


@asynccontextmanager
async def running(config: Path, *options: str, watchdog_usec: int = 0) -> AsyncGenerator[Daemon]:
    """Run the daemon until the context is left; it is killed if it still lives then."""
    notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notices.setblocking(False)  # noqa: FBT003 - the standard library's shape
    address = config.parent / f"notify-{config.stem}-{os.getpid()}"
    address.unlink(missing_ok=True)
    notices.bind(str(address))
    environ = {**os.environ, "NOTIFY_SOCKET": str(address)}
    if watchdog_usec:
        environ["WATCHDOG_USEC"] = str(watchdog_usec)
    with (config.parent / f"{config.stem}.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-c",
            "import sys; from gateway.cli import main; sys.exit(main())",
            "run",
            "--config",
            str(config),
            *options,
            env=environ,
            stdout=log,
            stderr=log,
        )
    try:
        yield Daemon(process, notices, config)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        notices.close()
        address.unlink(missing_ok=True)
