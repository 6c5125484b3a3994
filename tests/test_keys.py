"""Key files: fresh, private, refused when loose or wrong, and never shown by accident."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.cli_keys import add_command, run_new
from gateway.keys import (
    MASTER_FILE,
    Master,
    fingerprint,
    load_keys,
    load_station_keys,
    new_master,
    station_file_name,
    write_all,
)
from protocols.air import KeyRing
from protocols.errors import BadInputError

ROSTER = """
[[station]]
number = 1
call_sign = "HQ"
name = "指挥中心"
gateway = true
headquarters = true
[[station]]
number = 300
call_sign = "VEH-3"
name = "三号车"
gateway = true
[[station]]
number = 17
call_sign = "P17"
name = "手台"
"""


def _octets(seed: int) -> Callable[[int], bytes]:
    return hashlib.shake_128(bytes([seed])).digest


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Make a directory of keys for stations 1 and 300."""
    write_all(new_master(_octets(1)), [1, 300], tmp_path / "keys")
    return tmp_path / "keys"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    add_command(parser.add_subparsers())
    return parser


def _fieldgate(*words: str) -> int:
    args = _parser().parse_args(["keys", *words])
    status: int = args.run(args)
    return status


def test_two_stations_share_their_pair_key_and_the_net_key(made: Path) -> None:
    """What one station's file says of the other is what the other's says of it; no file holds the master."""
    hq, vehicle = (load_station_keys(made / station_file_name(number)) for number in (1, 300))
    master = load_keys(made / MASTER_FILE)

    assert hq.pairs[300] == vehicle.pairs[1] != hq.net_key == vehicle.net_key
    assert isinstance(master, Master)
    assert master.key.hex() not in (made / station_file_name(1)).read_text()
    assert (hq.net_id, hq.epoch) == (master.net_id, 0)


def test_key_files_are_private(made: Path) -> None:
    """Every file is 0600 and its directory 0700, whatever the umask."""
    assert made.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in made.iterdir()} == {0o600}
    assert len(list(made.iterdir())) == 3


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601])
def test_loose_permissions_are_refused(made: Path, mode: int) -> None:
    """A key file that others may touch is refused, naming the file, the limit and what was found."""
    path = made / station_file_name(1)
    path.chmod(mode)

    with pytest.raises(BadInputError) as caught:
        load_station_keys(path)

    assert str(path) in caught.value.en
    assert "0600" in caught.value.limit
    assert f"{mode:04o}" in caught.value.found
    assert "权限" in caught.value.zh


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('net_key = "', 'net_key = "zz', "net_key"),
        ('300 = "', '300 = "00', "pair.300"),
        ("300 = ", "70000 = ", "pair.70000"),
        ("300 = ", "1 = ", "pair.1"),
        ("300 = ", "x = ", "pair.x"),
        ("300 = ", "300.key = ", "pair"),
        ("station = 1", "station = 0", "station"),
        ("station = 1", "station = 65536", "station"),
        ("station = 1", 'station = "1"', "station"),
        ("epoch = 0", "epoch = -1", "epoch"),
        ("epoch = 0", "epocc = 0", "epoc"),
        ("net_key", "pet_key", "_key"),
        ("[pair]", "[pair", "station-1.toml"),
    ],
)
def test_bad_content_is_refused_by_name_without_the_key(made: Path, old: str, new: str, field: str) -> None:
    """The error names file and field in two languages and repeats no key."""
    path = made / station_file_name(1)
    text = path.read_text()
    secrets = [line.split('"')[1] for line in text.splitlines() if '"' in line]
    path.write_text(text.replace(old, new, 1))

    with pytest.raises(BadInputError) as caught:
        load_keys(path)

    shown = caught.value.en + caught.value.zh + repr(caught.value.__cause__)
    assert "station-1.toml" in shown
    assert field in shown
    assert not any(secret[:16] in shown for secret in secrets)


def test_a_key_of_zeros_is_refused(made: Path) -> None:
    """There is no default key: sixty-four equal digits are not one."""
    path = made / station_file_name(1)
    ring = load_station_keys(path)
    path.write_text(path.read_text().replace(ring.net_key.hex(), "0" * 64))

    with pytest.raises(BadInputError, match="net_key"):
        load_keys(path)


def test_a_missing_file_and_a_binary_file_are_refused(tmp_path: Path) -> None:
    """Both name the file."""
    binary = tmp_path / "b.toml"
    binary.write_bytes(b"\xff\x00")
    binary.chmod(0o600)

    for path in (tmp_path / "nowhere.toml", binary):
        with pytest.raises(BadInputError, match=path.name):
            load_keys(path)


def test_the_master_runs_no_gateway(made: Path) -> None:
    """Its file is refused where a station's is wanted."""
    with pytest.raises(BadInputError, match="headquarters"):
        load_station_keys(made / MASTER_FILE)


def test_existing_keys_are_never_overwritten(made: Path) -> None:
    """A second run into the same directory changes nothing and says so."""
    before = {path.name: path.read_bytes() for path in made.iterdir()}

    with pytest.raises(BadInputError, match="never overwritten"):
        write_all(new_master(_octets(2)), [1, 300], made)

    assert {path.name: path.read_bytes() for path in made.iterdir()} == before


def test_keys_new_makes_files_for_gateways_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`keys new` prints what it wrote: the master and one file per gateway station of the roster."""
    roster, out = tmp_path / "roster.toml", tmp_path / "out"
    roster.write_text(ROSTER)

    assert _fieldgate("new", "--roster", str(roster), "--out", str(out)) == 0

    names = {Path(line).name for line in capsys.readouterr().out.splitlines()}
    assert names == {MASTER_FILE, "station-1.toml", "station-300.toml"}
    assert set(load_station_keys(out / "station-1.toml").pairs) == {300}


def test_keys_are_fresh_each_time(tmp_path: Path) -> None:
    """Two runs give two masters."""
    roster = tmp_path / "roster.toml"
    roster.write_text(ROSTER)
    for name in "ab":
        assert _fieldgate("new", "--roster", str(roster), "--out", str(tmp_path / name)) == 0

    one, two = (load_keys(tmp_path / name / MASTER_FILE) for name in "ab")

    assert isinstance(one, Master)
    assert isinstance(two, Master)
    assert one.key != two.key


def test_a_bad_roster_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2, the reason in two languages, no directory made."""
    roster = tmp_path / "roster.toml"
    roster.write_text(ROSTER.replace("gateway = true", "gateway = false"))
    args = argparse.Namespace(roster=roster, out=tmp_path / "out")

    assert run_new(args, random_octets=_octets(1)) == 2

    assert not (tmp_path / "out").exists()
    error = capsys.readouterr().err
    assert "gateway = true" in error
    assert "名册" in error


def test_show_tells_fingerprints_and_no_keys(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both stations show the same fingerprint for their pair; the keys appear only when asked for."""
    path = made / station_file_name(1)
    ring = load_keys(path)
    assert isinstance(ring, KeyRing)

    assert _fieldgate("show", str(path)) == 0
    plain = capsys.readouterr().out
    assert _fieldgate("show", "--secret", "--json", str(path)) == 0
    secret = json.loads(capsys.readouterr().out)

    assert fingerprint(ring.pairs[300]) in plain
    assert ring.pairs[300].hex() not in plain
    assert ring.net_key.hex() not in plain
    assert secret["pair"]["300"] == ring.pairs[300].hex()


def test_show_of_a_bad_file_is_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And says which file."""
    assert _fieldgate("show", str(tmp_path / "none.toml")) == 2
    assert "none.toml" in capsys.readouterr().err
