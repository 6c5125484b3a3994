"""The configuration page is complete and its files are accepted as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from drivers import registry
from gateway.api.settings import ApiConfig, TokenConfig
from gateway.config import GatewayTable, ReportsTable, RollCallTable, RoutingTable, load_config
from gateway.roster import GroupTable, StationTable
from protocols.errors import BadInputError

PAGE = Path(__file__).parent.parent / "docs" / "configuration.md"
DRIVERS = ("at_modem", "beidou", "hytera", "udp")
TABLES = (
    GatewayTable,
    ApiConfig,
    TokenConfig,
    RoutingTable,
    ReportsTable,
    RollCallTable,
    StationTable,
    GroupTable,
)


def _files(tmp_path: Path) -> Path:
    for name, text in re.findall(
        r"^```toml (\S+)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / "gateway.toml"


def test_files_of_the_page_are_accepted(tmp_path: Path) -> None:
    """Whoever copies the page's files gets a configuration that passes the check."""
    config = load_config(_files(tmp_path))

    assert [link.name for link in config.links] == ["cell", "pdt", "sat", "beidou"]
    assert config.roster.find("veh-3") is not None


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_page_names_every_key(table: type[msgspec.Struct]) -> None:
    """Every key of every table stands on the page."""
    page = PAGE.read_text(encoding="utf-8")

    assert [key for key in table.__struct_fields__ if not re.search(rf"\b{key}\b", page)] == []


@pytest.mark.parametrize("name", DRIVERS)
def test_page_names_every_driver_key(name: str) -> None:
    """Every key of every built-in driver stands on the page."""
    page = PAGE.read_text(encoding="utf-8")
    fields = registry.load(name).config_type.__struct_fields__

    assert [key for key in fields if f"`{key}`" not in page] == []


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('log = "json"', 'lgo = "json"', "gateway.lgo"),
        ("station = 3", 'station = "three"', "gateway.station"),
        ("station = 3", "station = 101", "gateway.station"),
        ("recovery_hold_s = 10.0", "recovery_hold_s = -1", "recovery_hold_s"),
        ('device = "/dev/ttyUSB2"', 'device = "/dev/ttyUSB1"', "link[3] (beidou).device"),
        ('name = "sat"', 'name = "pdt"', "link[2].name"),
        ('driver = "beidou"', 'driver = "bidou"', "bidou"),
        ('bind = "0.0.0.0:7373"', 'bind = "nowhere"', "bind"),
        ('dialect = "tiantong"', 'dialect = "tiantong"\nbauds = 9600', "bauds"),
        ("deferred = [", "defered = [", "defered"),
    ],
)
def test_bad_file_is_refused_by_name(tmp_path: Path, old: str, new: str, named: str) -> None:
    """A wrong configuration is refused with the table and key at fault, in both languages."""
    path = _files(tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")

    with pytest.raises(BadInputError) as caught:
        load_config(path)

    assert named in caught.value.en
    assert named in caught.value.zh
    assert caught.value.zh != caught.value.en
