"""The demo's story as a scenario, told in virtual time: median seconds of a performance, start to verdict."""

from __future__ import annotations

import statistics
import time

from bench.figure import Figure
from sim.run.play import play
from sim.scenario.draw import draw
from sim.scenario.library import find
from sim.scenario.read import load_scenario

TURNS = 5
AT_MOST_S = 5.0
HOW = "python -P -m bench.run main_job"


def run() -> list[Figure]:
    """Return what one performance takes; the demo's own takes as long as the story, its virtual seconds."""
    took, told = [], []
    for _ in range(TURNS):
        began_s = time.monotonic()
        told.append(play(draw(load_scenario(find("main-job")), seed=1)))
        took.append(time.monotonic() - began_s)
    return [
        Figure(
            name="main_job",
            value=statistics.median(took),
            unit="s",
            how=HOW,
            at_most=AT_MOST_S,
            peers={"in real time": told[0].took_s, f"of {TURNS} held": float(sum(one.holds for one in told))},
        )
    ]
