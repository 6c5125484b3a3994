"""The files of a world's gateways, as a user would write them: one roster, one configuration each."""

from __future__ import annotations

from dataclasses import dataclass

PDT_BASE, TIANTONG_BASE, BEIDOU_BASE = 2_000_000, 17_400_000_000, 300_000
"""Addresses of a station are these plus its number: a radio id, a phone number, a card."""

UDP_PORT = 7000

NETS = {"cellular": "10.1", "vsat": "10.2", "mesh": "10.3", "lan": "10.4"}
"""Bearers that carry IP, and the network each has for itself."""

SERIAL_DRIVERS = {"pdt": "hytera", "tiantong": "at_modem", "beidou": "beidou"}
"""Bearers behind a serial port, and the drivers of their devices."""

HEARTBEAT_S = 2.0
"""Longest between heartbeats of an IP link as shipped, as far as time-outs of checkers are concerned."""

NARROW = "mtu_octets = 200\nnominal_bps = 1000\nlatency_s = 3\n"
"""What a link over a LoRa-like mesh is told: a packet carries 233 octets with the datagram's head, and one
channel of 11 kbit/s is shared by all and by each hop of a flood."""

BEARERS = (*NETS, *SERIAL_DRIVERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What roster and configurations need to know of one station. `via` names gateways by call sign."""

    number: int
    sign: str
    name: str
    path: str
    gateway: bool = False
    headquarters: bool = False
    bearers: tuple[str, ...] = ()
    via: tuple[str, ...] = ()
    excused: str = ""
    kind: str = ""
    settings: str = ""
    heartbeat_s: float = 0.0


def host(bearer: str, number: int) -> str:
    """Return a station's address on the IP network of a bearer."""
    return f"{NETS[bearer]}.{number >> 8}.{number & 255}"


def address(bearer: str, number: int) -> str:
    """Return a station's address on a bearer, as the roster spells it."""
    match bearer:
        case "pdt":
            return str(PDT_BASE + number)
        case "tiantong":
            return str(TIANTONG_BASE + number)
        case "beidou":
            return str(BEIDOU_BASE + number)
        case _:
            return f"{host(bearer, number)}:{UDP_PORT}"


def device_path(bearer: str) -> str:
    """Where the device of a serial bearer is plugged in."""
    return f"/dev/{bearer}"


def roster(posts: list[Post], city: str) -> str:
    """Write the roster everybody has."""
    return f'version = 1\ncity = "{city}"\n' + "".join(map(_station, posts))


def _station(post: Post) -> str:
    lines = [
        "",
        "[[station]]",
        f"number = {post.number}",
        f'call_sign = "{post.sign}"',
        f'name = "{post.name}"',
        f'path = "{post.path}"',
    ]
    if post.gateway:
        lines.append("gateway = true")
    if post.headquarters:
        lines.append("headquarters = true")
    if post.kind:
        lines.append(f'kind = "{post.kind}"')
    if post.via:
        lines.append("via = [" + ", ".join(f'"{sign}"' for sign in post.via) + "]")
    if post.excused:
        lines.append(f'excused = "{post.excused}"')
    pairs = ", ".join(f'{bearer} = "{address(bearer, post.number)}"' for bearer in post.bearers)
    lines.append(f"address = {{ {pairs} }}")
    return "\n".join(lines) + "\n"


def slower(heartbeat_s: float) -> float:
    """Return how many times later a loss may be noticed than as shipped."""
    return max(1.0, heartbeat_s / HEARTBEAT_S)


def _pace(bearer: str, heartbeat_s: float) -> str:
    """Write the keys of a link's heartbeats and polls; none: as shipped."""
    if not heartbeat_s or bearer == "pdt":
        return ""
    if bearer in NETS:
        least_s, loss_s = heartbeat_s / 4, 2 * heartbeat_s
        return (
            f"heartbeat_min_s = {least_s!r}\nheartbeat_max_s = {heartbeat_s!r}\nloss_detect_s = {loss_s!r}\n"
        )
    if bearer == "beidou":
        return f"bsi_period_s = {max(1.0, heartbeat_s)!r}\n"
    return f"poll_interval_s = {max(2.0, 5 * heartbeat_s)!r}\n"


def links(post: Post, posts: list[Post], *, narrow_mesh: bool = False) -> str:
    """Write the `[[link]]` tables of a gateway, and its own settings before them."""
    text = post.settings + "\n"
    for bearer in post.bearers:
        peers = [p.number for p in posts if p.gateway and p.number != post.number and bearer in p.bearers]
        text += f'\n[[link]]\nname = "{bearer}"\n'
        if bearer in NETS:
            listed = ", ".join(f'"{address(bearer, number)}"' for number in peers)
            text += f'driver = "udp"\nbearer = "{bearer}"\n'
            text += f'bind = "{host(bearer, post.number)}:{UDP_PORT}"\npeers = [{listed}]\n'
            if bearer == "mesh" and narrow_mesh:
                text += NARROW
        else:
            text += f'driver = "{SERIAL_DRIVERS[bearer]}"\ndevice = "{device_path(bearer)}"\n'
            if bearer == "beidou":
                text += f"data_peers = [{', '.join(str(BEIDOU_BASE + number) for number in peers)}]\n"
        text += _pace(bearer, post.heartbeat_s)
    return text
