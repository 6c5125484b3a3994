"""Age and lifetime in the ledger: no clock step expires anything early, and every lifetime ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.domain import MessageId, RecipientState, TimeQuality
from gateway.ledger import Ledger, messages
from tests.ledger_world import HQ, HandClock, accept, open_ledger

TEN_YEARS_S = 10 * 365 * 86_400


@pytest.mark.parametrize("step_s", [TEN_YEARS_S, -TEN_YEARS_S])
async def test_a_clock_step_expires_nothing_early_and_lifetimes_still_end(step_s: int) -> None:
    """The wall clock jumps by ten years either way: the message lives its hour, no more and no less."""
    clock = HandClock()
    ledger = await open_ledger(":memory:", clock, time_quality=TimeQuality.NTP)
    identity = await ledger.write(accept)
    clock.wall_unix_ms += step_s * 1000
    clock.now_s += 3599
    assert await ledger.write(messages.expire) == []
    assert await _age(ledger, identity) == (3599.0, False)
    clock.now_s += 1
    assert await ledger.write(messages.expire) == [(identity, HQ)]
    assert await ledger.write(messages.expire) == []
    message = await ledger.read(lambda tx: messages.get(tx, identity))
    assert message is not None
    assert message.recipients[0].state is RecipientState.EXPIRED
    await ledger.close()


@pytest.mark.parametrize("step_s", [TEN_YEARS_S, -TEN_YEARS_S, 0])
@pytest.mark.parametrize("quality", [TimeQuality.UNKNOWN, TimeQuality.SYSTEM])
async def test_off_time_of_an_untrusted_clock_is_not_counted(
    tmp_path: Path, step_s: int, quality: TimeQuality
) -> None:
    """After a restart with whatever date, the age goes on where it stood and is marked a lower bound."""
    clock = HandClock()
    ledger = await open_ledger(tmp_path / "ledger.db", clock, time_quality=quality)
    identity = await ledger.write(accept)
    clock.pass_s(600)
    await ledger.close()
    clock.now_s, clock.wall_unix_ms = 5.0, clock.wall_unix_ms + step_s * 1000 + 7_000_000
    again = await open_ledger(tmp_path / "ledger.db", clock, time_quality=quality)
    clock.pass_s(100)
    assert await _age(again, identity) == (700.0, True)
    clock.pass_s(2900)
    assert await again.write(messages.expire) == [(identity, HQ)]
    await again.close()


async def test_off_time_between_trusted_clocks_is_added(tmp_path: Path) -> None:
    """Trusted before and after: an hour without power is an hour of age, whenever trust comes."""
    clock = HandClock()
    ledger = await open_ledger(tmp_path / "ledger.db", clock, time_quality=TimeQuality.NTP)
    identity = await ledger.write(lambda tx: accept(tx, lifetime_s=7200))
    await ledger.close()
    clock.now_s = 0.0
    clock.wall_unix_ms += 3600_000
    again = await open_ledger(tmp_path / "ledger.db", clock)
    young = await again.write(lambda tx: accept(tx, lifetime_s=7200))
    assert await _age(again, identity) == (0.0, True)
    clock.pass_s(60)
    again.set_time_quality(TimeQuality.NTP)
    await again.write(lambda _tx: None)
    assert await _age(again, identity) == (3660.0, False)
    assert await _age(again, young) == (60.0, False)
    clock.pass_s(3540)
    assert await again.write(messages.expire) == [(identity, HQ)]
    await again.close()


async def test_off_time_is_added_only_once(tmp_path: Path) -> None:
    """Later commits of a trusted session, and further restarts without off-time, add nothing."""
    clock = HandClock()
    ledger = await open_ledger(tmp_path / "ledger.db", clock, time_quality=TimeQuality.NTP)
    identity = await ledger.write(accept)
    for _ in range(3):
        await ledger.close()
        clock.wall_unix_ms += 100_000
        ledger = await open_ledger(tmp_path / "ledger.db", clock, time_quality=TimeQuality.NTP)
        await ledger.write(lambda _tx: None)
        await ledger.write(lambda _tx: None)
    assert await _age(ledger, identity) == (300.0, False)
    await ledger.close()


async def test_clocks_that_contradict_each_other_credit_nothing(tmp_path: Path) -> None:
    """A trusted clock that stands before the last trusted time is no measure: the age stays a lower bound."""
    clock = HandClock()
    ledger = await open_ledger(tmp_path / "ledger.db", clock, time_quality=TimeQuality.NTP)
    identity = await ledger.write(accept)
    await ledger.close()
    clock.wall_unix_ms -= 3600_000
    again = await open_ledger(tmp_path / "ledger.db", clock, time_quality=TimeQuality.NTP)
    await again.write(lambda _tx: None)
    assert await _age(again, identity) == (0.0, True)
    await again.close()


async def test_age_brought_along_counts() -> None:
    """A message that comes with an age of 50 minutes lives ten more."""
    clock = HandClock()
    ledger = await open_ledger(":memory:", clock)
    await ledger.write(lambda tx: accept(tx, age_s=3000.0))
    clock.pass_s(590)
    assert await ledger.read(messages.next_expiry_s) == pytest.approx(10.0)
    assert await ledger.write(messages.expire) == []
    clock.pass_s(10)
    assert len(await ledger.write(messages.expire)) == 1
    assert await ledger.read(messages.next_expiry_s) is None
    await ledger.close()


async def _age(ledger: Ledger, identity: MessageId) -> tuple[float, bool]:
    age = await ledger.read(lambda tx: messages.age_s(tx, identity))
    assert age is not None
    return round(age.seconds, 3), age.is_lower_bound
