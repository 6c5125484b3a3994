"""Messages in the ledger: identity for ever, states that only improve, order of what is due."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain import Evidence, MessageId, Precedence, Recipient, RecipientState
from gateway.ledger import (
    IdempotencyConflictError,
    LedgerFullError,
    SeenFullError,
    Tx,
    idempotency,
    limits,
    messages,
    seen,
)
from tests.ledger_world import HANDHELD, HQ, VEHICLE, accept, memory_tx, text_message

STATES = st.tuples(st.sampled_from(list(RecipientState)), st.sampled_from(list(Evidence)))


@given(st.lists(STATES, max_size=12))
@settings(max_examples=60, deadline=None)
def test_states_never_fall_back(steps: list[tuple[RecipientState, Evidence]]) -> None:
    """Whatever order reports come in, the rank never sinks and the best one reported is the one shown."""
    with memory_tx() as tx:
        identity = accept(tx)
        best = RecipientState.QUEUED.rank
        for state, evidence in steps:
            before = _recipient(tx, identity)
            changed = messages.set_state(tx, identity, HQ, state, evidence)
            now = _recipient(tx, identity)
            best = max(best, state.rank)
            assert now.state.rank == best
            assert changed == (now != before)


def _due(tx: Tx) -> list[messages.Copy]:
    """Name everything that waits."""
    return messages.due(tx, least=16, most=500, limit=500)


@pytest.mark.parametrize("end", [s for s in RecipientState if s.is_end])
def test_a_receipt_after_an_end_counts(end: RecipientState) -> None:
    """An end stops the sending, and hides neither an earlier nor a later delivery."""
    with memory_tx() as tx:
        identity = accept(tx)
        assert messages.set_state(tx, identity, HQ, end, Evidence.OPERATOR)
        assert _due(tx) == []
        assert messages.set_state(tx, identity, HQ, RecipientState.DELIVERED, Evidence.PROTOCOL)
        assert not messages.set_state(tx, identity, HQ, end, Evidence.PROTOCOL)
        assert _recipient(tx, identity).state is RecipientState.DELIVERED


def test_better_evidence_improves_a_state() -> None:
    """The same state told by better evidence is kept with that evidence, never the other way round."""
    with memory_tx() as tx:
        identity = accept(tx)
        assert messages.set_state(tx, identity, HQ, RecipientState.DELIVERED, Evidence.OBSERVED)
        assert messages.set_state(tx, identity, HQ, RecipientState.DELIVERED, Evidence.PROTOCOL)
        assert not messages.set_state(tx, identity, HQ, RecipientState.DELIVERED, Evidence.INFERRED)
        assert _recipient(tx, identity).evidence is Evidence.PROTOCOL


def test_receipt_for_an_unknown_message_changes_nothing() -> None:
    """A state of a message or recipient that is not here is refused."""
    with memory_tx() as tx:
        identity = accept(tx)
        stranger = MessageId(999, 1, 1)
        assert not messages.set_state(tx, stranger, HQ, RecipientState.DELIVERED, Evidence.PROTOCOL)
        assert not messages.set_state(tx, identity, 65_000, RecipientState.DELIVERED, Evidence.PROTOCOL)


def test_a_message_comes_back_as_it_went_in() -> None:
    """What is read is what was accepted, every field."""
    with memory_tx() as tx:
        message = replace(
            text_message(MessageId(3, 9, 5), precedence=Precedence.FLASH, age_s=7.5, stations=(HQ, HANDHELD)),
            sender_address="80001",
            unauthenticated=True,
            exercise=True,
            ack_wanted=True,
            age_is_lower_bound=True,
            hops_left=2,
            accepted_unix_ms=1234,
            keep_for_bigger=True,
            came_from=3,
            recipients=tuple(
                Recipient(station=n, by="a", detail="b", updated_unix_ms=5, read_wanted=True)
                for n in (HQ, HANDHELD)
            ),
        )
        messages.insert(tx, message)
        assert messages.get(tx, message.id) == message


def test_an_identity_is_accepted_once_even_after_retention() -> None:
    """A message deleted by retention is still known: its repeat is not shown again."""
    with memory_tx() as tx:
        identity = accept(tx)
        messages.set_state(tx, identity, HQ, RecipientState.DELIVERED, Evidence.PROTOCOL)
        tx.now_s += limits.RETAIN_S + 1
        assert limits.retain(tx) == 1
        assert messages.get(tx, identity) is None
        assert not messages.insert(tx, text_message(identity))


@given(st.lists(st.integers(1, 60), max_size=80), st.integers(0, 70))
@settings(max_examples=60, deadline=None)
def test_runs_remember_exactly_what_was_seen(sequences: list[int], low_water: int) -> None:
    """Runs of identities equal the plain set of them, whatever the order; a low-water mark adds all below."""
    with memory_tx() as tx:
        known: set[int] = set()
        for sequence in sequences:
            assert seen.remember(tx, MessageId(5, 1, sequence)) == (sequence not in known)
            known.add(sequence)
        seen.raise_low_water(tx, 5, 1, low_water)
        known |= set(range(low_water))
        for sequence in range(1, 75):
            assert seen.is_known(tx, MessageId(5, 1, sequence)) == (sequence in known)
        counted = tx.one("SELECT coalesce(sum(runs), 0) FROM origins")
        assert counted == tx.one("SELECT count(*) FROM seen")


def test_full_identities_refuse_instead_of_forgetting(monkeypatch: pytest.MonkeyPatch) -> None:
    """When an origin's runs are full a new scattered identity is refused; the low-water mark makes room."""
    monkeypatch.setattr(seen, "MAX_RUNS_PER_INCARNATION", 3)
    with memory_tx() as tx:
        for sequence in (10, 20, 30):
            assert seen.remember(tx, MessageId(5, 1, sequence))
        with pytest.raises(SeenFullError):
            seen.remember(tx, MessageId(5, 1, 40))
        assert seen.is_known(tx, MessageId(5, 1, 10))
        seen.raise_low_water(tx, 5, 1, 25)
        assert seen.remember(tx, MessageId(5, 1, 40))


