"""The record of a roll call: a change is decided on what the disk holds, and memory follows the commit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.core import Core
from gateway.ledger import events, presence, roll_calls
from gateway.ledger.tx import Tx
from gateway.rollcall.call import LATE_WINDOW_S, Answer, Ask, Call, Entry, EntryState, counts

NO_WAY = "没有可用的呼叫方式 no way to ask it"
"""Note of a station that could not be asked at all."""


def save(tx: Tx, core: Core, call: Call) -> None:
    """Write a call of ours that begins, and tell observers."""
    roll_calls.save_call(tx, call.call_id, _header(tx, core, call))
    for entry in call.entries.values():
        roll_calls.save_entry(tx, call.call_id, entry.station, entry.body())
    states = [entry.state for entry in call.entries.values()]
    events.append(tx, "rollcall.started", {"id": call.call_id, "counts": counts(states)})


def save_polled(tx: Tx, core: Core, call: Call, stations: tuple[int, ...]) -> None:
    """Write what a neighbour asked for: after a power cut its answers still count, and are told."""
    roll_calls.save_call(tx, call.call_id, _header(tx, core, call))
    for number in stations:
        roll_calls.save_entry(tx, call.call_id, number, call.entries[number].body())


def asked(tx: Tx, call: Call, ask: Ask) -> Entry | None:
    """Note a try before the question goes out, so that an answer after a power cut still counts."""
    return _change(tx, call, ask.station, lambda entry, _ended: entry.count_ask(ask.way.link, tx.now_unix_ms))


def not_asked(tx: Tx, call: Call, ask: Ask, *, first: bool) -> Entry | None:
    """Take the note back: the question did not leave."""
    return _change(
        tx, call, ask.station, lambda entry, _ended: entry.take_back_ask(ask.way.link, first=first)
    )


def answered(tx: Tx, call: Call, station: int, answer: Answer) -> Entry | None:
    """Count an answer; None if it does not count."""

    def decide(entry: Entry, ended: bool) -> bool:  # noqa: FBT001 - the shape of a decision
        return entry.count_answer(answer, tx.now_unix_ms, ended=ended)

    entry = _change(tx, call, station, decide)
    if entry is not None and not call.reply_to:
        body = {"id": call.call_id, "station": station, "state": entry.state.value}
        events.append(tx, "rollcall.answered", body)
    return entry


def marked(tx: Tx, call: Call, station: int, state: EntryState, note: str, by: str) -> Entry | None:
    """Set what an operator says; None if the record is sealed or has no such station."""
    entry = _change(tx, call, station, lambda entry, _ended: entry.mark(state, note, by))
    if entry is not None:
        body = {"id": call.call_id, "station": station, "state": state.value}
        events.append(tx, "rollcall.marked", body)
    return entry


def finished(tx: Tx, call: Call, lived_s: float) -> list[Entry]:
    """End a call that lived so long; return all entries as they stand now."""
    stored = roll_calls.get(tx, call.call_id)
    if stored is None:
        return []
    ages = presence.heard_ages_s(tx)
    lately = {station for (station, _, _), age_s in ages.items() if age_s <= lived_s}
    entries = [Entry.restored(body) for body in stored.entries.values()]
    for entry in entries:
        if entry.conclude(heard=entry.station in lately):
            if not call.entries[entry.station].ways:
                entry.note = entry.note or NO_WAY
            roll_calls.save_entry(tx, call.call_id, entry.station, entry.body())
    over = {"ended": True, "ended_unix_ms": tx.now_unix_ms, "ended_ledger_s": tx.now_s}
    roll_calls.save_call(tx, call.call_id, stored.header | over)
    if not call.reply_to:
        found = counts([entry.state for entry in entries])
        events.append(tx, "rollcall.ended", {"id": call.call_id, "counts": found})
    return entries


def close(tx: Tx, call: Call) -> None:
    """Seal a record of ours for ever; what was found out for a neighbour is the neighbour's to keep."""
    if call.reply_to:
        roll_calls.remove(tx, call.call_id)
    else:
        roll_calls.seal(tx, call.call_id)


def restore(tx: Tx, core: Core) -> list[Call]:
    """Calls that were running, or may still take late answers, when the power went; oldest first."""
    found = roll_calls.list_calls(tx, open_only=True)
    return [_restored(tx, core, stored) for stored in reversed(found)]


def _restored(tx: Tx, core: Core, stored: roll_calls.StoredCall) -> Call:
    header = stored.header
    ahead_s = core.now_s() - tx.now_s
    call = Call(
        call_id=stored.call_id,
        number=header["number"],
        nonce=header["nonce"],
        title=header["title"],
        caller=header["caller"],
        exercise=header["exercise"],
        deadline_s=ahead_s + header["deadline_ledger_s"],
        rounds=core.config.roll_call.tries,
        timeouts_s=dict(core.config.roll_call.timeout_s),
        started_unix_ms=header["started_unix_ms"],
        length_s=header["length_s"],
        reply_to=header.get("reply_to", 0),
        ended=header["ended"],
        ended_unix_ms=header["ended_unix_ms"],
    )
    if call.ended:
        ended_s = header.get("ended_ledger_s", header["deadline_ledger_s"])
        call.late_until_s = ahead_s + ended_s + LATE_WINDOW_S
    for number, body in stored.entries.items():
        call.entries[number] = Entry.restored(body)
    return call


def _change(tx: Tx, call: Call, station: int, decide: Callable[[Entry, bool], bool]) -> Entry | None:
    """Let `decide` change what the disk holds of one station, told whether the call has ended; write that.

    None: nothing to change, the record is sealed, or the station is not in it.
    """
    found = roll_calls.open_entry(tx, call.call_id, station)
    if found is None:
        return None
    header, body = found
    entry = Entry.restored(body)
    if not decide(entry, bool(header["ended"])):
        return None
    roll_calls.save_entry(tx, call.call_id, station, entry.body())
    return entry


def _header(tx: Tx, core: Core, call: Call) -> dict[str, Any]:
    remaining_s = call.deadline_s - core.now_s()
    return {
        "number": call.number,
        "nonce": call.nonce,
        "title": call.title,
        "caller": call.caller,
        "exercise": call.exercise,
        "scheme": "poll",
        "started_unix_ms": call.started_unix_ms,
        "deadline_unix_ms": call.started_unix_ms + int(1000 * call.length_s),
        "ended_unix_ms": call.ended_unix_ms,
        "length_s": call.length_s,
        "deadline_ledger_s": tx.now_s + remaining_s,
        "ended": call.ended,
        "reply_to": call.reply_to,
    }
