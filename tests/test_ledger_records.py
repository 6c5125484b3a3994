"""The ledger's other records: attempts, counters, receipts owed, presence, alarms, roll calls, notes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.base import Handle, Position, Stage
from gateway.domain import (
    Alarm,
    AlarmKind,
    Bearer,
    Evidence,
    LinkReport,
    LinkState,
    MessageId,
    Presence,
    RecipientState,
)
from gateway.ledger import (
    LedgerError,
    RollCallSealedError,
    Tx,
    attempts,
    events,
    hops,
    native,
    notes,
    presence,
    roll_calls,
)
from tests.ledger_world import HANDHELD, HQ, VEHICLE, accept, memory_tx

ALARM = Alarm(
    key="sos:4001",
    kind=AlarmKind.SOS,
    station=HANDHELD,
    detail="emergency button",
    unauthenticated=True,
    position=Position(30.1, 103.2),
    raised_unix_ms=0,
)
REPORT = LinkReport(
    station=VEHICLE,
    link="pdt",
    bearer=Bearer.PDT,
    state=LinkState.UP,
    evidence=Evidence.PROTOCOL,
    reason="",
    age_s=2.0,
    quality_pct=80,
    learnt_unix_ms=5,
    learnt_by=Bearer.BEIDOU,
)


@given(st.lists(st.sampled_from(list(Stage)), max_size=8))
@settings(max_examples=40, deadline=None)
def test_attempts_never_know_less_than_before(stages: list[Stage]) -> None:
    """A delivery is never taken back, an open attempt is one that may still tell, unknown is never failed."""
    with memory_tx() as tx:
        handle = _attempt(tx, accept(tx))
        for stage in stages:
            assert attempts.progress(tx, handle, stage) is not None
        attempt = attempts.get(tx, handle)
        assert attempt is not None
        if Stage.DELIVERED in stages:
            assert attempt.stage is Stage.DELIVERED
        if Stage.FAILED not in stages:
            assert attempt.stage is not Stage.FAILED
        in_flight = attempt.stage in {None, Stage.AT_MODEM, Stage.ON_AIR}
        assert (attempt in attempts.open_attempts(tx)) == in_flight


def test_a_restart_makes_what_was_in_flight_unknown() -> None:
    """Queued, at the modem and on air become unknown; what the network took or refused stays."""
    with memory_tx() as tx:
        identity = accept(tx)
        stages = (None, Stage.AT_MODEM, Stage.ON_AIR, Stage.AT_NETWORK, Stage.FAILED)
        handles = [_attempt(tx, identity) for _ in stages]
        for handle, stage in zip(handles, stages, strict=True):
            if stage is not None:
                attempts.progress(tx, handle, stage)
        settled = attempts.settle_after_restart(tx)
        assert [a.handle for a in settled] == handles[:3]
        assert {a.stage for a in settled} == {Stage.UNKNOWN}
        assert [a.stage for a in attempts.of_message(tx, identity)][3:] == [Stage.AT_NETWORK, Stage.FAILED]
        assert attempts.settle_after_restart(tx) == []


def test_a_report_after_a_restart_finds_the_newest_attempt_with_its_reference() -> None:
    """References count round: the newest attempt of that link is meant, and it may still become delivered."""
    with memory_tx() as tx:
        identity = accept(tx)
        handles = [_attempt(tx, identity) for _ in range(2)]
        for handle in handles:
            attempts.progress(tx, handle, Stage.AT_MODEM, device_ref="17")
        attempts.settle_after_restart(tx)
        found = attempts.by_device_ref(tx, "pdt", "17")
        assert found is not None
        assert found.handle == handles[1]
        assert attempts.by_device_ref(tx, "tiantong", "17") is None
        assert attempts.by_device_ref(tx, "pdt", "") is None
        moved = attempts.progress(tx, Handle(found.handle), Stage.DELIVERED)
        assert moved is not None
        assert (moved.stage, moved.device_ref) == (Stage.DELIVERED, "17")


def test_only_native_attempts_count_as_possible_repeats() -> None:
    """Unknown outcomes of native texts to one recipient are counted; sealed frames are not."""
    with memory_tx() as tx:
        identity = accept(tx)
        for is_native in (True, True, False):
            attempts.progress(tx, _attempt(tx, identity, is_native=is_native), Stage.UNKNOWN)
        _attempt(tx, identity, is_native=True)
        assert attempts.unknown_count(tx, identity, HQ) == 2
        assert attempts.unknown_count(tx, identity, HANDHELD) == 0


def test_an_attempt_needs_its_message_and_handles_are_never_given_twice() -> None:
    """An attempt for an unknown message is refused; handles without message share the numbering."""
    with memory_tx() as tx:
        with pytest.raises(LedgerError):
            _attempt(tx, MessageId(9, 9, 9))
        identity = accept(tx)
        taken = [attempts.new_handle(tx, 3), _attempt(tx, identity), attempts.new_handle(tx)]
        assert taken == [1, 4, 5]
        assert attempts.progress(tx, Handle(2), Stage.ON_AIR) is None


def test_counters_are_reserved_ahead_and_never_given_twice() -> None:
    """Blocks follow each other per stream; a stream at its end is refused."""
    with memory_tx() as tx:
        assert [hops.reserve(tx, "1>7"), hops.reserve(tx, "1>7", 8), hops.reserve(tx, "7>1")] == [
            (0, 64),
            (64, 72),
            (0, 64),
        ]
        tx.execute("UPDATE sequences SET next = ? WHERE name = 'counter.1>7'", (hops.MAX_COUNTER - 10,))
        with pytest.raises(LedgerError):
            hops.reserve(tx, "1>7")


def test_windows_and_addresses_are_kept_latest_first() -> None:
    """A window is what was saved last; an address is news only when it changed."""
    with memory_tx() as tx:
        assert hops.load_window(tx, "s") is None
        hops.save_window(tx, "s", b"one")
        hops.save_window(tx, "s", b"two")
        assert hops.load_window(tx, "s") == b"two"
        news = [hops.learn_address(tx, HQ, "udp", a) for a in ("a:1", "a:1", "b:1")]
        assert news == [True, False, True]
        assert hops.learnt_address(tx, HQ, "udp") == "b:1"
        assert hops.learnt_address(tx, HQ, "mesh") == ""


def test_a_better_receipt_replaces_the_one_owed() -> None:
    """The acknowledgement of the frame with the poorer receipt does not clear the better one."""
    with memory_tx() as tx:
        identity = accept(tx)

        def owe(state: RecipientState) -> int | None:
            return hops.owe_receipt(tx, HQ, identity, HANDHELD, state, evidence=Evidence.OBSERVED, by="小王")

        poor = owe(RecipientState.DELIVERED)
        assert poor is not None
        assert owe(RecipientState.DELIVERED) is None
        better = owe(RecipientState.ACKNOWLEDGED)
        assert better is not None
        assert hops.receipt_acked(tx, [poor]) == 0
        assert [(r.row, r.state, r.by) for r in hops.owed(tx, HQ)] == [
            (better, RecipientState.ACKNOWLEDGED, "小王")
        ]
        assert hops.owed(tx, VEHICLE) == []
        assert hops.receipt_acked(tx, [better]) == 1
        assert hops.owed(tx) == []


def test_repeats_of_native_texts_are_known_among_a_sources_last_ones() -> None:
    """The same reference again is a repeat; after 32 other texts of that source it is a new text."""
    with memory_tx() as tx:
        assert [native.seen_before(tx, "pdt", "80001", r) for r in ("5", "5", "", "")] == [
            False,
            True,
            False,
            False,
        ]
        assert not native.seen_before(tx, "pdt", "80002", "5")
        for n in range(100, 100 + native.MAX_REFS_PER_SOURCE):
            native.seen_before(tx, "pdt", "80001", str(n))
        assert not native.seen_before(tx, "pdt", "80001", "5")
        assert native.seen_before(tx, "pdt", "80002", "5")


def test_references_of_forged_sources_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of sources keeps no more rows than allowed."""
    monkeypatch.setattr(native, "MAX_REFS", 20)
    with memory_tx() as tx:
        for n in range(200):
            native.seen_before(tx, "pdt", f"forged {n}", "1")
        assert tx.one("SELECT count(*) FROM native_seen") == (20,)


