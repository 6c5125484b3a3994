"""Keys of a `udp` link and the words of its addresses: literal ones only, since names need a DNS."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Annotated, Literal

import msgspec

from drivers.udp_peers import Pace
from protocols.air.datagram import DATA_MAX_OCTETS
from protocols.errors import BadInputError

PEERS_MAX = 128
"""Configured peers of one link: a city's headquarters; each costs its heartbeats and a few hundred octets."""

PACES = {
    "lan": Pace(0.2, 0.4, 1.0),
    "mesh": Pace(0.4, 1.5, 3.0),
    "cellular": Pace(0.4, 1.5, 3.0),
    "vsat": Pace(2.0, 8.0, 15.0),
}
"""Heartbeats by bearer unless configured: a silent cut is noticed within the third figure, idle or not,
and three more heartbeats go out before. Idle boxes spend 250 kB an hour and pair on a cellular path, 45 kB on
VSAT, both ways and IPv4 headers counted (measured in the simulator)."""

NOMINAL_BPS = {"lan": 100_000_000, "mesh": 2_000_000, "cellular": 5_000_000, "vsat": 1_000_000}
"""Unless configured: what such a path usually carries upwards."""

LATENCY_S = {"lan": 0.01, "mesh": 0.1, "cellular": 0.2, "vsat": 0.8}
"""One way, unless configured: for planning and for the time-outs of acknowledgements."""

PORT_MAX = 65535

MTU_MIN_OCTETS = 64
"""Shorter frames are for radios that know of nothing else; over IP they would be mostly headers."""

ADDRESSES_KEPT = 1024
"""Addresses whose text is remembered: those of every peer; a flood of strangers only pushes them out."""

Seconds = Annotated[float, msgspec.Meta(gt=0, le=3600)]


class UdpConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of one `[[link]]` with `driver = "udp"`. Addresses: `192.0.2.1:7000`, `[2001:db8::1]:7000`."""

    bind: str
    peers: Annotated[tuple[str, ...], msgspec.Meta(max_length=PEERS_MAX)] = ()
    """May be empty where peers are behind address translation: they are learnt when they speak."""
    bearer: Literal["cellular", "vsat", "mesh", "lan"] = "cellular"
    heartbeat_min_s: Seconds | None = None
    """Between heartbeats under traffic and in doubt; None: by bearer."""
    heartbeat_max_s: Seconds | None = None
    """Between heartbeats when idle and stable; None: by bearer."""
    loss_detect_s: Seconds | None = None
    """A silence this long is a loss; None: by bearer."""
    nominal_bps: Annotated[int, msgspec.Meta(ge=0, le=10**11)] = 0
    """0: by bearer."""
    latency_s: Annotated[float, msgspec.Meta(ge=0, le=60)] = 0.0
    """0: by bearer."""
    mtu_octets: Annotated[int, msgspec.Meta(ge=0, le=DATA_MAX_OCTETS)] = 0
    """Longest frame; a narrow path (a long-range mesh) takes less than a datagram. 0: whole datagrams."""
    fen_per_kilooctet: Annotated[int, msgspec.Meta(ge=0, le=10**6)] = 0

    def __post_init__(self) -> None:
        """Check what the types cannot say; raises BadInputError."""
        bound = parse_address(self.bind, "bind", any_port=True)[0]
        for text in self.peers:
            host, _ = parse_address(text, "peers")
            if ":" in host and ":" not in bound:
                raise BadInputError(
                    "peers",
                    limit=f"IPv4 addresses, as bind is {self.bind}; or bind to [::]:7000",
                    found=text,
                    en="an IPv6 peer needs an IPv6 bind address",
                    zh="IPv6 对端需要 IPv6 监听地址",
                )
        if 0 < self.mtu_octets < MTU_MIN_OCTETS:
            raise BadInputError(
                "mtu_octets",
                limit=f"0 or {MTU_MIN_OCTETS}..{DATA_MAX_OCTETS}",
                found=self.mtu_octets,
                en="too short for an acknowledged message",
                zh="放不下一条带确认的报文",
            )
        pace = self.pace
        if not pace.heartbeat_min_s <= pace.heartbeat_max_s:
            raise BadInputError(
                "heartbeat_max_s",
                limit=f"{pace.heartbeat_min_s} (heartbeat_min_s) or more",
                found=pace.heartbeat_max_s,
                zh="不得小于 heartbeat_min_s",
            )
        least_s = pace.heartbeat_max_s + 2 * pace.heartbeat_min_s
        if pace.loss_detect_s < least_s:
            raise BadInputError(
                "loss_detect_s",
                limit=f"{least_s:g} (heartbeat_max_s + 2 heartbeat_min_s) or more",
                found=pace.loss_detect_s,
                zh="不得小于 heartbeat_max_s + 2 heartbeat_min_s",
            )

    @property
    def pace(self) -> Pace:
        """Heartbeats and loss, with the bearer's figures where nothing is said."""
        usual = PACES[self.bearer]
        return Pace(
            self.heartbeat_min_s or usual.heartbeat_min_s,
            self.heartbeat_max_s or usual.heartbeat_max_s,
            self.loss_detect_s or usual.loss_detect_s,
        )


def parse_address(text: str, key: str, *, any_port: bool = False) -> tuple[str, int]:
    """Split `host:port` or `[v6]:port` into a canonical literal and a port; BadInputError names `key`."""
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    number = int(port) if port.isascii() and port.isdecimal() and len(port) <= len("65535") else -1
    least = 0 if any_port else 1
    refused = BadInputError(
        key,
        limit=f"IP address and port {least}..{PORT_MAX}, as 192.0.2.1:7000 or [2001:db8::1]:7000",
        found=text,
        en="not an address",
        zh="地址无效（应为 IP 地址和端口，不能用域名）",
    )
    try:
        literal = ip_address(host[1:-1] if bracketed else host)
    except ValueError as error:
        raise refused from error
    in_range = least <= number <= PORT_MAX
    if not colon or bracketed is not isinstance(literal, IPv6Address) or not in_range:
        raise refused
    return _literal(str(literal)), number


@lru_cache(maxsize=ADDRESSES_KEPT)
def address_text(host: str, port: int) -> str:
    """Write an address in the one form that the link uses; a mapped IPv4 address is an IPv4 address."""
    host = _literal(host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def normal_address(text: str) -> str:
    """Bring a destination to the form addresses are kept in; what is no address stays as it is."""
    try:
        return address_text(*parse_address(text, "destination"))
    except BadInputError:
        return text


def _literal(host: str) -> str:
    try:
        literal = ip_address(host)
    except ValueError:
        return host
    mapped = literal.ipv4_mapped if isinstance(literal, IPv6Address) else None
    return str(mapped or literal)
