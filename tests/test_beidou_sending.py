"""Sending over Beidou: the card's clock, feedback, inhibits, and honest outcomes."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import (
    Handle,
    LinkBusyError,
    LinkDownError,
    LinkRefusedError,
    LinkState,
    Precedence,
    Progress,
    Service,
    Stage,
    Transmission,
)
from drivers.beidou.clock import TransmitClock
from sim.devices.beidou import Sky
from tests.beidou_scene import Bench, data, sent_after, text, transmissions


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_any_octets_reach_a_data_peer(bench: Bench) -> None:
    """A frame of any octets goes out in mode 2, is ON_AIR after FKI Y and AT_NETWORK after the receipt."""
    async with bench.link() as link:
        await bench.up()
        assert await link.send(data(7)) == 7
        await asyncio.sleep(0)
        assert [(p.handle, p.stage) for p in bench.of(Progress)] == [(7, Stage.ON_AIR)]
        await bench.until(lambda: len(bench.of(Progress)) == 2)

        receipt = bench.of(Progress)[1]
        assert (receipt.handle, receipt.stage) == (7, Stage.AT_NETWORK)
        assert receipt.device_ref == bench.of(Progress)[0].device_ref
    assert b"$BDTXR,1,0166001,2,,A4A0002A2C240D0A*" in bench.heard_by_peer


async def test_the_period_starts_at_the_feedback(bench: Bench) -> None:
    """The next message waits for a full period after FKI, with margin, and is then taken by the terminal."""
    bench.terminal.period_s = 10
    async with bench.link(margin_s=1) as link:
        await bench.up()
        await link.send(data(1))
        fed_back_s = bench.clock.monotonic_s()
        with pytest.raises(LinkBusyError) as busy:
            await link.send(data(2))
        assert busy.value.retry_after_s == pytest.approx(11, abs=0.1)
        await asyncio.sleep(busy.value.retry_after_s)
        await link.send(data(2))
        assert bench.clock.monotonic_s() - fed_back_s >= 11
    assert bench.terminal.too_early == 0


@pytest.mark.parametrize(
    ("steps_s", "off_s", "least_s", "most_s"),
    [
        (0, 20, 40, 45),
        (0, 500, 0, 0),
        (-10 * 31_556_952, 20, 60, 61.6),
        (-5, 20, 45, 50),
    ],
)
async def test_the_period_holds_over_a_restart(
    bench: Bench, steps_s: float, off_s: float, least_s: float, most_s: float
) -> None:
    """The card counts on while we are off; a clock set back costs at most one full period."""
    async with bench.link(margin_s=1.5) as link:
        await bench.up()
        await link.send(data(1))
    await asyncio.sleep(off_s)
    bench.clock.step(seconds=steps_s)
    async with bench.link(margin_s=1.5) as link:
        await bench.up()
        waited_s = await sent_after(link, 2)
    assert least_s - 1 <= waited_s <= most_s + 1
    assert bench.terminal.too_early == 0


def test_a_slow_disk_does_not_shorten_the_period_over_a_restart() -> None:
    """The note may be seconds older than the transmission it stands for: those are waited for as well."""
    clock = TransmitClock({}, now_s=0.0, unix_ms=1_000_000)
    clock.arm(60.0, now_s=0.0)
    notes = clock.notes(now_s=0.0, unix_ms=1_000_000)
    transmitted_s = 2.0  # so long the disk took

    after = TransmitClock(notes, now_s=500.0, unix_ms=1_000_000 + 58_000)

    assert 58.0 + after.remaining_s(500.0) >= transmitted_s + 60.0


async def test_a_clock_set_forward_by_years_costs_one_refused_try(bench: Bench) -> None:
    """Over a restart with the date ten years ahead one message is tried early, the card refuses, no storm."""
    async with bench.link() as link:
        await bench.up()
        await link.send(data(1))
    bench.clock.step(years=10)
    async with bench.link() as link:
        await bench.up()
        assert await sent_after(link, 2) <= 63
    assert bench.terminal.too_early == 1
    assert len(bench.space.sent) == 2


@pytest.mark.parametrize("years", [-20, 20])
async def test_a_clock_stepping_within_a_run_changes_nothing(bench: Bench, years: float) -> None:
    """Within a run only the monotonic clock counts."""
    async with bench.link() as link:
        await bench.up()
        await link.send(data(1))
        bench.clock.step(years=years)
        with pytest.raises(LinkBusyError) as busy:
            await link.send(data(2))
    assert 60 < busy.value.retry_after_s <= 61.5


def test_damaged_notes_do_not_block() -> None:
    """Notes that make no sense mean no wait, never one for years."""
    for notes in ({"wait_ms": "x"}, {"wait_ms": str(10**12), "armed_unix_ms": "5"}, {"wait_ms": "-5"}):
        assert TransmitClock(notes, now_s=100, unix_ms=0).remaining_s(100) == 0


async def test_too_early_takes_the_terminals_wait(bench: Bench) -> None:
    """`N,N` re-arms the clock with the wait it tells; the message is then sent."""
    async with bench.link(margin_s=1) as link:
        await bench.up()
        bench.terminal._ready_s = bench.clock.monotonic_s() + 75  # used elsewhere before
        with pytest.raises(LinkBusyError) as busy:
            await link.send(data(1))
        assert 75 < busy.value.retry_after_s <= 77
        await asyncio.sleep(busy.value.retry_after_s)
        await link.send(data(1))
    assert bench.terminal.too_early == 1
    assert [progress.stage for progress in bench.of(Progress)][:1] == [Stage.ON_AIR]


@pytest.mark.parametrize(
    ("code", "state", "words"),
    [
        (1, LinkState.BLOCKED, "系统抑制"),
        (2, LinkState.DOWN, "电量不足"),
        (3, LinkState.BLOCKED, "静默"),
        (4, LinkState.BLOCKED, "inhibit code 4"),
        (9, LinkState.BLOCKED, "抑制码 9"),
    ],
)
async def test_inhibit_blocks_until_lifted(bench: Bench, code: int, state: LinkState, words: str) -> None:
    """Every inhibit code stops the link with its words; a try after a while finds out that it was lifted."""
    bench.terminal.inhibit = code
    async with bench.link(inhibit_retry_s=30) as link:
        await bench.up()
        with pytest.raises((LinkBusyError, LinkDownError)) as refused:
            await link.send(data(1))
        assert (bench.state.state, isinstance(refused.value, LinkDownError)) == (state, code == 2)
        assert words in bench.state.reason
        await asyncio.sleep(10)
        with pytest.raises((LinkBusyError, LinkDownError)):
            await link.send(data(1))
        bench.terminal.inhibit = 0
        assert await bench.becomes(LinkState.RECOVERING) <= 21
        await link.send(data(1))
        await asyncio.sleep(0.1)
        assert bench.state.state is LinkState.UP
    assert len(transmissions(bench.terminal)) == 2


async def test_missing_feedback_is_unknown_and_costs_a_period(bench: Bench) -> None:
    """No FKI within 8 s: UNKNOWN, never FAILED, and a full period before the next message."""
    bench.terminal.feedback = False
    async with bench.link() as link:
        await bench.up()
        start_s = bench.clock.monotonic_s()
        await link.send(data(1))
        assert bench.clock.monotonic_s() - start_s == pytest.approx(8, abs=0.1)
        await asyncio.sleep(0.1)
        (progress,) = bench.of(Progress)
        assert (progress.handle, progress.stage) == (1, Stage.UNKNOWN)
        with pytest.raises(LinkBusyError) as busy:
            await link.send(data(2))
    assert busy.value.retry_after_s > 60


async def test_late_feedback_corrects_unknown(bench: Bench) -> None:
    """Feedback after the time-out moves the same attempt on."""
    bench.terminal.feedback = False
    async with bench.link() as link:
        await bench.up()
        await link.send(data(1))
        bench.terminal.say(b"BDFKI,TXA,Y,Y,0,0060")
        await bench.until(lambda: len(bench.of(Progress)) > 1)
    assert [(p.handle, p.stage) for p in bench.of(Progress)][:2] == [(1, Stage.UNKNOWN), (1, Stage.ON_AIR)]


async def test_a_cancelled_send_is_unknown(bench: Bench) -> None:
    """Cancelling after the sentence was written is told as UNKNOWN."""
    async with bench.link() as link:
        await bench.up()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await link.send(data(1))
        await asyncio.sleep(0)
        assert [progress.stage for progress in bench.of(Progress)] == [Stage.UNKNOWN]


async def test_a_message_into_a_tunnel_is_lost(bench: Bench) -> None:
    """A sent message whose addressee is in a tunnel stays ON_AIR: feedback is no proof of delivery."""
    bench.handset.sky = Sky.TUNNEL
    async with bench.link() as link:
        await bench.up()
        await link.send(text(1, "到了吗"))
        await asyncio.sleep(30)
    assert [progress.stage for progress in bench.of(Progress)] == [Stage.ON_AIR]
    assert bench.handset.texts() == []


async def test_over_length_is_refused_before_the_period_is_spent(bench: Bench) -> None:
    """78 octets are refused with the limit, nothing is written, and 77 go out at once."""
    async with bench.link() as link:
        await bench.up()
        with pytest.raises(LinkRefusedError, match="78 octets, the card may send 77") as refused:
            await link.send(data(1, bytes(78)))
        assert "77" in refused.value.zh
        assert not transmissions(bench.terminal)
        await link.send(data(2, bytes(77)))
    assert bench.space.sent[0].content == b"A4" + b"00" * 77


@pytest.mark.parametrize(
    ("transmission", "words"),
    [
        (data(1, to="12345678"), "not a card number"),
        (data(1, to="2097151"), "card number"),
        (data(1, to="abc"), "not a card number"),
        (data(1, to=""), "may not broadcast"),
        (data(1, b""), "nothing to send"),
        (text(1, "\ud800"), "surrogate"),
        (
            Transmission(
                handle=Handle(1), service=Service.STATUS, destination="5", precedence=Precedence.ROUTINE
            ),
            "cannot be asked",
        ),
    ],
)
async def test_what_can_never_go_is_refused(bench: Bench, transmission: Transmission, words: str) -> None:
    """A wrong address, an empty or impossible content, a status enquiry: refused by name, nothing written."""
    async with bench.link() as link:
        await bench.up()
        with pytest.raises(LinkRefusedError, match=words):
            await link.send(transmission)
    assert not transmissions(bench.terminal)


async def test_hanzi_profile(bench: Bench) -> None:
    """For old receivers text goes out in mode 0; what GB2312 lacks is refused."""
    async with bench.link(text_mode="hanzi") as link:
        await bench.up()
        with pytest.raises(LinkRefusedError, match="镕"):
            await link.send(text(1, "镕"))
        await link.send(text(2, "到,12人"))
    await asyncio.sleep(10)
    assert bench.space.sent[0].mode == 0
    assert bench.handset.texts() == ["到，１２人"]


async def test_sos_goes_express_when_it_fits(bench: Bench) -> None:
    """A short SOS is sent express; a longer one goes as a normal message, not cut."""
    bench.terminal.period_s = 1
    async with bench.link() as link:
        await bench.up()
        await link.send(text(1, "救命", precedence=Precedence.SOS))
        await asyncio.sleep(3)
        await link.send(text(2, "救命" * 10, precedence=Precedence.SOS))
    assert [message.express for message in bench.space.sent] == [True, False]


async def test_port_lost_while_waiting_for_feedback(bench: Bench) -> None:
    """The outcome is UNKNOWN at once, not after the time-out."""
    async with bench.link() as link:
        await bench.up()
        sending = asyncio.ensure_future(link.send(data(1)))  # noqa: TID251 - the test owns it
        await asyncio.sleep(0.2)
        bench.port.unplug()
        assert await sending == 1
        await asyncio.sleep(0)
        assert [progress.stage for progress in bench.of(Progress)] == [Stage.UNKNOWN]


@given(
    st.floats(0, 7_200),
    st.floats(0, 10_000),
    st.integers(-(10**13), 10**13),
    st.integers(-(10**13), 10**13),
    st.floats(1, 120),
)
def test_no_wall_clock_blocks_longer_than_a_period(
    wait_s: float, ran_s: float, saved_unix_ms: int, now_unix_ms: int, period_s: float
) -> None:
    """Whatever the dates before and after a restart, the wait left is between nothing and one period."""
    before = TransmitClock({}, now_s=0, unix_ms=saved_unix_ms)
    before.learn_card("166001", period_s, now_s=0)
    before.arm(wait_s, now_s=0)
    notes = before.notes(now_s=ran_s, unix_ms=saved_unix_ms)
    after = TransmitClock(notes, now_s=5, unix_ms=now_unix_ms)
    after.learn_card("166001", period_s, now_s=5)

    assert 0 <= after.remaining_s(5) <= period_s + 1e-9


def test_another_card_has_its_own_clock() -> None:
    """A card put in after the restart does not wait for the other one's period."""
    before = TransmitClock({}, now_s=0, unix_ms=0)
    before.learn_card("166001", 60, now_s=0)
    before.arm(60, now_s=0)
    after = TransmitClock(before.notes(now_s=1, unix_ms=1000), now_s=1, unix_ms=1000)
    after.learn_card("166009", 60, now_s=1)

    assert after.remaining_s(1) == 0


async def test_rejection_without_a_reason_is_tried_thrice(bench: Bench) -> None:
    """`N,Y,0`: busy twice, a passing cause may pass; then refused, nothing is tried for ever."""
    async with bench.link() as link:
        await bench.up()
        bench.terminal.level = 1  # the terminal's own limit is smaller than what it told
        for _ in range(2):
            with pytest.raises(LinkBusyError, match="rejected"):
                await link.send(data(1, bytes(50)))
        with pytest.raises(LinkRefusedError, match="3 messages in a row"):
            await link.send(data(1, bytes(50)))
    assert not bench.space.sent
