"""What the ledger notes of a try before and after a link has it, and how long an answer may take."""

from __future__ import annotations

from drivers.base import Capabilities, Handle, Stage
from gateway.delivery.states import move
from gateway.domain import Evidence, Message, MessageId, RecipientState
from gateway.ledger import attempts, messages
from gateway.ledger.tx import Tx

HALF_DUPLEX_TURN_S = 1.0
"""Time a half-duplex neighbour needs to key up and answer."""

FULL_DUPLEX_TURN_S = 0.2
"""Time a neighbour needs for its commit (an SD card: 50 ms) and the wait for company."""

REFUSED = "refused"
"""Begins the reason of a try that the device will not take however often it is asked."""

UNKNOWN = "unknown"
"""Begins the reason of a try of which nobody knows whether the device took it."""


def begin_frame(
    tx: Tx, copies: list[tuple[MessageId, int]], link: str, next_hop: int, octets: int
) -> tuple[Handle, ...]:
    """Note one attempt for each copy; a frame without messages only gets a number."""
    made = tuple(
        attempts.create(tx, identity, station, link=link, next_hop=next_hop, octets=octets)
        for identity, station in copies
    )
    return made or (attempts.new_handle(tx),)


def begin_text(
    tx: Tx, message: Message, station: int, link: str, octets: int, *, part: int = 1, parts: int = 1
) -> Handle | None:
    """Note an attempt for a native text; None when the copy was settled meanwhile: delivered, cancelled."""
    kept = messages.get(tx, message.id)
    if kept is None or any(r.station == station and r.state.settled for r in kept.recipients):
        return None
    return attempts.create(
        tx, message.id, station, link=link, next_hop=0, octets=octets, native=True, part=part, parts=parts
    )


def ended(tx: Tx, handles: tuple[Handle, ...], reason: str) -> None:
    """Note that the device did not take it, or that nobody knows."""
    stage = Stage.UNKNOWN if reason.startswith(UNKNOWN) else Stage.FAILED
    for handle in handles:
        attempts.progress(tx, handle, stage, reason=reason)


def text_ended(tx: Tx, handle: Handle, identity: MessageId, station: int, reason: str) -> None:
    """Note the same of a native text; what a device refuses for good is refused."""
    ended(tx, (handle,), reason)
    if reason.startswith(REFUSED):
        move(tx, identity, station, RecipientState.REFUSED, Evidence.OBSERVED, detail=reason)


def ack_timeout_s(capabilities: Capabilities, octets: int, factor: float) -> float:
    """The expected round trip times a factor, and one service interval of the far end."""
    airtime_s = octets * 8 / max(1, capabilities.nominal_bps)
    turn_s = HALF_DUPLEX_TURN_S if capabilities.half_duplex else FULL_DUPLEX_TURN_S
    trip_s = 2 * capabilities.latency_s + 2 * airtime_s + turn_s
    return factor * trip_s + 1.5 * capabilities.min_interval_s
