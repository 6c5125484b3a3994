"""Every bug that a seed found stays found: its shrunk run is played again and must hold now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sim.run import replay
from sim.run.play import play
from tests.tidy import ROOT

FOLDER = ROOT / "regressions"
KEPT = sorted(FOLDER.glob("*.json"))
TABLE = (ROOT / "REGRESSIONS.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_mended_bug_stays_mended(path: Path) -> None:
    """A run that once broke a promise breaks none today."""
    result = play(replay.read(path).drawn)

    assert [breach.detail for breach in result.breaches] == []
    assert [verdict.found for verdict in result.verdicts if not verdict.holds] == []


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_kept_run_is_small(path: Path) -> None:
    """What is kept is the least that broke it, and says what it broke."""
    kept = replay.read(path)

    assert kept.broken
    assert len(kept.drawn.schedule.faults) <= 3


def test_the_table_names_every_run() -> None:
    """REGRESSIONS.md has a line for each file, and no file is missing."""
    assert sorted(re.findall(r"\(regressions/([\w-]+\.json)\)", TABLE)) == [path.name for path in KEPT]
