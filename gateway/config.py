"""The configuration file: one TOML table of tables, checked by name, key, limit and what was found."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from drivers import registry
from gateway.api.settings import ApiConfig, TokenConfig, Tokens
from gateway.domain import MAX_STATION, Bearer, Precedence
from gateway.roster import Roster, load_roster
from gateway.toml_errors import convert
from protocols.errors import BadInputError

MAX_LINKS = 32
"""More links than any vehicle carries; bounds tasks and queues."""

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
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInputError(
            path.name, limit="a readable TOML file in UTF-8", found=str(error), zh="无法读取配置文件"
        ) from error
    raw = convert(table, RawConfig, where=path.name)
    base = path.resolve().parent
    roster = load_roster(base / raw.gateway.roster)
    own = roster.stations.get(raw.gateway.station)
    if own is None or not own.gateway:
        raise BadInputError(
            f"{path.name}.gateway.station",
            limit="a station of the roster with gateway = true",
            found=raw.gateway.station,
            zh="名册中没有此网关台站",
        )
    raw.api.address()
    return Config(
        gateway=raw.gateway,
        data_dir=base / raw.gateway.data_dir,
        keys_path=base / raw.gateway.keys,
        roster=roster,
        api=raw.api,
        tokens=Tokens(raw.token),
        links=_links(raw.link, path.name),
        routing=raw.routing,
        order_by_precedence=_orders(raw.routing, path.name),
        reports=raw.reports,
        roll_call=raw.roll_call,
    )


def _orders(routing: RoutingTable, where: str) -> dict[Precedence, tuple[Bearer, ...]]:
    orders = dict.fromkeys(Precedence, routing.order)
    for name, order in routing.by_precedence.items():
        if name.upper() not in Precedence.__members__:
            raise BadInputError(
                f"{where}.routing.by_precedence.{name}",
                limit=" ".join(p.name.lower() for p in Precedence),
                found=name,
                zh="没有此等级",
            )
        orders[Precedence[name.upper()]] = order
    return orders


def _links(tables: tuple[dict[str, Any], ...], where: str) -> tuple[LinkConfig, ...]:
    if len(tables) > MAX_LINKS:
        raise BadInputError(f"{where}.link", limit=f"{MAX_LINKS} links", found=len(tables), zh="链路过多")
    links: list[LinkConfig] = []
    names: set[str] = set()
    ports: dict[str, str] = {}
    for index, table in enumerate(tables):
        link = _link(dict(table), f"{where}.link[{index}]")
        if link.name in names:
            raise BadInputError(
                f"{where}.link[{index}].name", limit="used once", found=link.name, zh="链路名称重复"
            )
        names.add(link.name)
        for key in ("device", "bind"):
            port = str(table.get(key, ""))
            if port and not port.endswith(":0") and port in ports:
                raise BadInputError(
                    f"{where}.link[{index}] ({link.name}).{key}",
                    limit=f"one link on a port; {ports[port]} has it",
                    found=port,
                    en="two links on one port",
                    zh="两条链路使用同一端口",
                )
            ports[port] = link.name
        links.append(link)
    return tuple(links)


def _link(table: dict[str, Any], where: str) -> LinkConfig:
    name, driver, shares = table.pop("name", None), table.pop("driver", None), table.pop("shares", [])
    if not isinstance(name, str) or not name.isidentifier() or name == "all":
        raise BadInputError(
            f"{where}.name", limit="letters, digits, underscore; not `all`", found=name, zh="链路名称无效"
        )
    if not isinstance(driver, str):
        raise BadInputError(
            f"{where} ({name}).driver", limit="a driver's name", found=driver, zh="缺少驱动名称"
        )
    if not isinstance(shares, list) or not all(isinstance(s, str) for s in shares):
        raise BadInputError(
            f"{where} ({name}).shares", limit="a list of names", found=shares, zh="应为名称列表"
        )
    kind = registry.load(driver).config_type
    return LinkConfig(
        name=name,
        driver=driver,
        config=convert(table, kind, where=f"{where} ({name})"),
        shares=tuple(shares),
    )
