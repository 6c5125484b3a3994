"""What is wrong in a configuration is named: file, table, key, limit and what was found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.config import load_config
from gateway.roster import load_roster
from protocols.errors import BadInputError

GATEWAY = """\
[gateway]
station = 3
{gateway}
[api]
bind = "127.0.0.1:7380"
[[token]]
name = "duty"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
[routing]
order = ["cellular", "pdt"]
[routing.by_precedence]
flash = ["cellular"]
[roll_call]
timeout_s = {{ pdt = 30, tiantong = 120 }}
{links}
"""

ROSTER = """\
[[station]]
number = 1
call_sign = "HQ"
name = "指挥部"
gateway = true
address = { pdt = "9001" }
[[station]]
number = 3
call_sign = "VEH-3"
name = "三号车"
gateway = true
address = { pdt = "9003", tiantong = "17400000003" }
[[group]]
name = "ALL"
members = ["HQ", "VEH-3"]
"""


def _written(folder: Path, *, gateway: str = "", links: str = "") -> Path:
    path = folder / "gateway.toml"
    path.write_text(GATEWAY.format(gateway=gateway, links=links), encoding="utf-8")
    (folder / "roster.toml").write_text(ROSTER, encoding="utf-8")
    return path


def _link(name: str, driver: str, **keys: str) -> str:
    return f'[[link]]\nname = "{name}"\ndriver = "{driver}"\n' + "".join(
        f'{key} = "{value}"\n' for key, value in keys.items()
    )


def _refusal(path: Path) -> BadInputError:
    with pytest.raises(BadInputError) as caught:
        load_config(path)
    assert caught.value.field in caught.value.zh
    assert re.search(r"[\u4e00-\u9fff]", caught.value.zh)
    return caught.value


@pytest.mark.parametrize(
    ("old", "new", "field", "limit", "found"),
    [
        ("pdt = 30,", 'pdt = "x",', "roll_call.timeout_s.pdt", "number above 0 up to 604800", "'x'"),
        ("tiantong = 120", "tiantong = -1", "roll_call.timeout_s.tiantong", "number above 0", "-1"),
        ("pdt = 30,", "lte = 30,", "roll_call.timeout_s.lte", "pdt, beidou, tiantong", "'lte'"),
        ('flash = ["cellular"]', "flash = 4", "routing.by_precedence.flash", "a list [...] of: one of", "4"),
        ('flash = ["cellular"]', 'flash = ["x"]', "routing.by_precedence.flash[0]", "one of pdt", "'x'"),
        ('flash = ["cellular"]', 'flush = ["pdt"]', "routing.by_precedence.flush", "flash, sos", "'flush'"),
        ('flash = ["cellular"]', "flash = []", "routing.by_precedence.flash", "one bearer or more", "[]"),
        ('["cellular", "pdt"]', '["pdt", "pdt"]', "routing.order", "each bearer once", "'pdt'"),
        ('"cellular"]', '"pdt", "pdt"]', "routing.by_precedence.flash", "each bearer once", "'pdt'"),
        ("127.0.0.1:7380", "127.0.0.1", "api.bind", "address:port", "'127.0.0.1'"),
        ('name = "duty"', 'name = ""', "token.name", "printable", "''"),
        ('name = "duty"', 'rank = "x"', "token[0].rank", "name, role, ceiling, sha256", "'rank'"),
        ("station = 3", "station = 4", "gateway.station", "1 HQ, 3 VEH-3", "4"),
        ("station = 3", "", "gateway.station", "integer 1..65535", "'nothing'"),
        ("station = 3", 'station = 3\nlog = "xml"', "gateway.log", "one of console, json", "'xml'"),
        ("[gateway]", "[gatway]", "gatway", "one of gateway, api", "'gatway'"),
    ],
)
def test_refusal_says_all_five(
    tmp_path: Path, old: str, new: str, field: str, limit: str, found: str
) -> None:
    """File, table, key, limit and what was found, also inside maps, lists and one table of many."""
    path = _written(tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")

    refusal = _refusal(path)

    assert refusal.field == f"{path}: {field}"
    assert limit in refusal.limit
    assert refusal.found == found


@pytest.mark.parametrize(
    ("link", "field", "limit", "found"),
    [
        (_link("p", "motorola"), "link[0] (p).driver", "at_modem, beidou, hytera, udp", "'motorola'"),
        ('[[link]]\nname = "p"\n', "link[0] (p).driver", "at_modem, beidou, hytera, udp", "'nothing'"),
        (_link("p q", "udp"), "link[0].name", "letters", "'p q'"),
        (_link("p", "udp", bind="nowhere"), "link[0] (p).bind", "IP address and port", "'nowhere'"),
        (_link("p", "udp", bind="[::]:1", bearer="5g"), "link[0] (p).bearer", "cellular, lan", "'5g'"),
        (_link("p", "udp", bind="[::]:1") + "peers = ['x:1']", "link[0] (p).peers", "IP address", "'x:1'"),
        (_link("p", "at_modem", device="/dev/x", dialect="y"), "link[0] (p).dialect", "tiantong", "'y'"),
        (_link("p", "beidou", device=""), "link[0] (p).device", "1..255 characters", "''"),
        (
            _link("p", "beidou", device="/dev/x") + "data_peers = ['y']",
            "link[0] (p).data_peers",
            "card",
            "'y'",
        ),
        (_link("p", "hytera", device="/dev/x", baud="9"), "link[0] (p).baud", "device, baud_bps", "'baud'"),
    ],
)
def test_refusal_names_the_link(tmp_path: Path, link: str, field: str, limit: str, found: str) -> None:
    """What a driver finds wrong is told with the file and the link it stands in."""
    path = _written(tmp_path, links=link)

    refusal = _refusal(path)

    assert refusal.field == f"{path}: {field}"
    assert limit in refusal.limit
    assert refusal.found == found


@pytest.mark.parametrize(
    ("old", "new", "field", "limit", "found"),
    [
        ("number = 3", "number = 1", "station VEH-3.number", "HQ has it", "1"),
        ('"VEH-3"', '"hq"', "station hq.call_sign", "station 1 has it", "'hq'"),
        ('"VEH-3"', '"三号 车"', "station[1] (三号 车).call_sign", "letters, digits or", "'三号 车'"),
        ('"9003"', '"09001"', "station VEH-3.address.pdt", "station 1 has it", "'09001'"),
        ('pdt = "9003"', "pdt = 9003", "station[1] (VEH-3).address.pdt", "1..80 characters", "9003"),
        ('pdt = "9003"', 'pdf = "9003"', "station[1] (VEH-3).address.pdf", "one of pdt", "'pdf'"),
        ('["HQ",', '["HK",', "group ALL.members", "call sign of the roster", "'HK'"),
    ],
)
def test_refusal_of_the_roster_names_both_files(
    tmp_path: Path, old: str, new: str, field: str, limit: str, found: str
) -> None:
    """A wrong roster is named, with the file and key that asked for it."""
    path = _written(tmp_path)
    roster = tmp_path / "roster.toml"
    roster.write_text(ROSTER.replace(old, new, 1), encoding="utf-8")

    refusal = _refusal(path)

    assert refusal.field == f"{roster} (gateway.roster of {path}): {field}"
    assert limit in refusal.limit
    assert refusal.found == found


@pytest.mark.parametrize(
    ("octets", "found"),
    [(b"station 3", "at line 1"), (b"x = '\xff'", "octet 0xff at 5"), (None, "No such file")],
)
def test_unreadable_file_says_where(tmp_path: Path, octets: bytes | None, found: str) -> None:
    """No file, no UTF-8 and no TOML are told apart, with the place."""
    path = tmp_path / "roster.toml"
    if octets is not None:
        path.write_bytes(octets)

    with pytest.raises(BadInputError) as caught:
        load_roster(path)

    assert caught.value.field == str(path)
    assert found in caught.value.found


def test_two_names_of_one_serial_port_are_one_port(tmp_path: Path) -> None:
    """A link named by /dev/serial/by-id and one by its tty are two links on one port."""
    (tmp_path / "ttyUSB0").touch()
    (tmp_path / "by-id").symlink_to(tmp_path / "ttyUSB0")
    one, two = (
        _link(name, "beidou", device=str(tmp_path / path))
        for name, path in (("a", "ttyUSB0"), ("b", "by-id"))
    )

    refusal = _refusal(_written(tmp_path, links=one + two))

    assert "two links on one port" in refusal.en
    assert "link a has it" in refusal.limit
    assert refusal.field.endswith("link[1] (b).device")


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("127.0.0.1:5000", "127.0.0.1:5000"),
        ("0.0.0.0:5000", "127.0.0.1:5000"),
        ("127.0.0.1:5000", "0.0.0.0:5000"),
        ("[::]:5000", "127.0.0.1:5000"),
        ("[::]:5000", "0.0.0.0:5000"),
        ("[::]:5000", "[2001:db8::1]:5000"),
        ("[2001:DB8:0::1]:5000", "[2001:db8::1]:5000"),
        ("[::ffff:10.0.0.1]:5000", "10.0.0.1:5000"),
    ],
)
def test_overlapping_binds_are_one_port(tmp_path: Path, one: str, two: str) -> None:
    """Binds that the system would refuse together are refused by the check, however they are written."""
    path = _written(tmp_path, links=_link("a", "udp", bind=one) + _link("b", "udp", bind=two))

    refusal = _refusal(path)

    assert "two links on one port" in refusal.en
    assert refusal.found == repr(two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("127.0.0.1:5000", "127.0.0.1:5001"),
        ("127.0.0.1:5000", "127.0.0.2:5000"),
        ("0.0.0.0:5000", "[2001:db8::1]:5000"),
        ("0.0.0.0:0", "0.0.0.0:0"),
    ],
)
def test_binds_that_do_not_meet_are_accepted(tmp_path: Path, one: str, two: str) -> None:
    """Other ports, other addresses, other families and port 0 do not disturb each other."""
    path = _written(tmp_path, links=_link("a", "udp", bind=one) + _link("b", "udp", bind=two))

    assert [link.name for link in load_config(path).links] == ["a", "b"]
