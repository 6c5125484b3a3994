"""The run directory: configuration, roster, keys and tokens as a user would write them; new each time."""

from __future__ import annotations

import base64
import fcntl
import os
import random
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.api.settings import hash_token
from gateway.keys import new_master, write_all, write_private
from protocols.errors import FieldgateError
from sim.demo.cast import CAST, HQ, HQ_BEIDOU, HQ_TIANTONG, VEHICLE, VEHICLE_BEIDOU, VEHICLE_TIANTONG, Role

MARKER: Final = ".fieldgate-demo"
"""Stands in a directory that the demo made and may empty."""

TOKEN_OCTETS: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where everybody listens on loopback. The relay stands between the two UDP sockets."""

    hq_api: int
    vehicle_api: int
    hq_udp: int
    vehicle_udp: int
    relay_to_vehicle: int
    """What headquarters sends to."""
    relay_to_hq: int
    """What the vehicle sends to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """Paths and tokens of one run."""

    path: Path
    tokens: dict[str, str]

    @property
    def ports(self) -> Path:
        """Directory of the PTYs' symlinks."""
        return self.path / "ports"

    def config(self, sign: str) -> Path:
        """A gateway's configuration file."""
        return self.path / f"{STEM[sign]}.toml"

    def log(self, sign: str) -> Path:
        """A gateway's log."""
        return self.path / f"{STEM[sign]}.log"


STEM: Final = {HQ: "hq", VEHICLE: "veh3"}
NUMBER: Final = {HQ: 1, VEHICLE: 3}


class FolderError(FieldgateError):
    """The directory cannot be used."""


@dataclass(frozen=True, slots=True)
class Maker:
    """Who makes directories: the file by which it knows its own, and its name."""

    marker: str
    en: str
    zh: str


DEMO: Final = Maker(MARKER, "the demo", "演示")


@contextmanager
def claimed(path: Path, maker: Maker = DEMO) -> Generator[None]:
    """Own and empty the directory until the context is left; raises FolderError if it is not the maker's."""
    try:
        if path.is_dir() and any(path.iterdir()) and not (path / maker.marker).exists():
            raise FolderError(
                f"{path}: not empty and not made by {maker.en}; name another with --dir",
                f"{path}：目录非空且不是{maker.zh}所建，请用 --dir 另选",
            )
        path.mkdir(parents=True, exist_ok=True)
        lock = os.open(path / maker.marker, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise FolderError(
            f"{path}: cannot be used: {error.strerror}", f"{path}：无法使用：{error.strerror}"
        ) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise FolderError(
                f"{path}: {maker.en} runs there already; name another directory with --dir",
                f"{path}：已有{maker.zh}在此目录运行，请用 --dir 另选",
            ) from error
        for old in path.iterdir():
            if old.name != maker.marker:
                shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
        (path / "ports").mkdir()
        yield
    finally:
        os.close(lock)


def write(path: Path, ports: Ports, chance: random.Random) -> Folder:
    """Write roster, keys, tokens and both configurations; `chance` must be the system's source of secrets."""
    folder = Folder(
        path=path.resolve(),
        tokens={
            sign: base64.urlsafe_b64encode(chance.randbytes(TOKEN_OCTETS)).decode().rstrip("=")
            for sign in STEM
        },
    )
    (path / "roster.toml").write_text(roster(ports), encoding="utf-8")
    write_all(new_master(chance.randbytes), NUMBER.values(), path / "keys")
    lines = "".join(f"{sign} {token}\n" for sign, token in folder.tokens.items())
    write_private(path / "tokens.txt", lines)
    folder.config(HQ).write_text(
        _config(folder, HQ, ports.hq_api, _hq_links(folder, ports)), encoding="utf-8"
    )
    vehicle = _config(folder, VEHICLE, ports.vehicle_api, _vehicle_links(folder, ports))
    folder.config(VEHICLE).write_text(vehicle, encoding="utf-8")
    return folder


def roster(ports: Ports) -> str:
    """The roster both gateways read."""
    gateways = f"""\
# Roster of the demo 演示名册
version = 1
city = "示范市"

[[station]]
number = 1
call_sign = "{HQ}"
name = "市应急指挥中心"
path = "示范市"
gateway = true
headquarters = true

[station.address]
cellular = "127.0.0.1:{ports.relay_to_hq}"  # the far side of the IP path
tiantong = "{HQ_TIANTONG}"
beidou = "{HQ_BEIDOU}"

[[station]]
number = 3
call_sign = "{VEHICLE}"
name = "三号指挥车"
path = "示范市/消防救援支队"
gateway = true

[station.address]
cellular = "127.0.0.1:{ports.relay_to_vehicle}"
tiantong = "{VEHICLE_TIANTONG}"
beidou = "{VEHICLE_BEIDOU}"
"""
    return gateways + "".join(_station(role) for role in CAST)


def _station(role: Role) -> str:
    excused = f'excused = "{role.excused}"\n' if role.excused else ""
    kind = {"pdt": "handheld", "tiantong": "phone", "beidou": "handset"}[role.bearer]
    return f"""
[[station]]
number = {role.number}
call_sign = "{role.call_sign}"
name = "{role.name}"
path = "{role.path}"
kind = "{kind}"
via = ["{role.via}"]
{excused}address = {{ {role.bearer} = "{role.address}" }}
"""


def _config(folder: Folder, sign: str, api_port: int, links: str) -> str:
    stem, number = STEM[sign], NUMBER[sign]
    return f"""\
# {sign}: run it with `fieldgate run --config {stem}.toml`
[gateway]
station = {number}
roster = "roster.toml"
keys = "keys/station-{number}.toml"
data_dir = "{stem}-data"
log = "json"

[api]
bind = "127.0.0.1:{api_port}"

[[token]]
name = "demo"
role = "admin"
ceiling = "SOS"
sha256 = "{hash_token(folder.tokens[sign])}"

[routing]
order = ["cellular", "pdt", "tiantong", "beidou"]
recovery_hold_s = 3  # usually 10; short for the demo

[reports]
paid_every_s = 8  # usually 60; short for the demo

[roll_call]
tries = 1
{links}"""


def _hq_links(folder: Folder, ports: Ports) -> str:
    return f"""
[[link]]
name = "cell"
driver = "udp"
bearer = "cellular"
bind = "127.0.0.1:{ports.hq_udp}"
peers = ["127.0.0.1:{ports.relay_to_vehicle}"]

[[link]]
name = "tiantong"
driver = "at_modem"
dialect = "tiantong"
poll_interval_s = 2  # usually 10; short for the demo
device = "{folder.ports}/hq-tiantong"

[[link]]
name = "beidou"
driver = "beidou"
device = "{folder.ports}/hq-beidou"
data_peers = [{VEHICLE_BEIDOU}]
"""


def _vehicle_links(folder: Folder, ports: Ports) -> str:
    return f"""
[[link]]
name = "cell"
driver = "udp"
bearer = "cellular"
bind = "127.0.0.1:{ports.vehicle_udp}"
peers = ["127.0.0.1:{ports.relay_to_hq}"]

[[link]]
name = "pdt"
driver = "hytera"
device = "{folder.ports}/veh3-pdt"

[[link]]
name = "tiantong"
driver = "at_modem"
dialect = "tiantong"
poll_interval_s = 2  # usually 10; short for the demo
device = "{folder.ports}/veh3-tiantong"

[[link]]
name = "beidou"
driver = "beidou"
device = "{folder.ports}/veh3-beidou"
data_peers = [{HQ_BEIDOU}]
"""
