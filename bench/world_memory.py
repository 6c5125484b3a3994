"""What a world of two hundred gateways weighs: the resident set of the one process they all run in."""

from __future__ import annotations

import resource

from bench.convoy import measure
from bench.figure import Figure

GATEWAYS = 200
VIRTUAL_S = 30.0
"""After they settled: links are up, and headquarters has heard of every one."""

AT_MOST_MIB = 1_024.0
KIBIOCTETS_PER_MIB = 1024
HOW = "python -P -m bench.run world_memory"


def run() -> list[Figure]:
    """Return the greatest resident set so far; this benchmark has its process for itself."""
    measure(GATEWAYS, VIRTUAL_S)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIBIOCTETS_PER_MIB
    return [Figure(name="world_memory", value=peak, unit="MiB", how=HOW, at_most=AT_MOST_MIB)]