def test_due_is_most_urgent_then_oldest() -> None:
    """Precedence first, age second (age brought along counts), expired ones not at all."""
    with memory_tx() as tx:
        routine = accept(tx)
        tx.now_s += 10
        older = accept(tx, age_s=60.0)
        sos = accept(tx, precedence=Precedence.SOS)
        accept(tx, lifetime_s=5, age_s=6.0)
        assert [copy.id for copy in _due(tx)] == [sos, older, routine]


def test_due_hides_no_station_behind_another() -> None:
    """The first copies of every station come first, then all others up to the most of one station."""
    with memory_tx() as tx:
        many = [accept(tx, precedence=Precedence.FLASH) for _ in range(5)]
        single = accept(tx, stations=(HANDHELD,))
        copies = messages.due(tx, least=1, most=3, limit=10)
        assert [copy.id for copy in copies] == [many[0], single, *many[1:3]]
        assert messages.due(tx, least=1, most=3, limit=2) == copies[:2]
        assert messages.waiting_counts(tx) == {HQ: 5, HANDHELD: 1}


def test_copy_settled_since_it_was_named_is_not_loaded() -> None:
    """Only what still waits is loaded by name."""
    with memory_tx() as tx:
        done, waiting = accept(tx), accept(tx)
        named = _due(tx)
        messages.set_state(tx, done, HQ, RecipientState.DELIVERED, Evidence.PROTOCOL)
        assert [(message.id, station) for message, station in messages.load(tx, named)] == [(waiting, HQ)]


def test_waiting_copies_are_counted_by_precedence() -> None:
    """Every unsettled copy counts under its precedence; settled ones do not."""
    with memory_tx() as tx:
        accept(tx, stations=(HQ, HANDHELD))
        done = accept(tx, precedence=Precedence.FLASH)
        messages.set_state(tx, done, HQ, RecipientState.REFUSED, Evidence.OPERATOR)
        counts = messages.waiting_count_by_precedence(tx)
        assert (counts[Precedence.ROUTINE], counts[Precedence.FLASH], len(counts)) == (2, 0, 6)


def test_pages_of_messages_meet_without_gap() -> None:
    """Paging by the last row gives every message once; filters want a recipient that is both."""
    with memory_tx() as tx:
        made = [accept(tx, stations=(HQ if n % 2 else HANDHELD,)) for n in range(7)]
        first = messages.list_messages(tx, limit=4)
        rest = messages.list_messages(tx, limit=4, before_row=first[-1][0])
        assert [m.id for _, m in (*first, *rest)] == made[::-1]
        messages.set_state(tx, made[1], HQ, RecipientState.READ, Evidence.PROTOCOL)
        found = messages.list_messages(tx, state=RecipientState.READ, station=HQ)
        assert [m.id for _, m in found] == [made[1]]
        assert messages.list_messages(tx, state=RecipientState.READ, station=HANDHELD) == []


def test_second_copy_may_name_further_recipients() -> None:
    """Recipients named only by a later copy of a known message are added, the others left alone."""
    with memory_tx() as tx:
        identity = accept(tx)
        added = messages.add_recipients(tx, identity, [Recipient(station=HQ), Recipient(station=HANDHELD)])
        assert added == (HANDHELD,)
        assert len(_due(tx)) == 2


