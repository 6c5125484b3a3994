"""The benchmark harness never keeps silent, and its process helper measures what is there."""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from pathlib import Path
from textwrap import dedent

import pytest

from bench.daemon import NeverReadyError, Process
from bench.figure import Figure
from bench.kill import judge
from bench.run import PROMISED, discover, measure, missing, table
from tests.tidy import ROOT


def _figure(value: float | None, *, at_most: float | None = None, at_least: float | None = None) -> Figure:
    return Figure(name="x", value=value, unit="s", how="make bench", at_most=at_most, at_least=at_least)


@pytest.mark.parametrize(
    ("figure", "bound", "holds"),
    [
        (_figure(1.0), "", True),
        (_figure(2.0, at_most=2.0), "<= 2", True),
        (_figure(2.1, at_most=2.0), "<= 2", False),
        (_figure(9.0, at_least=10.0), ">= 10", False),
        (_figure(11.0, at_least=10.0, at_most=12.0), ">= 10 and <= 12", True),
        (_figure(None, at_most=2.0), "<= 2", False),
        (_figure(math.nan, at_most=2.0), "<= 2", False),
    ],
)
def test_bound_is_judged(figure: Figure, bound: str, holds: bool) -> None:  # noqa: FBT001 - a table
    """A figure holds only if it was measured and lies within its bound."""
    told = json.loads(json.dumps(figure.as_json(), allow_nan=False))
    assert (told["bound"], told["holds"]) == (bound, holds)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty package of benchmarks that child processes find."""
    folder = tmp_path / "sample_bench"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    return folder


def _write(package: Path, name: str, source: str) -> None:
    (package / f"{name}.py").write_text(dedent(source), "utf-8")


GOOD = """
    from bench.figure import Figure

    def run():
        print("a benchmark may talk")
        return [Figure(name="good", value=3, unit="s", how="-", at_most=2, peers={"other": 4.0})]
"""


@pytest.mark.real
def test_figures_come_out_of_the_process(package: Path) -> None:
    """A benchmark's figures arrive with their verdict and peers, also when they fall short."""
    _write(package, "good", GOOD)
    (row,) = measure("good", "sample_bench")
    assert (row["value"], row["holds"], row["bound"], row["peers"]) == (3, False, "<= 2", {"other": 4.0})


@pytest.mark.real
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise RuntimeError('out of radios')", "out of radios"),
        ("import os; os.abort()", "exit status -6"),
        ("return []", "measured nothing"),
        ("import time; time.sleep(60)", "did not end within"),
    ],
)
def test_crash_is_a_row(package: Path, body: str, reason: str) -> None:
    """A benchmark that raises, dies, hangs or measures nothing is a row that does not hold and says why."""
    _write(package, "bad", f"def run():\n    {body}\n")
    (row,) = measure("bad", "sample_bench", limit_s=3.0)
    assert (row["name"], row["value"], row["holds"]) == ("bad", None, False)
    assert reason in row["error"]
    assert "bad" in table([row])


def test_promised_figures_cannot_go_missing() -> None:
    """A figure that was promised and that nothing measures is a row of the results."""
    rows = [figure.as_json() for figure in (_figure(1.0),)]
    assert [row["name"] for row in missing(rows)] == list(PROMISED)
    rows = [{**rows[0], "name": name} for name in PROMISED]
    assert missing(rows) == []


def test_only_benchmarks_are_discovered(package: Path) -> None:
    """Helpers beside the benchmarks are not run."""
    _write(package, "good", GOOD)
    _write(package, "helper", "def other(): ...\n")
    _write(package, "run", "def run(): ...\n")
    assert discover(package) == ["good"]


def test_counter_of_power_cuts_sees_loss_and_doubling() -> None:
    """One dropped is one lost, one doubled is one doubled; one that was never accepted is neither."""
    assert judge({"a", "b", "c"}, Counter({"a": 1, "b": 2, "not answered": 1})) == (1, 1)
    assert judge({"a", "b"}, Counter({"a": 1, "b": 1})) == (0, 0)


READY = """
    import os, signal, socket, sys, time
    ballast = b"x" * 40_000_000
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"STATUS=starting", os.environ["NOTIFY_SOCKET"])
        sender.sendto(b"READY=1\\nSTATUS=up", os.environ["NOTIFY_SOCKET"])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if "busy" in sys.argv:
        while True:
            pass
    time.sleep(60)
"""


def _process(*arguments: str, source: str = READY) -> Process:
    return Process([sys.executable, "-I", "-c", dedent(source), *arguments])


@pytest.mark.real
def test_process_is_measured_when_ready() -> None:
    """Start-up time, memory, an idle processor and a clean stop are measured."""
    with _process() as process:
        assert 0 < process.wait_ready(10) < 10
        assert 40e6 < process.resident_octets() < 120e6
        assert process.cpu_share(0.3) < 0.1
        assert process.stop() < 5
        assert process.exit_status == 0


@pytest.mark.real
def test_busy_process_is_seen() -> None:
    """A process that spins is not taken for an idle one."""
    with _process("busy") as process:
        process.wait_ready(10)
        assert process.cpu_share(0.5) > 0.2
        process.kill()
        assert process.exit_status == -9


@pytest.mark.real
def test_process_that_never_gets_ready_is_told() -> None:
    """A program that ends or hangs before READY=1 is an error with its own words."""
    with (
        _process(source="print('no such port')") as process,
        pytest.raises(NeverReadyError, match="no such port"),
    ):
        process.wait_ready(10)
    with (
        _process(source="import time; time.sleep(60)") as process,
        pytest.raises(NeverReadyError, match="within"),
    ):
        process.wait_ready(0.5)
