"""Between the gateway's words and the air's: messages, receipts, states, identities."""

from __future__ import annotations

import re

from gateway.domain import (
    Evidence,
    Message,
    MessageId,
    MessageKind,
    Precedence,
    Recipient,
    RecipientState,
    TimeQuality,
)
from gateway.ledger.hops import OwedReceipt
from protocols import air

_KIND_TO_AIR = {
    MessageKind.TEXT: air.MessageKind.TEXT,
    MessageKind.ORDER: air.MessageKind.ORDER,
    MessageKind.NOTICE: air.MessageKind.SERVICE,
}
_KIND_FROM_AIR = {
    air.MessageKind.ORDER: MessageKind.ORDER,
    air.MessageKind.SERVICE: MessageKind.NOTICE,
}


def id_to_air(identity: MessageId) -> air.MessageId:
    """Write an identity for the air."""
    return air.MessageId(identity.origin, identity.incarnation, identity.sequence)


def id_from_air(identity: air.MessageId) -> MessageId:
    """Read an identity from the air."""
    return MessageId(identity.origin, identity.incarnation, identity.sequence)


def message_to_air(message: Message, *, recipients: tuple[int, ...], age_s: float) -> air.MessageElement:
    """Write a message for one hop; `recipients` empty = the frame's destination."""
    forwarded = message.came_from != 0
    return air.MessageElement(
        message_id=id_to_air(message.id),
        body=message.text,
        precedence=int(message.precedence),
        kind=_KIND_TO_AIR[message.kind],
        ack_wanted=message.ack_wanted,
        lifetime_s=message.lifetime_s,
        age_s=int(age_s),
        age_is_lower_bound=message.age_is_lower_bound,
        exercise=message.exercise,
        hops_left=max(0, message.hops_left - 1) if forwarded else message.hops_left,
        recipients=recipients,
        sender=None if message.sender in (0, message.id.origin) else message.sender,
        unauthenticated=message.unauthenticated,
    )


def message_from_air(
    element: air.MessageElement, *, own: int, came_from: int, time_quality: TimeQuality
) -> Message:
    """Read a message as this gateway will keep it; binary bodies are shown as hexadecimal."""
    body = element.body if isinstance(element.body, str) else element.body.hex()
    numbers = element.recipients or (own,)
    return Message(
        id=id_from_air(element.message_id),
        kind=_KIND_FROM_AIR.get(element.kind, MessageKind.TEXT),
        precedence=Precedence(element.precedence),
        text=body,
        sender=element.sender or element.message_id.origin,
        unauthenticated=element.unauthenticated,
        exercise=element.exercise,
        ack_wanted=element.ack_wanted,
        lifetime_s=element.effective_lifetime_s,
        age_s=element.age_s,
        age_is_lower_bound=element.age_is_lower_bound,
        hops_left=element.hops_left,
        time_quality=time_quality,
        came_from=came_from,
        recipients=tuple(Recipient(station=number) for number in numbers),
    )


def receipt_to_air(owed: OwedReceipt) -> air.ReceiptElement:
    """Write a receipt; `by` is a station number when it is one, else a short name, or why it was refused."""
    by: int | str | None = int(owed.by) if owed.by.isdecimal() else _short(owed.by)[:MAX_BY_CHARS] or None
    return air.ReceiptElement(
        message_id=id_to_air(owed.message),
        recipient=owed.recipient,
        state=air.ReceiptState[owed.state.name],
        evidence=air.Evidence[owed.evidence.name],
        by=by,
    )


def receipt_from_air(element: air.ReceiptElement) -> tuple[RecipientState, Evidence, str, str]:
    """Read a receipt: state, evidence as the far gateway knows it, who, and why."""
    state = _RECEIPT_STATES.get(element.state, RecipientState.UNKNOWN)
    said = "" if element.by is None else str(element.by)
    by, why = ("", _long(said)) if state is RecipientState.REFUSED else (said, "")
    return state, Evidence[element.evidence.name], by, why


def _short(reason: str) -> str:
    """Write a reason in few octets: `1240>1024` for what does not fit, else a word of its own."""
    figures = _TOO_LONG.fullmatch(reason)
    return f"{figures[1]}>{figures[2]}" if figures else _WORDS.get(reason, reason)


def _long(word: str) -> str:
    need, mark, limit = word.partition(">")
    if mark:
        return f"needs {need} octets, limit {limit}"
    return next((reason for reason, short in _WORDS.items() if short == word), word)


USED_TWICE = "identity used twice"
"""Why a copy is refused that another gateway knows as another message."""

NO_WAY_ON = "no way on from here"
"""Why a copy is refused whose recipient nobody here knows, or that has no hops left."""

_WORDS = {USED_TWICE: "id", NO_WAY_ON: "way"}
_TOO_LONG = re.compile(r"needs (\d{1,5}) octets, limit (\d{1,5})")

MAX_BY_CHARS = 12
"""A name on the air: a call sign, or a person's name in Chinese."""

_RECEIPT_STATES = {
    air.ReceiptState[state.name]: state
    for state in RecipientState
    if state.name in air.ReceiptState.__members__
}
