"""A bell wakes one sleeper at its moment or before, and forgets no ring."""

from __future__ import annotations

import asyncio

from drivers.waiting import Bell, until


def _now_s() -> float:
    return asyncio.get_running_loop().time()


async def test_sleep_ends_at_its_moment() -> None:
    """Nobody rings: the sleep lasts as long as was said."""
    began_s = _now_s()

    rang = await Bell().wait(7.5)

    assert (rang, _now_s() - began_s) == (False, 7.5)


async def test_ring_ends_the_sleep() -> None:
    """Somebody rings: the sleeper wakes then."""
    bell, began_s = Bell(), _now_s()
    asyncio.get_running_loop().call_later(2.0, bell.ring)

    rang = await bell.wait(None)

    assert (rang, _now_s() - began_s) == (True, 2.0)


async def test_ring_before_the_sleep_is_kept() -> None:
    """A ring that nobody heard ends the next sleep at once, and only that."""
    bell, began_s = Bell(), _now_s()
    bell.ring()

    assert await bell.wait(5.0)
    assert not await bell.wait(5.0)
    assert _now_s() - began_s == 5.0


async def test_sleep_goes_on_while_there_is_more() -> None:
    """What moved the deadline meanwhile is asked when the time is over, without waking the sleeper."""
    left = [3.0, 4.0, 0.0]
    began_s = _now_s()

    await Bell().wait(1.0, lambda: left.pop(0))

    assert _now_s() - began_s == 8.0


async def test_waiting_leaves_a_future_free() -> None:
    """A limit that passes does not end what was waited for."""
    done: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    assert not await until(done, 3.0)
    done.set_result(1)
    assert await until(done, 3.0)
