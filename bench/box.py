"""Two gateways as people run them: a vehicle with four links, a headquarters at the end of its IP path."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.daemon import Process
from bench.durable import disk_folder
from bench.field import IpPath

LINKS = ("pdt", "tiantong", "beidou", "ip")
POLL_S = 0.05
"""Between two looks at the links; the resolution of what is measured with them."""
UP_LIMIT_S = 60.0
"""Longest wait for all four links: the slowest terminal registers and measures beams in some seconds."""

ROSTER = """version = 1
[[station]]
number = 1
call_sign = "HQ"
name = "指挥部"
gateway = true
headquarters = true
address = {{ cellular = "127.0.0.1:{seen_by_vehicle}" }}
[[station]]
number = 2
call_sign = "VEH-1"
name = "一号车"
gateway = true
address = {{ cellular = "127.0.0.1:{seen_by_headquarters}" }}
"""
CONFIG = """[gateway]
station = {station}
data_dir = "data-{station}"
keys = "keys/station-{station}.toml"
log_level = "warning"
[api]
bind = "127.0.0.1:{api}"
{token}
[[link]]
name = "ip"
driver = "udp"
bind = "127.0.0.1:{own}"
peers = ["127.0.0.1:{other}"]
bearer = "cellular"
"""
DEVICES = """[[link]]
name = "pdt"
driver = "hytera"
device = "{folder}/pdt"
[[link]]
name = "tiantong"
driver = "at_modem"
device = "{folder}/tiantong"
[[link]]
name = "beidou"
driver = "beidou"
device = "{folder}/beidou"
"""


def program() -> str:
    """Return the installed command, as people start it."""
    found = shutil.which("fieldgate", path=str(Path(sys.executable).parent))
    if found is None:
        raise FileNotFoundError("fieldgate is not installed beside this Python")
    return found


def free_port(kind: socket.SocketKind) -> int:
    """Return a loopback port that is free now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Field:
    """The simulated devices in their own process."""

    def __init__(self, stack: ExitStack, folder: Path, ip: IpPath) -> None:
        command = [sys.executable, "-P", "-m", "bench.field", str(folder), json.dumps(asdict(ip))]
        self._child = stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        stack.callback(self._close)
        self._expect("ready")

    def act(self, act: str, link: str) -> None:
        """Do one of `unplug`, `mute`, `mend` to the device of a link; done when it returns."""
        assert self._child.stdin is not None
        self._child.stdin.write(f"{act} {link}\n")
        self._child.stdin.flush()
        self._expect("done")

    def _expect(self, word: str) -> None:
        assert self._child.stdout is not None
        if self._child.stdout.readline() != f"{word}\n":
            raise RuntimeError(f"the simulated devices did not say {word}")

    def _close(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.close()


@dataclass(frozen=True, slots=True)
class Box:
    """A folder with everything both gateways need; `vehicle` and `headquarters` are configuration files."""

    folder: Path
    vehicle: Path
    headquarters: Path
    api: Mapping[int, int]
    """Port of each station's API: 1 is headquarters, 2 the vehicle."""
    token: str
    field: Field

    def start(self, config: Path) -> Process:
        """Start one gateway."""
        return Process([program(), "run", "--config", str(config)])

    def get(self, path: str) -> dict[str, Any]:
        """Ask the vehicle's API."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.api[2], timeout=10)) as connection:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
            told: dict[str, Any] = json.load(connection.getresponse())
            return told

    def states(self) -> dict[str, str]:
        """Return the state of each link of the vehicle."""
        return {link["link"]: link["state"] for link in self.get("/api/v1/links?station=VEH-1")["links"]}

    def wait_links(self, limit_s: float = UP_LIMIT_S) -> float:
        """Return seconds until the vehicle's four links are up; raises TimeoutError with their states."""
        return self.wait_for(lambda states: all(states.get(name) == "up" for name in LINKS), limit_s)

    def wait_for(self, wanted: Callable[[dict[str, str]], bool], limit_s: float) -> float:
        """Return seconds until the states of the links are as wanted; raises TimeoutError with them."""
        start_s = time.monotonic()
        while not wanted(states := self.states()):
            if time.monotonic() - start_s > limit_s:
                raise TimeoutError(f"links after {limit_s:g} s: {states}")
            time.sleep(POLL_S)
        return time.monotonic() - start_s


@contextmanager
def box(ip_delay_s: float = 0.05) -> Iterator[Box]:
    """Lay everything out, start the simulated devices and the IP path, and clean up behind them."""
    with ExitStack() as stack:
        folder = stack.enter_context(disk_folder())
        ports = [free_port(socket.SOCK_DGRAM) for _ in range(4)]
        ip = IpPath(
            vehicle=ports[0],
            headquarters=ports[1],
            seen_by_vehicle=ports[2],
            seen_by_headquarters=ports[3],
            delay_s=ip_delay_s,
        )
        (folder / "roster.toml").write_text(ROSTER.format(**asdict(ip)), "utf-8")
        keys = [
            program(),
            "keys",
            "new",
            "--roster",
            str(folder / "roster.toml"),
            "--out",
            str(folder / "keys"),
        ]
        subprocess.run(keys, check=True, capture_output=True)
        made = subprocess.run(
            [program(), "token", "new", "bench"], check=True, capture_output=True, text=True
        ).stdout
        token, _, table = made.partition("\n")
        api = {station: free_port(socket.SOCK_STREAM) for station in (1, 2)}
        ends = {
            1: CONFIG.format(
                token=table, station=1, api=api[1], own=ip.headquarters, other=ip.seen_by_headquarters
            ),
            2: CONFIG.format(token=table, station=2, api=api[2], own=ip.vehicle, other=ip.seen_by_vehicle)
            + DEVICES.format(folder=folder),
        }
        for station, text in ends.items():
            (folder / f"{station}.toml").write_text(text, "utf-8")
        yield Box(folder, folder / "2.toml", folder / "1.toml", api, token, Field(stack, folder, ip))
