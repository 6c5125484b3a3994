"""Crowds share the heap with everything else, in order; their draws need no memory."""

from __future__ import annotations

import asyncio
import time
from statistics import mean

import pytest

from sim.loop import VirtualLoop, VirtualTimeLimitError, run
from sim.radio.dice import hashed, seed_of
from sim.radio.timing import RealTimeline, running_timeline


async def test_posts_and_timers_of_one_instant_run_in_the_order_they_were_set() -> None:
    """A callback of the crowd stands in line with timers, whatever is due when."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    order: list[int] = []
    for number in range(30):
        if number % 3:
            loop.post(1_000_000, order.append, number)
        else:
            loop.call_later(0.001, order.append, number)
    loop.post(999_999, order.append, -1)
    loop.post(1_000_001, order.append, 30)
    await asyncio.sleep(0.002)

    assert order == list(range(-1, 31))


async def test_a_post_wakes_a_coroutine_at_its_instant() -> None:
    """What a post makes ready runs before time goes on."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    future = loop.create_future()
    loop.post(5_000, future.set_result, "now")
    loop.post(5_001, lambda _: None, None)

    assert await future == "now"
    assert loop.now_ns == 5_000


async def test_a_post_in_the_past_is_due_now() -> None:
    """Time never runs backwards."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    await asyncio.sleep(1.0)
    seen: list[int] = []
    loop.post(5, lambda _: seen.append(loop.now_ns), None)
    await asyncio.sleep(0.1)

    assert seen == [1_000_000_000]


def test_an_error_in_a_post_ends_the_run() -> None:
    """A bug of the simulated crowd is not logged and forgotten."""

    async def world() -> None:
        running_timeline().post(1, lambda _: 1 // 0, None)
        await asyncio.sleep(1.0)

    with pytest.raises(ZeroDivisionError):
        run(world())


def test_posts_respect_the_limit_of_virtual_time() -> None:
    """A crowd that never ends is ended by the limit."""

    async def world() -> None:
        timeline = running_timeline()

        def again(_: None) -> None:
            timeline.post(timeline.now_ns + 1_000_000_000, again, None)

        again(None)
        await timeline_never()

    async def timeline_never() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(VirtualTimeLimitError):
        run(world(), limit_s=100.0)


@pytest.mark.real
async def test_the_same_callbacks_run_on_a_real_clock() -> None:
    """On any other loop posts are timers: a PTY's modem is the same object."""
    timeline = running_timeline()
    assert isinstance(timeline, RealTimeline)
    order: list[int] = []
    done = asyncio.Event()
    start_s = time.perf_counter()
    for number in (3, 1, 2):
        timeline.post(timeline.now_ns + number * 2_000_000, order.append, number)
    timeline.post(timeline.now_ns + 7_000_000, lambda _: done.set(), None)
    await done.wait()

    assert order == [1, 2, 3]
    assert time.perf_counter() - start_s >= 0.005


def test_draws_are_splitmix64() -> None:
    """The first outputs of SplitMix64 with seed 0, as its authors' code prints them."""
    outputs = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert [hashed(0, number) for number in (1, 2, 3)] == [(value >> 11) * 2.0**-53 for value in outputs]


def test_draws_of_links_are_even_and_independent() -> None:
    """Means, a neighbour's draws and the next burst's draws show no pattern within 4 sigma."""
    one = [hashed(seed_of(1, "a>b"), number) for number in range(20_000)]
    two = [hashed(seed_of(1, "a>c"), number) for number in range(20_000)]

    def correlation(x: list[float], y: list[float]) -> float:
        return mean((a - 0.5) * (b - 0.5) for a, b in zip(x, y, strict=True)) * 12

    assert mean(one) == pytest.approx(0.5, abs=4 * 0.289 / 20_000**0.5)
    assert abs(correlation(one, two)) < 4 / 20_000**0.5
    assert abs(correlation(one[1:], one[:-1])) < 4 / 20_000**0.5
    low = [value * 2.0**20 % 1.0 for value in one]
    assert abs(correlation(one, low)) < 4 / 20_000**0.5
