"""What gateways outside are given: roster, keys, token and configuration each, ready to use."""

from __future__ import annotations

import base64
import random
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from drivers.base import PortUnavailableError
from gateway.api.settings import hash_token
from gateway.config import load_config
from gateway.keys import new_master, write_all, write_private
from protocols.errors import BadInputError
from sim.scenario.model import Scenario
from sim.world import files
from sim.world.build import posts_of
from sim.world.files import NETS, Post

FIRST_OWN_NET: Final = 1
FIRST_ALIAS_NET: Final = 101
"""127.1.0.n is the nth gateway on the first IP bearer; 127.101.a.b is the bth as the ath sees it."""

MAX_GATEWAYS: Final = 254
"""As many as the last octet of a loopback address tells apart."""

API_PORTS: Final = range(7380, 9380)
"""The gateways' APIs take the first of these that nobody has."""

TOKEN_OCTETS: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What somebody outside can use: ports by gateway and bearer, and each gateway's configuration."""

    title_zh: str
    title_en: str
    seed: int
    ports: tuple[tuple[str, str, Path, int], ...]
    """Gateway, bearer, link to the PTY, bit/s."""
    gateways: tuple[tuple[str, Path, str, str], ...]
    """Call sign, configuration file, URL of the API, token."""

    def told(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "seed": self.seed,
            "ports": [
                {"node": node, "bearer": bearer, "path": str(path), "baud_bps": baud_bps}
                for node, bearer, path, baud_bps in self.ports
            ],
            "gateways": [
                {"node": node, "config": str(config), "url": url, "token": token}
                for node, config, url, token in self.gateways
            ],
        }


def own_address(bearer: str, index: int) -> str:
    """Where the socket of the gateway of this index (from 1) is bound on an IP bearer."""
    return f"127.{FIRST_OWN_NET + list(NETS).index(bearer)}.0.{index}"


def alias(bearer: str, seen_by: int, index: int) -> str:
    """Where a gateway is found by another: the near side of the path between them."""
    return f"127.{FIRST_ALIAS_NET + list(NETS).index(bearer)}.{seen_by}.{index}"


def write_files(
    scenario: Scenario,
    directory: Path,
    paths: Mapping[tuple[str, str], Path],
    udp_port: int,
    chance: random.Random,
    claims: ExitStack,
) -> tuple[tuple[str, Path, str, str], ...]:
    """Write every gateway's files; return call sign, configuration, URL and token of each.

    `paths` tells by gateway and bearer where its device is; `chance` must be the system's source of secrets.
    `claims` keeps the ports of the APIs from other runs until it is closed. Raises BadInputError where there
    are too many gateways, or their settings do not go together, and PortUnavailableError.
    """
    posts = posts_of(scenario)
    gateways = [post for post in posts if post.gateway]
    if len(gateways) > MAX_GATEWAYS:
        raise BadInputError("node", limit=f"{MAX_GATEWAYS} gateways", found=len(gateways), zh="网关过多")
    write_all(new_master(chance.randbytes), [post.number for post in gateways], directory / "keys")
    made = []
    for post in gateways:
        api_port = _api_port(claims, API_PORTS)
        token = base64.urlsafe_b64encode(chance.randbytes(TOKEN_OCTETS)).decode().rstrip("=")
        view = _view(post, gateways, udp_port)
        view |= {files.device_path(b): str(path) for (sign, b), path in paths.items() if sign == post.sign}
        roster = directory / f"{post.sign}.roster.toml"
        roster.write_text(_seen(files.roster(posts, scenario.title_zh), view), encoding="utf-8")
        config = directory / f"{post.sign}.toml"
        links = _seen(files.links(post, posts), view)
        config.write_text(_config(post, api_port, token, links), encoding="utf-8")
        load_config(config)
        made.append((post.sign, config, f"http://127.0.0.1:{api_port}", token))
    write_private(directory / "tokens.txt", "".join(f"{sign} {token}\n" for sign, _, _, token in made))
    return tuple(made)


def _config(post: Post, api_port: int, token: str, links: str) -> str:
    return f"""\
# {post.sign} {post.name}: fieldgate run --config {post.sign}.toml
[gateway]
station = {post.number}
roster = "{post.sign}.roster.toml"
keys = "keys/station-{post.number}.toml"
data_dir = "{post.sign}-data"
log = "console"
{links}
[api]
bind = "127.0.0.1:{api_port}"

[[token]]
name = "sim"
role = "admin"
ceiling = "SOS"
sha256 = "{hash_token(token)}"
"""


def _view(post: Post, gateways: list[Post], udp_port: int) -> dict[str, str]:
    """Return for every address of the simulated networks where this gateway finds it."""
    own = gateways.index(post) + 1
    found: dict[str, str] = {}
    for bearer in NETS:
        for index, other in enumerate(gateways, start=1):
            host = own_address(bearer, own) if index == own else alias(bearer, own, index)
            found[files.address(bearer, other.number)] = f"{host}:{udp_port}"
    return found


def _seen(text: str, view: Mapping[str, str]) -> str:
    for old, new in view.items():
        text = text.replace(f'"{old}"', f'"{new}"')
    return text


def _api_port(claims: ExitStack, ports: range) -> int:
    """Return the first port of loopback that nobody has, and no other run or demo is about to take."""
    for port in ports:
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                claim.bind(f"\0fieldgate-demo-{port}")  # an abstract name: gone with its last owner
                one.bind(("127.0.0.1", port))
            except OSError:
                claim.close()
                continue
        claims.callback(claim.close)
        return port
    raise PortUnavailableError(f"127.0.0.1:{ports[0]}..{ports[-1]}", "in use", "被占用")
