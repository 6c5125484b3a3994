"""Virtual time is exact, costs nothing, and runs the same in every process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sim.loop import DeadlockError, FenceError, VirtualLoop, VirtualTimeLimitError, run

ROOT = Path(__file__).resolve().parent.parent

ABORT_ORDER = """
import asyncio
from sim.loop import run

async def sleeper(number, order):
    try:
        await asyncio.sleep(1000)
    except asyncio.CancelledError:
        order.append(number)
        raise

async def failing():
    await asyncio.sleep(1)
    raise ValueError

async def main():
    order = []
    try:
        async with asyncio.TaskGroup() as tasks:
            for number in range(40):
                tasks.create_task(sleeper(number, order))
            tasks.create_task(failing())
    except* ValueError:
        pass
    async with asyncio.TaskGroup() as tasks:
        made = {tasks.create_task(asyncio.sleep(1, result=number)) for number in range(40)}
        done, _ = await asyncio.wait(made)
        order.append([task.result() for task in done])
    print(order, asyncio.get_running_loop().time())

run(main())
"""


def _running_loop() -> VirtualLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop


async def test_async_tests_run_in_virtual_time() -> None:
    """A plain async test starts at 0 on the virtual loop."""
    assert _running_loop().now_ns == 0


@pytest.mark.real
async def test_a_test_marked_real_runs_on_the_stock_loop() -> None:
    """The mark `real` gives asyncio's own loop."""
    assert isinstance(asyncio.get_running_loop(), asyncio.SelectorEventLoop)


async def test_equal_deadlines_run_in_the_order_they_were_set() -> None:
    """Fifty timers of one instant fire first in, first out, whichever call set them."""
    loop = _running_loop()
    order: list[int] = []

    for number in range(50):
        if number % 2:
            loop.call_later(1.0, order.append, number)
        else:
            loop.call_at(1.0, order.append, number)
    await asyncio.sleep(1.0)

    assert order == list(range(50))


async def test_time_is_exact() -> None:
    """A million tenths of a second are a hundred thousand seconds, to the nanosecond."""
    loop = _running_loop()

    for _ in range(10_000):
        await asyncio.sleep(0.1)

    assert loop.now_ns == 1_000 * 10**9


async def test_the_shortest_wait_takes_time() -> None:
    """Whoever sleeps for what is left until a deadline gets beyond it, however the floats round."""
    await asyncio.sleep(1e-12)

    assert _running_loop().now_ns == 1


async def test_a_day_passes_at_once() -> None:
    """A 24 h time-out on something that never comes fires at 86 400 s and takes no real time."""
    loop = _running_loop()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(86_400):
            await asyncio.Event().wait()

    assert loop.time() == 86_400


async def test_queue_task_group_and_wait_for_work_unchanged() -> None:
    """Asyncio's own tools work on this loop as on any other."""
    queue: asyncio.Queue[int] = asyncio.Queue(maxsize=1)
    got: list[int] = []

    async def producer() -> None:
        for number in range(5):
            await asyncio.sleep(1)
            await queue.put(number)

    async def consumer() -> None:
        while len(got) < 5:
            got.append(await asyncio.wait_for(queue.get(), 10))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(producer())
        tasks.create_task(consumer())

    assert (got, _running_loop().time()) == ([0, 1, 2, 3, 4], 5)


@pytest.mark.real
def test_order_is_the_same_in_every_process() -> None:
    """TaskGroup's abort order and the set that asyncio.wait returns do not depend on the process."""
    outputs = set()
    for seed in ("0", "1", "77", "random"):
        done = subprocess.run(
            [sys.executable, "-c", ABORT_ORDER],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        outputs.add(done.stdout)

    assert len(outputs) == 1
    assert outputs.pop().endswith("2.0\n")


def test_deadlock_names_each_task_and_where_it_waits() -> None:
    """With nothing ready and no timer, the error names task, function, file and line of the await."""

    async def inner() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        await asyncio.sleep(2.5)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(inner(), name="pdt.reader")

    with pytest.raises(DeadlockError) as caught:
        run(main())

    text = str(caught.value)
    assert "deadlock at 2.500000000 s" in text
    assert "pdt.reader at inner (test_sim_loop.py:" in text
    assert "wait (locks.py:" in text


def test_the_limit_of_virtual_time_ends_an_endless_run() -> None:
    """A loop with a limit refuses to go beyond it and says what still waits."""

    async def main() -> None:
        loop = _running_loop()

        def beat() -> None:
            loop.call_later(60, beat)

        beat()
        await asyncio.Event().wait()

    with pytest.raises(VirtualTimeLimitError, match=r"limited to 3600\.0 s.*main"):
        run(main(), limit_s=3600)


async def test_sockets_are_fenced() -> None:
    """Opening a socket in virtual time is refused at once, by name."""
    with pytest.raises(FenceError, match="create_connection"):
        await asyncio.open_connection("127.0.0.1", 9)


async def test_processes_are_fenced() -> None:
    """Starting a process in virtual time is refused at once, by name."""
    with pytest.raises(FenceError, match="subprocess_exec"):
        await asyncio.create_subprocess_exec("true")


async def test_other_threads_are_fenced() -> None:
    """Another thread cannot wake the loop: its timing would decide the order."""
    loop = _running_loop()
    refused: list[FenceError] = []

    def from_thread() -> None:
        try:
            loop.call_soon_threadsafe(int)
        except FenceError as error:
            refused.append(error)

    thread = threading.Thread(target=from_thread)
    thread.start()
    thread.join()

    assert len(refused) == 1


async def test_executor_work_runs_inline_in_order() -> None:
    """Work for a thread runs at its own step, in order, before any time passes."""
    loop = _running_loop()
    order: list[str] = []

    first = loop.run_in_executor(None, order.append, "first")
    second = asyncio.to_thread(order.append, "second")
    order.append("asked")
    await first
    await second

    assert (order, loop.now_ns) == (["asked", "first", "second"], 0)


async def test_executor_errors_reach_the_caller() -> None:
    """What the work raises is what the await raises."""
    with pytest.raises(ZeroDivisionError):
        await asyncio.get_running_loop().run_in_executor(None, lambda: 1 // 0)


async def test_a_storm_of_cancelled_timers_is_bounded() -> None:
    """A hundred thousand time-outs that never fire hold no more memory than the living ones need."""
    loop = _running_loop()
    held = 0

    for _ in range(100_000):
        async with asyncio.timeout(3600):
            await asyncio.sleep(0)
        held = max(held, loop.timer_count)

    assert held <= 130
