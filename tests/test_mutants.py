"""The sweep is worth its time: planted bugs are found, shrunk to a few faults, and replayed."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.mutants.catalogue import NAMED, OTHERS
from tests.mutants.planting import Mutant
from tests.tidy import ROOT


def hunt(name: str, *options: str) -> dict[str, Any]:
    """Plant one in a process of its own, and let the sweep loose on it."""
    command = [sys.executable, "-P", "-m", "tests.mutants.hunt", name, *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.timeout(900)
@pytest.mark.parametrize("bug", NAMED, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found_and_shrunk(bug: Mutant) -> None:
    """Within the seeds of the sweep one breaks; at most three faults of it are needed; its replay is it."""
    found = hunt(bug.name)

    assert found["seed"] is not None
    assert len(found["faults"]) <= 3
    assert found["replayed"]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("bug", OTHERS, ids=lambda bug: bug.name)
def test_another_planted_bug_is_found(bug: Mutant) -> None:
    """Within the seeds of the sweep one breaks, and breaks the same when it is played again."""
    found = hunt(bug.name, "--quick")

    assert found["seed"] is not None
    assert found["replayed"]
