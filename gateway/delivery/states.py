"""Moving a recipient's copy on: state, event and the receipt owed, in one transaction."""

from __future__ import annotations

from gateway.domain import Evidence, Message, MessageId, RecipientState, Stage
from gateway.ledger import events, hops, messages
from gateway.ledger.tx import Tx

REPORTED = frozenset(
    {
        RecipientState.DELIVERED,
        RecipientState.READ,
        RecipientState.ACKNOWLEDGED,
        RecipientState.EXPIRED,
        RecipientState.REFUSED,
        RecipientState.CANCELLED,
        RecipientState.SUPERSEDED,
    }
)
"""States the origin is told of; how far a copy got on a relay's own links is that relay's business."""

OF_STAGE = {
    Stage.AT_MODEM: RecipientState.AT_MODEM,
    Stage.ON_AIR: RecipientState.ON_AIR,
    Stage.AT_NETWORK: RecipientState.AT_NETWORK,
    Stage.DELIVERED: RecipientState.DELIVERED,
    Stage.UNKNOWN: RecipientState.UNKNOWN,
}
"""What an attempt's stage says about the recipient; FAILED says nothing, the next may succeed."""


def move(
    tx: Tx,
    identity: MessageId,
    station: int,
    state: RecipientState,
    evidence: Evidence,
    *,
    by: str = "",
    detail: str = "",
) -> bool:
    """Set a recipient's state if it is news; append the event and owe the receipt that follows from it."""
    if not messages.set_state(tx, identity, station, state, evidence, by=by, detail=detail):
        return False
    events.append(
        tx,
        "message.state",
        {"id": str(identity), "station": station, "state": state.value, "evidence": evidence.value, "by": by},
    )
    if state in REPORTED:
        message = messages.get(tx, identity)
        if message is not None and message.came_from:
            told = detail if state is RecipientState.REFUSED else by
            hops.owe_receipt(tx, message.came_from, identity, station, state, by=told, evidence=evidence)
    return True


def superseded_event(tx: Tx, identity: MessageId, station: int, by: MessageId) -> None:
    """Tell observers that another message has taken the place of this copy."""
    body = {"id": str(identity), "station": station, "state": RecipientState.SUPERSEDED.value}
    events.append(tx, "message.state", {**body, "evidence": Evidence.PROTOCOL.value, "by": str(by)})


def accepted_event(tx: Tx, message: Message) -> None:
    """Tell observers that a message is on disk here; never its text."""
    events.append(
        tx,
        "message.accepted",
        {
            "id": str(message.id),
            "sender": message.sender,
            "precedence": int(message.precedence),
            "to": [recipient.station for recipient in message.recipients],
            "unauthenticated": message.unauthenticated,
        },
    )
