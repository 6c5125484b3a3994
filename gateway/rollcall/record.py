"""The record of a roll call: what stands in the ledger, and how a call is taken up again after a restart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.core import Core
from gateway.ledger import events, roll_calls
from gateway.ledger.tx import Tx
from gateway.rollcall.call import Answer, Call, Entry, EntryState, Way
from gateway.roster import Station

MAX_OPEN = 8
"""Calls taken up again after a restart; at most one of ours was running, others wait for late answers."""


def save_all(tx: Tx, core: Core, call: Call) -> None:
    """Write header and entries, and tell observers."""
    roll_calls.save_call(tx, call.call_id, _header(tx, core, call))
    for entry in call.entries.values():
        roll_calls.save_entry(tx, call.call_id, entry.station, entry.body())
    kind = "rollcall.ended" if call.ended else "rollcall.started"
    events.append(tx, kind, {"id": call.call_id, "counts": call.counts()})


def apply_answer(tx: Tx, call: Call, station: int, answer: Answer) -> None:
    """Count an answer and write its entry; a neighbour's call keeps its own record."""
    entry = call.answered(station, answer, tx.now_unix_ms)
    if entry is None or call.reply_to:
        return
    roll_calls.save_entry(tx, call.call_id, station, entry.body())
    events.append(
        tx, "rollcall.answered", {"id": call.call_id, "station": station, "state": entry.state.value}
    )


def mark_entry(tx: Tx, call: Call, entry: Entry, state: EntryState) -> None:
    """Write what an operator set."""
    roll_calls.save_entry(tx, call.call_id, entry.station, entry.body())
    events.append(tx, "rollcall.marked", {"id": call.call_id, "station": entry.station, "state": state.value})


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
    }


def restore(tx: Tx, core: Core, ways: Callable[[Station], tuple[Way, ...]]) -> list[Call]:
    """Calls that were running, or may still take late answers, when the power went."""
    restored: list[Call] = []
    for stored in roll_calls.list_calls(tx, limit=MAX_OPEN, open_only=True):
        header = stored.header
        call = Call(
            call_id=stored.call_id,
            number=header["number"],
            nonce=header["nonce"],
            title=header["title"],
            caller=header["caller"],
            exercise=header["exercise"],
            deadline_s=core.now_s() + header["deadline_ledger_s"] - tx.now_s,
            rounds=core.config.roll_call.tries,
            timeouts_s=dict(core.config.roll_call.timeout_s),
            started_unix_ms=header["started_unix_ms"],
            length_s=header["length_s"],
            ended=header["ended"],
            ended_unix_ms=header["ended_unix_ms"],
        )
        for number, body in stored.entries.items():
            station = core.roster.stations.get(number)
            call.entries[number] = Entry.restored(body, ways(station) if station is not None else ())
        restored.append(call)
    return restored
