"""Prints every event of some seeds of the small world, a line each, for comparing two processes."""

from __future__ import annotations

import sys
import zlib

from sim.record import HASHED
from sim.run.play import play
from sim.scenario.draw import draw
from sim.scenario.library import find
from sim.scenario.read import load_scenario


def main() -> None:
    """Play the seeds named on the command line."""
    scenario = load_scenario(find("small"))
    for seed in map(int, sys.argv[1:]):
        result = play(draw(scenario, seed), keep=HASHED)
        for event in result.events:
            facts = f"{event.node} {event.link} {dict(event.facts)} {zlib.crc32(event.data):08x}"
            print(seed, event.at_ns, event.what.value, facts)  # noqa: T201 - its answer
        print(seed, "trace", result.trace)  # noqa: T201


if __name__ == "__main__":
    main()
