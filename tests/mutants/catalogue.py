"""The bugs that are planted: five that the simulator was asked for, and others from all over the gateway."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from drivers.base import Precedence, Stage
from gateway.domain import Evidence, LinkState, RecipientState
from gateway.rollcall.call import ASIDE, PRESENT
from protocols import air
from tests.mutants.planting import AWAITS_NOTHING, DOES_NOTHING, by_name, gives, mutant


def _forgets_identities(original: Any, *args: Any) -> Any:
    """Open the file with an empty memory of what was accepted."""
    connection, set_aside = original(*args)
    for table in ("seen", "origins", "windows"):
        connection.execute(f"DELETE FROM {table}")  # noqa: S608 - three literals
    return connection, set_aside


def _inserts_again(original: Any, tx: Any, message: Any) -> bool:
    """Take the place of a row that has the identity, as a table without a unique index would."""
    try:
        return bool(original(tx, message))
    except Exception as error:
        if "UNIQUE" not in str(error):
            raise
        return True


async def _acknowledges_first(original: Any, self: Any, link: Any, event: Any, opened: Any) -> None:
    """Answer as soon as the frame is understood; the disk can wait."""
    if opened.fresh and air.elicits_ack(opened.elements):
        peer = opened.stream.source
        self._streams.windows[opened.stream] = opened.window
        self._outbox.owe_ack(peer, link)
        await self._core.clock.sleep(0.2)
    await original(self, link, event, opened)


def _wall_clock(_original: Any, self: Any) -> float:
    return float(self.clock.unix_ms()) / 1000


def _wall_stamp(original: Any, self: Any) -> Any:
    return replace(original(self), monotonic_s=self._clock.unix_ms() / 1000)


def _forgets_notes(original: Any, self: Any, _notes: Any, *, now_s: float, unix_ms: int) -> None:
    original(self, {}, now_s=now_s, unix_ms=unix_ms)


def _least_first(original: Any, self: Any, *args: Any, **keys: Any) -> Any:
    work = original(self, *args, **keys)
    if work is not None:
        self.works.remove(work.key)
        work.precedence = Precedence(max(0, Precedence.FLASH - work.precedence))
        self.works.add(work)
    return work


def _to_the_first(original: Any, self: Any, tx: Any, element: Any, after: Any) -> None:
    """Take a receipt for the message as a whole: it counts for the first recipient named."""
    from gateway.delivery import wire  # noqa: PLC0415 - beside its one use
    from gateway.ledger import messages  # noqa: PLC0415

    kept = messages.get(tx, wire.id_from_air(element.message_id))
    if kept is not None:
        element = replace(element, recipient=kept.recipients[0].station)
    original(self, tx, element, after)


def _unmarked(original: Any, self: Any, work: Any, *args: Any, **keys: Any) -> Any:
    unknowns, work.unknowns = work.unknowns, 0
    try:
        return original(self, work, *args, **keys)
    finally:
        work.unknowns = unknowns


def _loud(original: Any, self: Any, config: Any, *, quiet: bool) -> Any:
    del quiet
    return original(self, config, quiet=False)


def _takes_anything(_original: Any, self: Any) -> bool:
    return self.state not in (*PRESENT, *ASIDE)


def _stays_up(original: Any, self: Any, state: Any, *rest: Any) -> None:
    if not self._was_up or state in (LinkState.UP, LinkState.BLOCKED):
        original(self, state, *rest)


def _acks_all_before(original: Any, self: Any, peer: int, ack: Any, next_counter: int) -> Any:
    """Read an acknowledgement as one of everything up to the newest it names."""
    settled = original(self, peer, ack, next_counter)
    newest = max(settled, default=-1)
    for frame in self._frames.values():
        if frame.peer == peer and frame.counter <= newest:
            settled[frame.counter] = frame.works
    return settled


def _from_here(original: Any, tx: Any, cursor: int, *rest: Any) -> Any:
    return original(tx, max(0, cursor - 1), *rest)


def _half_a_life(original: Any, tx: Any, message: Any) -> Any:
    return original(tx, replace(message, age_s=message.age_s + message.lifetime_s / 2))


def _delivered_at_relay(
    original: Any, tx: Any, identity: Any, station: int, state: Any, *rest: Any, **keys: Any
) -> Any:
    state = RecipientState.DELIVERED if state is RecipientState.RELAYED else state
    return original(tx, identity, station, state, *rest, **keys)


def _sure_of_natives(
    original: Any, tx: Any, identity: Any, station: int, state: Any, evidence: Any, **keys: Any
) -> Any:
    evidence = Evidence.PROTOCOL if state is RecipientState.DELIVERED else evidence
    return original(tx, identity, station, state, evidence, **keys)


def _never_expires(original: Any, tx: Any, message: Any) -> Any:
    return original(tx, replace(message, lifetime_s=message.lifetime_s * 100))


def _unknown_is_failed(original: Any, self: Any, link: Any, event: Any) -> Any:
    if event.stage is Stage.UNKNOWN:
        event = replace(event, stage=Stage.FAILED)
    return original(self, link, event)


NAMED: Final = (
    mutant(
        "deduplication lives in memory: a power cut forgets which identities were accepted",
        ("gateway.ledger.store:open_file", _forgets_identities),
        ("gateway.ledger.messages:insert", _inserts_again),
        name="dedup_forgotten",
    ),
    mutant(
        "a frame is acknowledged before it is on the disk",
        ("gateway.delivery.receiver:Receiver._opened", _acknowledges_first),
        name="ack_before_commit",
        seed=10,
    ),
    mutant(
        "the timers of delivery run on the wall clock",
        ("gateway.core:Core.now_s", _wall_clock),
        name="timer_on_wall_clock",
        seed=24,
    ),
    mutant(
        "nobody notices that a restored box counts its frames from an older number",
        ("gateway.delivery.freshness:Freshness.behind", DOES_NOTHING),
        name="counter_backwards",
        seed=21,
    ),
    mutant(
        "the card's transmit clock is lost on restart",
        ("drivers.beidou.clock:TransmitClock.__init__", _forgets_notes),
        name="transmit_clock_lost",
        seed=5,
    ),
)
"""What the simulator must find to be believed at all."""

OTHERS: Final = (
    mutant(
        "the least urgent goes first",
        ("gateway.delivery.outbox:Outbox.add_message", _least_first),
        name="precedence_reversed",
        seed=15,
    ),
    mutant(
        "a receipt counts for the first recipient of its message",
        ("gateway.delivery.incoming:Incoming._receipt", _to_the_first),
        name="receipt_to_wrong_recipient",
        seed=2,
    ),
    mutant(
        "a text sent again to a native device is not marked as a repeat",
        ("gateway.delivery.planner:Planner.native_text", _unmarked),
        name="repeat_unmarked",
        seed=2,
    ),
    mutant(
        "an order to stop transmitting is forgotten on restart",
        ("gateway.service:Gateway._link", _loud),
        name="quiet_forgotten",
        seed=2,
    ),
    mutant(
        "whoever says anything during a roll call has answered it, asked or not",
        ("gateway.rollcall.call:Entry.takes", _takes_anything),
        name="answer_unasked",
        seed=7,
    ),
    mutant(
        "a link that came up once is up for ever",
        ("gateway.health:LinkHealth.device_changed", _stays_up),
        name="link_stays_up",
        seed=66,
    ),
    mutant(
        "an emergency call is not told to headquarters",
        ("gateway.delivery.distress:Emergencies._report", gives([])),
        name="alarm_not_forwarded",
    ),
    mutant(
        "an acknowledgement clears every frame before the one it names",
        ("gateway.delivery.hops:HopFrames.acknowledged", _acks_all_before),
        name="ack_clears_older_frames",
    ),
    mutant(
        "events are read from the cursor on, not behind it",
        ("gateway.ledger.events:after", _from_here),
        name="cursor_repeats",
    ),
    mutant(
        "an Idempotency-Key is not kept",
        ("gateway.ledger.idempotency:remember_idempotency", DOES_NOTHING),
        name="idempotency_forgotten",
    ),
)
"""Ten of our own choosing."""

MORE: Final = (
    mutant(
        "what waited before a restart is not taken up again",
        ("gateway.delivery.house:Housekeeper._load_due", AWAITS_NOTHING),
        name="queue_lost_on_restart",
    ),
    mutant(
        "data does not wait for voice",
        ("drivers.hytera.voice:VoiceGate.busy", gives(value=False)),
        name="voice_ignored",
    ),
    mutant(
        "a text lives half as long as it was given",
        ("gateway.ledger.messages:insert", _half_a_life),
        name="half_a_life",
    ),
    mutant(
        "nothing ever expires",
        ("gateway.ledger.messages:insert", _never_expires),
        name="never_expires",
    ),
    mutant(
        "lifetimes run on the wall clock",
        ("gateway.ledger.engine:Ledger._stamp", _wall_stamp),
        name="lifetime_on_wall_clock",
    ),
    mutant(
        "what a relay took over counts as delivered",
        ("gateway.delivery.receiver:move", _delivered_at_relay),
        name="relayed_is_delivered",
    ),
    mutant(
        "what a native device showed counts as proved by our own protocol",
        ("gateway.delivery.progress:move", _sure_of_natives),
        name="evidence_overstated",
    ),
    mutant(
        "no answer is taken for a failure, and the text sent again unmarked",
        ("gateway.delivery.progress:ProgressKeeper.progressed", _unknown_is_failed),
        name="unknown_is_failed",
    ),
    mutant(
        "the terminal's service period is not waited for",
        ("drivers.beidou.clock:TransmitClock.remaining_s", gives(0.0)),
        name="period_ignored",
    ),
    mutant(
        "frames that got lost are not sent again",
        ("gateway.delivery.hops:HopFrames.overdue", gives([])),
        name="never_sent_again",
    ),
    mutant(
        "a native text is repeated without end",
        ("gateway.delivery.outbox:Outbox.exhausted", gives(value=False)),
        name="repeats_without_end",
    ),
)
"""Others, for looking how strong the checkers are."""

ALL: Final = by_name(NAMED + OTHERS + MORE)
