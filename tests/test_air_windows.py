"""Counters are never spent twice by us, and a receiver tells new, repeated, reused and old apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.air.counters import RESERVE_AHEAD, CounterBlock
from protocols.air.seal import COUNTER_MAX
from protocols.air.search import SEARCHES_ALL_PER_S, SearchBudget
from protocols.air.window import REACH, WINDOW_DEPTH, Seen, Window
from protocols.errors import LocalProtocolError, ProtocolError

counters = st.lists(st.integers(1, 400), min_size=1, max_size=120)


def _tag(counter: int) -> bytes:
    return counter.to_bytes(8, "big")


def _after(sequence: list[int]) -> Window:
    window = Window()
    for counter in sequence:
        if window.judge(counter, _tag(counter)) is Seen.NEW:
            window = window.accept(counter, _tag(counter))
    return window


@given(counters)
def test_each_counter_is_new_once(sequence: list[int]) -> None:
    """In any order, a counter is accepted at most once; what is below the window is told as behind."""
    window, accepted = Window(), set[int]()
    for counter in sequence:
        seen = window.judge(counter, _tag(counter))
        if seen is Seen.NEW:
            assert counter not in accepted
            accepted.add(counter)
            window = window.accept(counter, _tag(counter))
        elif seen is Seen.BEHIND:
            assert counter <= window.highest - WINDOW_DEPTH
        else:
            assert seen is Seen.REPEAT
            assert counter in accepted


@given(counters, st.data())
def test_another_tag_on_a_used_counter_is_told(sequence: list[int], data: st.DataObject) -> None:
    """A clone's frame on a counter we remember is a reused counter, never a repeat and never new."""
    window = _after(sequence)
    used = data.draw(st.sampled_from([c for c in set(sequence) if window.judge(c, _tag(c)) is Seen.REPEAT]))

    assert window.judge(used, b"otherone") is Seen.REUSED


@given(counters, st.booleans())
def test_a_window_survives_the_ledger(sequence: list[int], fresh: bool) -> None:  # noqa: FBT001 - drawn
    """Stored and read back it is the same, in at most 528 octets."""
    window = _after(sequence)
    window = window.proven_fresh() if fresh else window

    assert Window.from_bytes(window.to_bytes()) == window
    assert len(window.to_bytes()) <= 528


@given(st.binary(max_size=600))
def test_damaged_storage_is_told(stored: bytes) -> None:
    """Octets that are no window raise ProtocolError, or are a window that stores to the same octets."""
    try:
        window = Window.from_bytes(stored)
    except ProtocolError:
        return
    assert window.to_bytes() == stored


@given(st.integers(0, COUNTER_MAX - 300), st.integers(-63, REACH), st.sampled_from([1, 2]))
def test_low_bits_find_the_counter_within_reach(highest: int, offset: int, octets: int) -> None:
    """From 63 below to 192 above the highest, one octet of counter is enough."""
    counter = highest + offset
    if counter < 1:
        return

    assert Window(highest).likely(counter & ((1 << 8 * octets) - 1), octets) == counter


def test_a_power_cut_skips_and_never_repeats() -> None:
    """After a restart from the stored limit, no counter handed out before is handed out again."""
    block = CounterBlock().reserved()
    spent = []
    for _ in range(10):
        counter, block = block.take()
        spent.append(counter)

    again, _ = CounterBlock(block.limit, block.limit).reserved().take()

    assert spent == list(range(1, 11))
    assert again == 1 + RESERVE_AHEAD


def test_nothing_reserved_nothing_taken() -> None:
    """A counter that is not on disk as spent is not handed out."""
    with pytest.raises(LocalProtocolError, match="reserved"):
        CounterBlock(5, 5).take()


def test_a_stream_ends_with_its_counters() -> None:
    """At 2^48 the stream says that it needs new keys; it never wraps."""
    counter, block = CounterBlock(COUNTER_MAX, COUNTER_MAX).reserved().take()

    assert counter == COUNTER_MAX
    with pytest.raises(LocalProtocolError, match="new keys"):
        block.reserved()


def test_a_notice_makes_the_sender_jump_and_never_go_back() -> None:
    """A restored sender goes on above what its peer has seen; a lower notice changes nothing."""
    block = CounterBlock(5, 20).jumped(499)

    assert block.empty
    assert block.reserved().take()[0] == 500
    assert block.jumped(100) == block


def test_freshness_is_lost_with_a_leap() -> None:
    """Who was proven fresh and then leaps beyond the plain reach must prove it again."""
    window = _after([1, 2]).proven_fresh()

    assert window.accept(2 + REACH, b"t" * 8).fresh
    assert not window.accept(3 + REACH, b"t" * 8).fresh


def test_deep_searches_are_rationed_per_source_and_in_all() -> None:
    """One claimed source gets two a second, all together four, and it comes back with time."""
    budget = SearchBudget()

    one = sum(budget.take(7, 0.0) for _ in range(100))
    everyone = one + sum(budget.take(source, 0.0) for source in range(1, 100))

    assert one == 4
    assert everyone == SEARCHES_ALL_PER_S * 2
    assert budget.take(7, 1.0)
