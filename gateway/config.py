"""The configuration file: one TOML table of tables, checked by name, key, limit and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from drivers import registry
from gateway.api.settings import ApiConfig, TokenConfig, Tokens
from gateway.config_ports import Ports
from gateway.domain import MAX_STATION, Bearer, Precedence
from gateway.roster import Roster, load_roster
from gateway.toml_errors import convert, located, read_toml
from protocols.errors import BadInputError

MAX_LINKS = 32
"""More links than any vehicle carries; bounds tasks and queues."""

GATEWAYS_SHOWN_CHARS = 200
"""Gateways that a refusal lists: enough to see the misprint, too few to flood a terminal."""

Seconds = Annotated[float, msgspec.Meta(gt=0, le=7 * 86_400)]


class GatewayTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of `[gateway]`. Paths are relative to the file."""

    station: Annotated[int, msgspec.Meta(ge=1, le=MAX_STATION)]
    data_dir: str = "data"
    roster: str = "roster.toml"
    keys: str = "fieldgate.keys"
    log: Literal["console", "json"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    exercise: bool = False
    """This box stands in an exercise: every message it makes is marked so."""


class RoutingTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of `[routing]`: the PACE order of bearers, for all and by precedence, and the recovery hold."""

    order: tuple[Bearer, ...] = (
        Bearer.LAN,
        Bearer.CELLULAR,
        Bearer.VSAT,
        Bearer.MESH,
        Bearer.PDT,
        Bearer.TIANTONG,
        Bearer.BEIDOU,
        Bearer.IRIDIUM,
    )
    by_precedence: dict[str, tuple[Bearer, ...]] = msgspec.field(default_factory=dict)
    recovery_hold_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 10.0
    """How long a link that came back must stay good before traffic returns to it."""
    ack_timeout_factor: Annotated[float, msgspec.Meta(ge=1, le=20)] = 3.0
    """Time-out of a hop acknowledgement in multiples of the link's expected round trip."""


class ReportsTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of `[reports]`: link reports to headquarters, and when a gateway counts as lost."""

    interval_s: Seconds = 300.0
    paid_every_s: Seconds = 60.0
    """Least time between two reports over a bearer that costs money or a service interval."""
    lost_contact_s: Seconds = 900.0


class RollCallTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of `[roll_call]`."""

    deadline_s: Seconds = 600.0
    timeout_s: dict[Bearer, Seconds] = msgspec.field(default_factory=dict)
    tries: Annotated[int, msgspec.Meta(ge=1, le=10)] = 2


class RawConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file before the links' own keys are checked."""

    gateway: GatewayTable
    api: ApiConfig = msgspec.field(default_factory=ApiConfig)
    token: tuple[TokenConfig, ...] = ()
    link: tuple[dict[str, Any], ...] = ()
    routing: RoutingTable = msgspec.field(default_factory=RoutingTable)
    reports: ReportsTable = msgspec.field(default_factory=ReportsTable)
    roll_call: RollCallTable = msgspec.field(default_factory=RollCallTable)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkConfig:
    """One `[[link]]`: its name, its driver's name, and the driver's own checked keys."""

    name: str
    driver: str
    config: Any
    shares: tuple[str, ...] = ()
    """What it shares with others (mast, power, operator): links that share count as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A checked configuration; all paths absolute."""

    gateway: GatewayTable
    data_dir: Path
    keys_path: Path
    roster: Roster
    api: ApiConfig
    tokens: Tokens
    links: tuple[LinkConfig, ...]
    routing: RoutingTable
    order_by_precedence: Mapping[Precedence, tuple[Bearer, ...]]
    reports: ReportsTable
    roll_call: RollCallTable


def load_config(path: Path) -> Config:
    """Read and check a configuration file with its roster; raises BadInputError."""
    where = f"{path}: "
    raw = convert(read_toml(path, str(path), "无法读取配置文件"), RawConfig, where=where)
    base = path.resolve().parent
    shown = path.parent / raw.gateway.roster
    roster = load_roster(base / raw.gateway.roster, f"{shown} (gateway.roster of {path})")
    own = roster.stations.get(raw.gateway.station)
    if own is None or not own.gateway:
        gateways = ", ".join(f"{s.number} {s.call_sign}" for s in roster.stations.values() if s.gateway)
        raise BadInputError(
            f"{where}gateway.station",
            limit=f"a station of {shown} with gateway = true: {gateways[:GATEWAYS_SHOWN_CHARS] or 'none'}",
            found=raw.gateway.station,
            zh="名册中没有此网关台站",
        )
    with located(where):
        return _config(raw, base, roster)


def _config(raw: RawConfig, base: Path, roster: Roster) -> Config:
    raw.api.address()
    return Config(
        gateway=raw.gateway,
        data_dir=base / raw.gateway.data_dir,
        keys_path=base / raw.gateway.keys,
        roster=roster,
        api=raw.api,
        tokens=Tokens(raw.token),
        links=_links(raw.link),
        routing=raw.routing,
        order_by_precedence=_orders(raw.routing),
        reports=raw.reports,
        roll_call=raw.roll_call,
    )


def _orders(routing: RoutingTable) -> dict[Precedence, tuple[Bearer, ...]]:
    _once(routing.order, "routing.order")
    orders = dict.fromkeys(Precedence, routing.order)
    named: set[str] = set()
    for name, order in routing.by_precedence.items():
        _once(order, f"routing.by_precedence.{name}")
        if name.upper() not in Precedence.__members__:
            raise BadInputError(
                f"routing.by_precedence.{name}",
                limit=f"one of {', '.join(p.name.lower() for p in Precedence)}",
                found=name,
                en="no such precedence",
                zh="没有此等级",
            )
        if name.upper() in named:
            raise BadInputError(
                f"routing.by_precedence.{name}", limit="each precedence once", found=name, zh="等级重复"
            )
        named.add(name.upper())
        orders[Precedence[name.upper()]] = order
    return orders


def _once(order: tuple[Bearer, ...], where: str) -> None:
    if not order:
        raise BadInputError(
            where,
            limit="one bearer or more",
            found=[],
            en="nothing could ever be sent",
            zh="至少列出一种承载",
        )
    for bearer in order:
        if order.count(bearer) > 1:
            raise BadInputError(
                where, limit="each bearer once", found=bearer.value, en="bearer named twice", zh="承载重复"
            )


def _links(tables: tuple[dict[str, Any], ...]) -> tuple[LinkConfig, ...]:
    if len(tables) > MAX_LINKS:
        raise BadInputError("link", limit=f"{MAX_LINKS} links", found=len(tables), zh="链路过多")
    links: list[LinkConfig] = []
    names: set[str] = set()
    ports = Ports()
    for index, table in enumerate(tables):
        link = _link(dict(table), f"link[{index}]")
        if link.name in names:
            raise BadInputError(f"link[{index}].name", limit="used once", found=link.name, zh="链路名称重复")
        names.add(link.name)
        ports.claim(link.name, table, f"link[{index}] ({link.name})")
        links.append(link)
    return tuple(links)


def _link(table: dict[str, Any], where: str) -> LinkConfig:
    name, driver, shares = table.pop("name", None), table.pop("driver", None), table.pop("shares", [])
    if not isinstance(name, str) or not name.isidentifier() or name == "all":
        raise BadInputError(
            f"{where}.name",
            limit="letters, digits, underscore, no digit first; not `all`",
            found=name,
            zh="链路名称无效",
        )
    if not isinstance(driver, str):
        raise BadInputError(
            f"{where} ({name}).driver",
            limit=f"one of {', '.join(registry.names())}",
            found="nothing" if driver is None else driver,
            zh="缺少驱动名称",
        )
    if not isinstance(shares, list) or not all(isinstance(s, str) for s in shares):
        raise BadInputError(
            f"{where} ({name}).shares", limit="a list of names", found=shares, zh="应为名称列表"
        )
    with located(f"{where} ({name})."):
        kind = registry.load(driver).config_type
    return LinkConfig(
        name=name,
        driver=driver,
        config=convert(table, kind, where=f"{where} ({name})"),
        shares=tuple(shares),
    )
