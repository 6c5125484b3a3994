"""What a stranger installs: the wheel, the lock, the environment script and the systemd files."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.tidy import ROOT, product_rooms, tracked_files

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
UNIT = ROOT / "systemd" / "fieldgate.service"


def _run(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, **options)


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Build the wheel and list what is in it."""
    target = tmp_path_factory.mktemp("wheel")
    built = _run(sys.executable, "-P", "-m", "hatchling", "build", "-t", "wheel", "-d", target, cwd=ROOT)
    assert built.returncode == 0, built.stderr
    (path,) = target.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_wheel_holds_our_rooms_only(wheel: list[str]) -> None:
    """Nothing but the rooms and the metadata is installed; no tests, no benchmarks."""
    tops = {name.partition("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(product_rooms())


def test_wheel_holds_every_product_file(wheel: list[str]) -> None:
    """What the tree has in its rooms, the wheel has: code, SQL, pages, type marks."""
    rooms = tuple(f"{room}/" for room in product_rooms())
    assert [path for path in tracked_files() if path.startswith(rooms) and path not in wheel] == []


def test_no_other_distribution_brings_our_names() -> None:
    """No locked package overwrites a room of ours (names like `drivers` are common)."""
    owners = importlib.metadata.packages_distributions()
    foreign = {room: set(owners.get(room, ())) - {"fieldgate"} for room in product_rooms()}
    assert {room: names for room, names in foreign.items() if names} == {}


def test_every_dependency_is_locked() -> None:
    """The lock holds every direct dependency and the build back end."""
    wanted = [
        *PROJECT["dependencies"],
        *(r for group in PROJECT["optional-dependencies"].values() for r in group),
    ]
    locked = {_name(line) for line in LOCK.splitlines() if line and line[0].isalnum()}
    assert {_name(requirement) for requirement in wanted} - locked == set()


def _imported(path: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {item.name.partition(".")[0] for item in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_product_imports_what_it_declares() -> None:
    """Each third-party import of the product is a declared dependency, and each of those is imported."""
    rooms = tuple(f"{room}/" for room in product_rooms())
    files = [path for path in tracked_files() if path.startswith(rooms) and path.endswith(".py")]
    files.remove("sim/pytest_plugin.py")  # pytest itself imports it, and nobody else
    imported: set[str] = set().union(*(_imported(path) for path in files))
    owners = importlib.metadata.packages_distributions()
    foreign = imported - sys.stdlib_module_names - set(product_rooms())
    used = {_name(owner) for module in foreign for owner in owners.get(module, [module])}
    assert used == {_name(requirement) for requirement in PROJECT["dependencies"]}


def test_every_locked_package_has_hashes() -> None:
    """Nothing is installed that is not known octet for octet."""
    entries = re.split(r"\n(?=\w)", LOCK.strip())
    assert len(entries) > 10
    assert [entry.partition(" ")[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("group", PROJECT["entry-points"] | {"console_scripts": PROJECT["scripts"]})
def test_entry_points_lead_somewhere(group: str) -> None:
    """Every name in the packaging metadata is importable and is there."""
    targets = PROJECT["scripts"] if group == "console_scripts" else PROJECT["entry-points"][group]
    for target in targets.values():
        module, colon, attribute = target.partition(":")
        found = importlib.import_module(module)  # a plugin of pytest is a module and names no attribute
        assert not colon or hasattr(found, attribute), target


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """Lay out as much of a clone as the environment step needs."""
    for path in ("Makefile", "pyproject.toml", "requirements.lock", "packaging/make-venv.sh"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    return tmp_path


def _make(bare: Path, refuse: str) -> subprocess.CompletedProcess[str]:
    """Run `make test` with a Python that fails whenever its arguments contain `refuse`."""
    fake = bare / "fake-python"
    fake.write_text(f'#!/bin/sh\ncase "$*" in *"{refuse}"*) exit 1;; esac\nexec {sys.executable} "$@"\n')
    fake.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return _run("make", f"PYTHON={fake}", "test", cwd=bare, env=environment)


def test_without_pip_make_says_the_one_line(bare: Path) -> None:
    """Without pip, `make` names the command that installs it, and stops before it makes anything."""
    done = _make(bare, "-m pip")
    assert done.returncode != 0
    assert done.stdout.splitlines() == [
        "pip is missing; install it once (缺少 pip，请先安装):  sudo apt-get install -y python3-pip",
    ]
    assert not (bare / ".venv").exists()


def test_old_python_is_refused_by_version(bare: Path) -> None:
    """An interpreter that is too old is named as the reason, with the way out."""
    done = _make(bare, "version_info")
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stdout
    assert not (bare / ".venv").exists()


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """Give the unit with the program's place of this machine; everything else as shipped."""
    program = Path(sys.executable).with_name("fieldgate")
    text, count = re.subn(r"(?m)^ExecStart=\S+", f"ExecStart={program}", UNIT.read_text("utf-8"))
    assert count == 1
    path = tmp_path / UNIT.name
    path.write_text(text, "utf-8")
    return path


@pytest.mark.peers
def test_systemd_knows_every_key_of_the_unit(unit: Path) -> None:
    """The service manager finds no unknown key, no wrong value and no missing program."""
    done = _run("systemd-analyze", "verify", "--recursive-errors=yes", unit)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.peers
def test_systemd_verify_can_fail(unit: Path) -> None:
    """The check above sees a misspelt key."""
    unit.write_text(unit.read_text("utf-8").replace("WatchdogSec=", "WatchdogSecs="), "utf-8")
    assert _run("systemd-analyze", "verify", "--recursive-errors=yes", unit).returncode != 0


@pytest.mark.peers
def test_unit_is_hardened(unit: Path) -> None:
    """Exposure, as systemd counts it, is at most 3.0 of 10."""
    done = _run("systemd-analyze", "security", "--offline=true", "--threshold=30", unit)
    assert done.returncode == 0, done.stdout


@pytest.mark.peers
def test_user_and_directories_are_made(tmp_path: Path) -> None:
    """The user may open serial ports; the keys and the ledger are closed to others."""
    (tmp_path / "etc").mkdir()
    made = _run("systemd-sysusers", f"--root={tmp_path}", ROOT / "systemd/sysusers.d/fieldgate.conf")
    assert made.returncode == 0, made.stderr
    _run("systemd-tmpfiles", "--create", f"--root={tmp_path}", ROOT / "systemd/tmpfiles.d/fieldgate.conf")
    groups = (tmp_path / "etc/group").read_text().splitlines()
    assert [line.rpartition(":")[2] for line in groups if line.startswith("dialout:")] == ["fieldgate"]
    modes = [(tmp_path / path).stat().st_mode & 0o777 for path in ("etc/fieldgate", "var/lib/fieldgate")]
    assert modes == [0o750, 0o700]
