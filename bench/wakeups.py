"""Timer wake-ups a second: our loop, the same loop with asyncio's own tasks and futures, SimPy, looptime.

1 000 sleepers wake 100 times each, as in the reference. looptime's pytest plugin patches every loop
class of an environment that it is installed in, so it is fetched into a folder of its own for one process.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from typing import Any, TypeVar

import simpy
from typing_extensions import override

from bench.figure import Figure
from sim.loop import VirtualLoop

T = TypeVar("T")

SLEEPERS, WAKES = 1_000, 100
AT_LEAST = 0.6
ROUNDS = 5
"""Each is measured in turn so many times and its best is told: others use the machine too."""
LOOPTIME = "looptime==0.9"
LOOPTIME_WAKES = 5
"""It is forty times slower."""
FETCH_LIMIT_S, LOOPTIME_LIMIT_S = 60.0, 120.0
HOW = "python -P -m bench.run wakeups"

LOOPTIME_CODE = f"""
import asyncio, time
import looptime

async def sleeper(number):
    for _ in range({LOOPTIME_WAKES}):
        await asyncio.sleep(1 + number * 1e-3)

async def main():
    async with asyncio.TaskGroup() as tasks:
        for number in range({SLEEPERS}):
            tasks.create_task(sleeper(number))

loop = looptime.patch_event_loop(asyncio.new_event_loop())
loop.setup_looptime(start=0)
start_s = time.process_time()
loop.run_until_complete(main())
print({SLEEPERS * LOOPTIME_WAKES} / (time.process_time() - start_s))
"""


class StockLoop(VirtualLoop):
    """The virtual loop with asyncio's own futures and tasks, whose order differs from process to process."""

    @override
    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    @override
    def create_task(
        self, coro: Coroutine[Any, Any, T] | Generator[Any, None, T], **keys: Any
    ) -> asyncio.Task[T]:
        return asyncio.Task(coro, loop=self, **keys)


async def _sleeper(number: int) -> None:
    for _ in range(WAKES):
        await asyncio.sleep(1 + number * 1e-6)


async def _sleepers() -> None:
    async with asyncio.TaskGroup() as tasks:
        for number in range(SLEEPERS):
            tasks.create_task(_sleeper(number))


def loop_rate(factory: Callable[[], VirtualLoop]) -> float:
    """Return wake-ups per CPU second of a loop."""
    start_s = time.process_time()
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_sleepers())
    return SLEEPERS * WAKES / (time.process_time() - start_s)


def simpy_rate() -> float:
    """Return wake-ups per CPU second of SimPy's processes."""
    env = simpy.Environment()

    def sleeper(number: int) -> Generator[simpy.Event, object, None]:
        for _ in range(WAKES):
            yield env.timeout(1 + number * 1e-6)

    start_s = time.process_time()
    for number in range(SLEEPERS):
        env.process(sleeper(number))
    env.run()
    return SLEEPERS * WAKES / (time.process_time() - start_s)


def looptime_rate() -> float | None:
    """Return wake-ups per CPU second of looptime; None where it cannot be fetched."""
    with tempfile.TemporaryDirectory() as folder:
        uv = Path(sys.executable).with_name("uv")
        fetch = [
            str(uv),
            "pip",
            "install",
            "--quiet",
            "--python",
            sys.executable,
            "--target",
            folder,
            LOOPTIME,
        ]
        try:
            subprocess.run(fetch, check=True, capture_output=True, timeout=FETCH_LIMIT_S)
            done = subprocess.run(
                [sys.executable, "-P", "-c", LOOPTIME_CODE],
                check=True,
                capture_output=True,
                text=True,
                env={"PYTHONPATH": folder},
                timeout=LOOPTIME_LIMIT_S,
            )
        except (OSError, subprocess.SubprocessError) as error:
            print(f"looptime: {error}", file=sys.stderr)
            return None
    return float(done.stdout)


def run() -> list[Figure]:
    """Measure all in one run; peers of `wakeups` are shares of the stock loop too."""
    ours, stock, theirs = 0.0, 0.0, 0.0
    for _ in range(ROUNDS):
        ours = max(ours, loop_rate(VirtualLoop))
        stock = max(stock, loop_rate(StockLoop))
        theirs = max(theirs, simpy_rate())
    peers = {"simpy": theirs}
    looptime = looptime_rate()
    if looptime is not None:
        peers["looptime"] = looptime
    shares = {name: value / stock for name, value in peers.items()}
    return [
        Figure(name="wakeups", value=ours / stock, unit="of stock", at_least=AT_LEAST, peers=shares, how=HOW),
        Figure(name="wakeups_rate", value=ours, unit="1/CPU-s", peers={"stock": stock, **peers}, how=HOW),
    ]
