"""Back-off, the machine's clock, and finding drivers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from drivers import registry
from drivers.io.backoff import Backoff
from drivers.io.clock import SystemClock
from protocols.errors import BadInputError
from sim.rng import Streams


def test_delays_double_up_to_the_limit() -> None:
    """1, 2, 4, 8 and then 8 s, and 1 s again after a success."""
    backoff = Backoff(Streams(1).stream("x"), first_s=1, max_s=8, jitter=0)

    assert [backoff.next_s() for _ in range(6)] == [1, 2, 4, 8, 8, 8]
    assert backoff.tries == 6
    backoff.reset()
    assert (backoff.next_s(), backoff.tries) == (1, 1)


def test_jitter_lengthens_by_no_more_than_its_share() -> None:
    """Each delay lies between the base and the base plus a fifth, and they differ."""
    rng = Streams(1).stream("x")
    delays = [Backoff(rng, first_s=10, jitter=0.2).next_s() for _ in range(100)]

    assert all(10 <= delay <= 12 for delay in delays)
    assert len(set(delays)) > 90


@pytest.mark.real
async def test_the_machines_clock_goes_forward() -> None:
    """Monotonic time passes while sleeping; the date is after this was written."""
    clock = SystemClock()
    before_s = clock.monotonic_s()

    await clock.sleep(0.01)

    assert clock.monotonic_s() - before_s >= 0.009
    assert clock.unix_ms() > 1_600_000_000_000


def test_an_unknown_driver_is_refused_with_what_is_installed() -> None:
    """The error names what was asked for and what there is, in both languages."""
    with pytest.raises(BadInputError) as caught:
        registry.load("hytra")

    assert "hytra" in caught.value.en
    assert "hytera" in caught.value.en
    assert "未安装该驱动" in caught.value.zh


def test_the_four_drivers_are_installed() -> None:
    """The drivers that ship are found by name."""
    assert {"at_modem", "beidou", "hytera", "udp"} <= set(registry.names())


def _package(folder: Path, package: str) -> None:
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[fieldgate.drivers]\nshortwave = {package}:DRIVER\n")
    (folder / f"{package}.py").write_text(f"DRIVER = {package!r}\n")


def test_a_driver_from_outside_is_found_and_only_it_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another package's entry point is loaded by name, as the package made it."""
    _package(tmp_path, "shortwave_one")
    monkeypatch.syspath_prepend(tmp_path)

    assert repr(registry.load("shortwave")) == "'shortwave_one'"


def test_a_name_claimed_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two packages with one driver name: the error names both, and neither is imported."""
    _package(tmp_path, "shortwave_a")
    _package(tmp_path, "shortwave_b")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(BadInputError, match=r"shortwave_a:DRIVER, shortwave_b:DRIVER"):
        registry.load("shortwave")
    assert "shortwave_a" not in sys.modules


@pytest.mark.real
def test_loading_one_driver_imports_no_other() -> None:
    """A box with one link does not pay for the code of four."""
    code = (
        "import sys; from drivers.registry import load; load('udp');"
        "print([m for m in sys.modules if m in {'drivers.hytera', 'drivers.beidou', 'drivers.at_modem'}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout == "[]\n"
