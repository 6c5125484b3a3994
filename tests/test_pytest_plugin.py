"""The pytest plugin as somebody outside uses it: own folder, own configuration, the package installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sim.pytest_plugin import sim_test
from sim.run import replay
from sim.scenario.draw import draw
from sim.scenario.library import find
from sim.scenario.read import load_scenario

PLAIN = [word for name in ("cacheprovider", "xdist", "hypothesispytest") for word in ("-p", f"no:{name}")]


class Outsider:
    """A project of somebody else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ini("")

    def ini(self, lines: str) -> None:
        """Write the configuration."""
        text = f"[pytest]\nasyncio_default_fixture_loop_scope = function\n{lines}"
        (self.folder / "pytest.ini").write_text(text, "utf-8")

    def file(self, text: str, name: str = "test_mine.py") -> None:
        """Write a file."""
        (self.folder / name).write_text(text, "utf-8")

    def pytest(self, *words: str) -> tuple[int, str]:
        """Run pytest there; return exit status and what it said."""
        environ = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *PLAIN, *words],
            cwd=self.folder,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def outsider(tmp_path: Path) -> Outsider:
    return Outsider(tmp_path)


SEEDED = """
import asyncio
from sim.pytest_plugin import sim_test

@sim_test(seeds=20)
async def test_draws(streams, tmp_path):
    loop = asyncio.get_running_loop()
    assert loop.time() == 0.0
    await asyncio.sleep(3600)
    with (tmp_path.parent / "seeds.txt").open("a") as told:
        told.write(f"{streams.seed} ")
    assert streams.seed < 17
"""


def test_failure_names_seed_and_how_to_repeat_it(outsider: Outsider) -> None:
    """Seeds are played in order until one fails; the words it prints play that seed alone."""
    outsider.file(SEEDED)
    status, said = outsider.pytest("--basetemp=base")
    assert status == 1
    assert "seed 17" in said
    assert (outsider.folder / "base" / "seeds.txt").read_text() == " ".join(map(str, range(18))) + " "

    repeat = re.search(r"repeat: pytest '([^']+)' (--sim-replay 17)", said)
    assert repeat is not None
    status, said = outsider.pytest("--basetemp=base", repeat[1], *repeat[2].split())
    assert status == 1
    assert (outsider.folder / "base" / "seeds.txt").read_text() == "17 "


def test_number_of_seeds_can_be_given(outsider: Outsider) -> None:
    """`--sim-seeds` overrides what the test says, up or down."""
    outsider.file(SEEDED)
    assert outsider.pytest("--basetemp=base", "--sim-seeds", "3")[0] == 0
    assert (outsider.folder / "base" / "seeds.txt").read_text() == "0 1 2 "
    status, said = outsider.pytest("--sim-seeds", "0")
    assert status == 4
    assert "count from 1" in said


def test_dead_wait_fails_at_once(outsider: Outsider) -> None:
    """A test that waits for what never comes is told where it waits, without waiting."""
    outsider.file("""
import asyncio
from sim.pytest_plugin import sim_test

@sim_test(seeds=[4])
async def test_waits():
    await asyncio.Event().wait()

@sim_test(seeds=[5], limit_s=60)
async def test_polls():
    while True:
        await asyncio.sleep(1)
""")
    status, said = outsider.pytest()
    assert status == 1
    assert "DeadlockError" in said
    assert "seed 4" in said
    assert "limited to 60" in said
    assert "seed 5" in said


def test_fixtures_and_parameters_go_together(outsider: Outsider) -> None:
    """Ordinary fixtures, parametrize and classes work; what the simulator gives is new for each seed."""
    outsider.file("""
import pytest
from sim.pytest_plugin import sim_test

SEEN = []

@pytest.fixture
def word():
    return "ready"

class TestAll:
    @pytest.mark.parametrize("factor", [1, 2])
    @sim_test(seeds=3)
    async def test_it(self, sim, factor, word, sim_serial, radio_net, virtual_clock):
        assert word == "ready" and sim.serial is sim_serial and sim.radio_net is radio_net
        before_ms = virtual_clock.unix_ms()
        await virtual_clock.sleep(86_400)
        assert virtual_clock.unix_ms() - before_ms == 86_400_000
        assert list(sim.folder.iterdir()) == []
        (sim.folder / "mine").write_text("x")
        SEEN.append((factor, sim.seed, sim.streams.stream("a").random()))

def test_afterwards():
    assert [one[:2] for one in SEEN] == [(f, s) for f in (1, 2) for s in (0, 1, 2)]
    assert SEEN[0][2] == SEEN[3][2] != SEEN[1][2]
""")
    assert outsider.pytest()[0] == 0