def test_one_stranger_cannot_push_out_the_others() -> None:
    """Quarantine keeps the newest texts of each stranger, and an operator can remove one."""
    with memory_tx() as tx:
        quiet = native.quarantine(tx, "tiantong", "1740000", "有人吗")
        for n in range(native.MAX_QUARANTINE_PER_SOURCE * 2):
            native.quarantine(tx, "tiantong", "666", f"广告 {n}")
        kept = native.list_quarantine(tx)
        assert len(kept) == native.MAX_QUARANTINE_PER_SOURCE + 1
        assert kept[-1].text == "有人吗"
        assert native.drop_quarantined(tx, quiet)
        assert not native.drop_quarantined(tx, quiet)


def test_presence_keeps_the_latest_and_its_position() -> None:
    """A later note replaces the earlier; one without position keeps the position, which grows older."""
    with memory_tx() as tx:
        note = Presence(
            station=HANDHELD,
            link="pdt",
            bearer=Bearer.PDT,
            address="80001",
            how="registration",
            online=True,
            heard_unix_ms=1,
            position=Position(30.0, 103.0, 5.0),
            via=VEHICLE,
        )
        presence.heard(tx, note)
        assert presence.list_presence(tx) == [note]
        tx.now_s += 60
        presence.heard(tx, replace(note, how="text", position=None, heard_unix_ms=2))
        (kept,) = presence.list_presence(tx, HANDHELD)
        assert (kept.how, kept.position) == ("text", Position(30.0, 103.0, 65.0))
        tx.now_s += 7
        assert presence.heard_ages_s(tx) == {(HANDHELD, VEHICLE, "pdt"): 7.0}