def test_reading_is_noted_once_per_name() -> None:
    """The first reading of a name is news; the state becomes read by that name."""
    with memory_tx() as tx:
        identity = accept(tx)
        assert messages.read_by(tx, identity, HQ, "值班员")
        assert not messages.read_by(tx, identity, HQ, "值班员")
        assert messages.read_by(tx, identity, HQ, "主任")
        assert _recipient(tx, identity).state is RecipientState.READ
        assert {name for name, _ in messages.readers(tx, identity)} == {"值班员", "主任"}


def test_same_key_gives_the_same_message_and_other_content_a_conflict() -> None:
    """A repeated request finds its message; the same key with another digest is refused."""
    with memory_tx() as tx:
        identity = accept(tx)
        assert idempotency.idempotent(tx, "desk", "k1", b"digest") is None
        idempotency.remember_idempotency(tx, "desk", "k1", b"digest", identity)
        assert idempotency.idempotent(tx, "desk", "k1", b"digest") == identity
        assert idempotency.idempotent(tx, "other", "k1", b"digest") is None
        with pytest.raises(IdempotencyConflictError):
            idempotency.idempotent(tx, "desk", "k1", b"changed")


def test_idempotency_keys_are_bounded_per_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest keys of a token stay, and another token's are not touched."""
    monkeypatch.setattr(idempotency, "MAX_KEYS_PER_TOKEN", 10)
    with memory_tx() as tx:
        identity = accept(tx)
        idempotency.remember_idempotency(tx, "quiet", "k", b"", identity)
        for n in range(200):
            idempotency.remember_idempotency(tx, "busy", f"k{n}", b"", identity)
        kept = tx.one("SELECT count(*) FROM idempotency")
        assert kept is not None
        assert kept[0] <= 1 + 10 + idempotency.TRIM_EVERY
        assert idempotency.idempotent(tx, "busy", "k199", b"") == identity
        assert idempotency.idempotent(tx, "quiet", "k", b"") == identity


def test_a_full_ledger_refuses_the_least_urgent_first_and_never_sos() -> None:
    """Filling it shuts out DEFERRED, then ROUTINE and so on upwards; an SOS always enters."""
    with memory_tx() as tx:
        tx.max_octets = tx.used_octets() + 400_000
        refused: list[Precedence] = []
        for _ in range(1_000):
            tx.base_octets, tx.added_octets = -1, 0
            for precedence in Precedence:
                if precedence not in refused and not limits.room_for(tx, precedence, 2_000):
                    refused.append(precedence)
            accept(tx, precedence=Precedence.SOS, text="求救" * 333)
        assert refused == [p for p in Precedence if p is not Precedence.SOS]
        with pytest.raises(LedgerFullError) as caught:
            accept(tx, precedence=Precedence.FLASH)
        assert "FLASH" in caught.value.en
        assert "KiB" in caught.value.zh


def test_retention_keeps_what_waits_and_goes_in_slices() -> None:
    """Unsettled messages stay however old; the settled go oldest first, a bounded slice at a time."""
    with memory_tx() as tx:
        waiting = accept(tx)
        for _ in range(limits.RETENTION_SLICE + 5):
            identity = accept(tx)
            messages.set_state(tx, identity, HQ, RecipientState.DELIVERED, Evidence.PROTOCOL)
        assert limits.retain(tx) == 0
        tx.now_s += limits.RETAIN_S + 1
        assert [limits.retain(tx) for _ in range(3)] == [limits.RETENTION_SLICE, 5, 0]
        assert messages.get(tx, waiting) is not None


def test_a_crowded_ledger_drops_history_early() -> None:
    """Above the retention mark settled messages go before their time, so that new ones are not refused."""
    with memory_tx() as tx:
        identity = accept(tx)
        messages.set_state(tx, identity, HQ, RecipientState.DELIVERED, Evidence.PROTOCOL)
        tx.now_s += 1
        tx.max_octets = round(tx.used_octets() / 0.75)
        assert limits.retain(tx) == 1


def test_identities_made_here_never_repeat() -> None:
    """Sequences of one origin are consecutive from 1, under this ledger's incarnation."""
    with memory_tx() as tx:
        made = [messages.next_id(tx, VEHICLE) for _ in range(3)]
        assert made == [MessageId(VEHICLE, 0x1234, n) for n in (1, 2, 3)]


def _recipient(tx: Tx, identity: MessageId) -> Recipient:
    message = messages.get(tx, identity)
    assert message is not None
    return message.recipients[0]