RADIO = """
import asyncio
import pytest
from drivers.hytera.config import HyteraConfig
from drivers.hytera.driver import DRIVER
from fieldgate import LinkState, Received, StateChanged
MARK
async def test_driver_hears_a_handheld(radio_net, sim_serial):
    radio = radio_net.mobile(2101)
    handheld = radio_net.handheld(3001, home=2101)
    config = HyteraConfig(device=radio.path)
    async with DRIVER.open("pdt", config, sim_serial.env("pdt")) as link:
        async for event in link.events():
            if isinstance(event, StateChanged) and event.state is LinkState.UP:
                handheld.switch_on()
                handheld.type_text("水位上涨")
            if isinstance(event, Received):
                assert event.text == "水位上涨"
                break
"""


@pytest.mark.parametrize(
    ("mark", "ini"),
    [
        ("from sim.pytest_plugin import sim_test\n@sim_test(seeds=2)", ""),
        ("@pytest.mark.asyncio", "fieldgate_virtual_time = true"),
        ("@pytest.mark.real\n@pytest.mark.asyncio", "fieldgate_virtual_time = true"),
        ("@pytest.mark.asyncio", ""),
    ],
    ids=["sim_test", "virtual", "real", "real by default"],
)
def test_one_driver_test_in_memory_and_on_a_pty(outsider: Outsider, mark: str, ini: str) -> None:
    """The same lines test a driver in virtual time and, with the mark `real`, on a PTY."""
    outsider.ini(f"addopts = --strict-markers\n{ini}\n")
    outsider.file(RADIO.replace("MARK", mark))
    status, said = outsider.pytest()
    assert status == 0, said


def test_nothing_changes_for_who_does_not_ask(outsider: Outsider) -> None:
    """Async tests of other projects keep asyncio's own loop, and pay no import of the simulator."""
    outsider.file("""
import asyncio, sys, time
import pytest

@pytest.mark.asyncio
async def test_real_time():
    assert isinstance(asyncio.get_running_loop(), asyncio.SelectorEventLoop)
    began = time.monotonic()
    await asyncio.sleep(0.05)
    assert time.monotonic() - began >= 0.05

def test_not_imported():
    assert not {"sim.loop", "sim.kit", "gateway", "drivers"} & set(sys.modules)
""")
    assert outsider.pytest()[0] == 0


def test_project_may_choose_its_own_loops(outsider: Outsider) -> None:
    """A hook of the project's own is asked first, with and without our option."""
    outsider.file(
        """
import asyncio

class Mine(asyncio.SelectorEventLoop):
    pass

def pytest_asyncio_loop_factories(config, item):
    return {"mine": Mine}
""",
        "conftest.py",
    )
    outsider.file("""
import asyncio
import pytest

@pytest.mark.asyncio
async def test_mine():
    assert type(asyncio.get_running_loop()).__name__ == "Mine"
""")
    assert outsider.pytest()[0] == 0
    outsider.ini("fieldgate_virtual_time = true\n")
    assert outsider.pytest()[0] == 0


def test_works_without_pytest_asyncio(outsider: Outsider) -> None:
    """Sim tests need nothing but pytest, and the option disturbs nobody there."""
    outsider.file(SEEDED.replace("< 17", "< 99"))
    (outsider.folder / "pytest.ini").write_text("[pytest]\nfieldgate_virtual_time = true\n", "utf-8")
    status, said = outsider.pytest("-p", "no:asyncio")
    assert status == 0, said


def test_clock_in_real_time_says_what_to_do(outsider: Outsider) -> None:
    """`virtual_clock` never lets a test wait an hour; both languages."""
    outsider.file("""
import pytest

@pytest.mark.asyncio
async def test_waits(virtual_clock):
    await virtual_clock.sleep(3600)
""")
    status, said = outsider.pytest()
    assert status == 1
    assert "use @sim_test" in said


def test_replay_file_brings_its_run(outsider: Outsider) -> None:
    """A test that plays a scenario plays the very run of a replay file; another file is refused."""
    drawn = draw(load_scenario(find("small")), 7)
    replay.write(outsider.folder / "seven.json", replay.Replay(drawn=drawn, version="0"))
    outsider.file("""
from sim.pytest_plugin import sim_test
from sim.scenario.library import find
from sim.scenario.read import load_scenario

@sim_test(seeds=3)
async def test_run(sim):
    drawn = sim.draw(load_scenario(find("small")))
    assert (sim.seed, drawn.seed) == (7, 7)
""")
    status, said = outsider.pytest("--sim-replay", "seven.json")
    assert status == 0, said
    status, said = outsider.pytest("--sim-replay", "test_mine.py")
    assert status != 0
    assert "replay file" in said


def test_no_seed_at_all_is_refused() -> None:
    """A test that would play nothing is a mistake."""
    with pytest.raises(ValueError, match="prove nothing"):
        sim_test(seeds=0)