def test_older_evidence_of_a_link_never_replaces_newer() -> None:
    """A report that took the slow bearer arrives late and is dropped; a newer one replaces."""
    with memory_tx() as tx:
        assert presence.link_report(tx, REPORT)
        assert presence.list_link_reports(tx) == [REPORT]
        tx.now_s += 10
        assert not presence.link_report(tx, replace(REPORT, state=LinkState.DOWN, age_s=60.0))
        assert presence.link_report_ages_s(tx) == {(VEHICLE, "pdt"): 12.0}
        assert presence.link_report(tx, replace(REPORT, state=LinkState.DOWN, age_s=1.0))
        assert presence.list_link_reports(tx, VEHICLE)[0].state is LinkState.DOWN
        assert presence.drop_link_reports(tx, VEHICLE, keep=["udp"]) == 1


def test_the_newest_report_holds_whatever_its_age_says() -> None:
    """One that was long under way looks too young; what its sender said later replaces it all the same."""
    with memory_tx() as tx:
        assert presence.link_report(tx, replace(REPORT, state=LinkState.BLOCKED, age_s=2.0), newest=True)
        tx.now_s += 3
        recovered = replace(REPORT, state=LinkState.UP, age_s=54.0)
        assert not presence.link_report(tx, recovered)
        assert presence.link_report(tx, recovered, newest=True)
        assert presence.list_link_reports(tx)[0].state is LinkState.UP
        assert presence.link_report_ages_s(tx) == {(VEHICLE, "pdt"): 54.0}


def test_a_rounded_age_does_not_keep_a_newer_state_out() -> None:
    """The same evidence told again, its age rounded up, brings what follows from it now: recovered is up."""
    with memory_tx() as tx:
        assert presence.link_report(tx, replace(REPORT, state=LinkState.RECOVERING, age_s=8.0))
        tx.now_s += 700
        assert presence.link_report(tx, replace(REPORT, state=LinkState.UP, age_s=717.0))
        assert presence.list_link_reports(tx)[0].state is LinkState.UP
        assert presence.link_report_ages_s(tx) == {(VEHICLE, "pdt"): 708.0}


def test_repeats_of_an_alarm_are_one_alarm() -> None:
    """A repeat refreshes; acknowledged once by the first; after it was cleared the next one is new."""
    with memory_tx() as tx:
        assert presence.alarm_raise(tx, ALARM)
        assert not presence.alarm_raise(tx, replace(ALARM, detail="again", position=None))
        assert presence.alarm_acknowledge(tx, ALARM.key, "值班员")
        assert not presence.alarm_acknowledge(tx, ALARM.key, "主任")
        (kept,) = presence.alarm_list(tx, open_only=True)
        assert (kept.detail, kept.position, kept.acknowledged_by) == ("again", ALARM.position, "值班员")
        assert presence.alarm_clear(tx, ALARM.key)
        assert not presence.alarm_clear(tx, ALARM.key)
        assert presence.alarm_list(tx, open_only=True) == []
        assert presence.alarm_raise(tx, ALARM)
        assert presence.alarm_list(tx)[0].acknowledged_by == ""


def test_a_flood_of_alarms_never_drops_an_open_sos(monkeypatch: pytest.MonkeyPatch) -> None:
    """Alarms are bounded: what is over goes first, an open SOS last."""
    monkeypatch.setattr(presence, "MAX_ALARMS", 5)
    with memory_tx() as tx:
        presence.alarm_raise(tx, ALARM)
        for n in range(20):
            presence.alarm_raise(tx, replace(ALARM, key=f"lost:{n}", kind=AlarmKind.LOST_CONTACT))
        keys = [alarm.key for alarm in presence.alarm_list(tx)]
        assert keys == ["lost:19", "lost:18", "lost:17", "lost:16", ALARM.key]


