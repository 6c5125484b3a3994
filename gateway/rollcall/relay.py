"""Calling the roll for a neighbour: its poll as a call of ours, our findings as its answers."""

from __future__ import annotations

from gateway.core import Core
from gateway.domain import Evidence
from gateway.links import LinkRunner
from gateway.rollcall.call import ONLINE_CHECK, Answer, Call, Entry, EntryState
from protocols import air

_RESULTS = {
    air.RollCallResult.ANSWERED: EntryState.ANSWERED,
    air.RollCallResult.SUBSTITUTE: EntryState.SUBSTITUTE,
    air.RollCallResult.HEARD: EntryState.INFERRED,
    air.RollCallResult.ABSENT: EntryState.ABSENT,
    air.RollCallResult.FAULT: EntryState.FAULT,
    air.RollCallResult.WRONG_STATION: EntryState.WRONG_STATION,
    air.RollCallResult.EXCUSED: EntryState.EXCUSED,
    air.RollCallResult.MAINTENANCE: EntryState.MAINTENANCE,
}
_TO_AIR = {state: result for result, state in _RESULTS.items()} | {
    EntryState.LATE: air.RollCallResult.ANSWERED,
    EntryState.RELAYED: air.RollCallResult.ANSWERED,
}

MAX_AIR_NOTE_CHARS = 16
"""Of a person's own words, what travels with a relayed answer."""


def answer_from_air(element: air.RollCallAnswer, peer: int, link: LinkRunner) -> Answer:
    """What a sealed answer says: a gateway's own is protocol; for a station it has heard it relays."""
    own = element.station == peer
    state = _RESULTS.get(element.result, EntryState.FAULT)
    return Answer(
        state=EntryState.RELAYED if state is EntryState.ANSWERED and not own else state,
        evidence=Evidence.PROTOCOL if own else Evidence[element.evidence.name],
        authenticated=own,
        bearer=_bearer(element, link, own=own),
        link=link.name,
        via=0 if own else peer,
        note=element.text,
        head_count=element.head_count,
        battery_pct=element.battery_pct,
    )


def _bearer(element: air.RollCallAnswer, link: LinkRunner, *, own: bool) -> str:
    """What the station answered over: a box of ours over this link; of others only what its gateway says."""
    if element.bearer is not None:
        return element.bearer.name.lower()
    return link.capabilities.bearer.value if own else ""


def call_for(core: Core, peer: int, poll: air.RollCallPoll) -> Call:
    """The call a neighbour's poll asks for, without entries."""
    return Call(
        call_id=f"for-{peer}-{poll.call_id}-{poll.nonce}",
        number=poll.call_id,
        nonce=poll.nonce,
        title="",
        caller=str(peer),
        exercise=False,
        deadline_s=core.now_s() + poll.deadline_s,
        rounds=core.config.roll_call.tries,
        timeouts_s=dict(core.config.roll_call.timeout_s),
        started_unix_ms=core.clock.unix_ms(),
        length_s=poll.deadline_s,
        reply_to=peer,
    )


def answer_to_air(call: Call, entry: Entry) -> air.RollCallAnswer:
    """What a neighbour is told of one station; a head-count says more than the words it came in."""
    spoken = entry.head_count is None and entry.note != ONLINE_CHECK
    evidence = entry.evidence or Evidence.INFERRED
    return air.RollCallAnswer(
        call_id=call.number,
        nonce=call.nonce,
        station=entry.station,
        result=_TO_AIR.get(entry.state, air.RollCallResult.ABSENT),
        evidence=air.Evidence[evidence.name],
        bearer=air.AirBearer[entry.bearer.upper()] if entry.bearer else None,
        head_count=entry.head_count,
        battery_pct=entry.battery_pct,
        text=entry.note[:MAX_AIR_NOTE_CHARS] if spoken else "",
    )
