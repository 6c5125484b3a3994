"""A seed says everything: the same run in every process, another one for another seed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.tidy import ROOT

SEEDS = ("3", "24", "99")
"""One that is calm, one with disks and dates at fault, one with restarts."""


@pytest.mark.timeout(300)
def test_a_seed_gives_the_same_run_in_two_processes() -> None:
    """Two processes with different hash seeds see the same events, octet for octet."""
    here, there = (_lines(hash_seed).splitlines() for hash_seed in ("1", "4242"))

    differing = next((pair for pair in zip(here, there, strict=False) if pair[0] != pair[1]), None)
    assert differing is None, f"first difference:\n{differing[0]}\n{differing[1]}"
    assert len(here) == len(there)
    traces = [line.split()[-1] for line in here if " trace " in line]
    assert len(set(traces)) == len(SEEDS), "two seeds gave one run"


def _lines(hash_seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tests.trace_lines", *SEEDS],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        check=True,
        text=True,
    )
    return done.stdout