def test_a_sealed_roll_call_cannot_change_and_tampering_shows() -> None:
    """Records chain by hash: a sealed one refuses changes, and one altered behind our back is named."""
    with memory_tx() as tx:
        for name in ("c1", "c2", "c3"):
            roll_calls.save_call(tx, name, {"plan": "全员", "started": 1})
            roll_calls.save_entry(tx, name, HANDHELD, {"state": "asked"})
            roll_calls.save_entry(tx, name, HANDHELD, {"state": "answered", "text": "到"})
        assert [c.call_id for c in roll_calls.list_calls(tx, open_only=True)] == ["c3", "c2", "c1"]
        hashes = [roll_calls.seal(tx, name) for name in ("c1", "c2", "c3")]
        assert roll_calls.seal(tx, "c2") == hashes[1]
        call = roll_calls.get(tx, "c2")
        assert call is not None
        assert (call.seal_number, call.previous_hash, call.hash) == (2, hashes[0], hashes[1])
        assert call.entries == {HANDHELD: {"state": "answered", "text": "到"}}
        with pytest.raises(RollCallSealedError):
            roll_calls.save_entry(tx, "c2", HQ, {})
        with pytest.raises(RollCallSealedError):
            roll_calls.save_call(tx, "c2", {})
        assert roll_calls.broken_seal(tx) is None
        tx.execute("UPDATE roll_call_entries SET body = '{}' WHERE call = 2")
        assert roll_calls.broken_seal(tx) == "c2"


def test_a_roll_call_that_is_not_there_is_named() -> None:
    """Entry and seal of an unknown call are refused with its id."""
    with memory_tx() as tx:
        assert roll_calls.get(tx, "nothing") is None
        with pytest.raises(LedgerError, match="nothing"):
            roll_calls.save_entry(tx, "nothing", HQ, {})
        with pytest.raises(LedgerError, match="nothing"):
            roll_calls.seal(tx, "nothing")


def test_old_events_go_and_a_client_behind_them_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stream is bounded; a cursor behind its oldest event, or of another ledger, is told so."""
    monkeypatch.setattr(events, "MAX_EVENTS", 300)
    with memory_tx() as tx:
        assert (events.oldest_cursor(tx), events.missed(tx, 0)) == (1, False)
        for n in range(1_024):
            events.append(tx, "报文", {"n": n})
        oldest = events.oldest_cursor(tx)
        assert 1_024 - 300 - events.TRIM_EVERY < oldest <= 1_024 - 300 + 1
        assert events.newest_cursor(tx) == 1_024
        assert [events.missed(tx, c) for c in (oldest - 2, oldest - 1, 1_024, 1_025)] == [
            True,
            False,
            False,
            True,
        ]
        assert events.after(tx, 1_023) == [(1_024, "报文", {"n": 1_023}, tx.now_unix_ms)]


def test_flags_and_acts_are_kept() -> None:
    """A flag is what was set last, an empty one is gone; acts come newest first, page by page."""
    with memory_tx() as tx:
        notes.meta_set(tx, "quiet.pdt", "on")
        notes.meta_set(tx, "quiet.udp", "on")
        notes.meta_set(tx, "quiet.udp", "")
        assert notes.meta_list(tx, "quiet.") == {"quiet.pdt": "on"}
        assert notes.meta_get(tx, "quiet.udp", "off") == "off"
        for n in range(5):
            notes.audit(tx, "值班员", "quiet", str(n))
        page = notes.list_audit(tx, limit=2)
        rest = notes.list_audit(tx, before_row=page[-1].row)
        assert [act.detail for act in (*page, *rest)] == ["4", "3", "2", "1", "0"]


def test_a_driver_that_leaks_notes_is_stopped() -> None:
    """More notes than a driver can need are refused by name and limit."""
    with memory_tx() as tx, pytest.raises(LedgerError, match=f"limit: {notes.MAX_NOTES_PER_LINK}"):
        notes.save_link_notes(tx, "pdt", {str(n): "x" for n in range(notes.MAX_NOTES_PER_LINK + 1)})


def _attempt(tx: Tx, identity: MessageId, *, is_native: bool = False) -> Handle:
    return attempts.create(tx, identity, HQ, link="pdt", next_hop=HQ, octets=40, native=is_native)
