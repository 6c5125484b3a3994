"""What a sealed body can say: typed elements. How they stand on the air: `packing`, docs/air-protocol.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from protocols.air.words import (
    DEFAULT_HOPS,
    DEFAULT_LIFETIME_S,
    AirBearer,
    AirLinkState,
    Evidence,
    LinkReason,
    MessageKind,
    ReceiptState,
    RollCallResult,
)

ACK_SPAN = 32
"""Frames one acknowledgement speaks of: the highest received and the 31 before it."""

ACK_COUNTER_BITS = 14
"""Low bits of the counter in an acknowledgement: a sender would need 16384 frames under way to be misled."""


@dataclass(frozen=True, slots=True)
class MessageId:
    """Who a message is, for ever: origin, its ledger's incarnation tag (16 bits), sequence (28 bits)."""

    origin: int
    incarnation: int
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageElement:
    """A message on one hop. `body` is text (str) or octets (bytes).

    `recipients` are station numbers, empty = the frame's destination. `sender` is the station on whose behalf
    the origin speaks (a native handheld behind it), None = the origin. `age_s` is rounded down on the air,
    `lifetime_s` (None: `DEFAULT_LIFETIME_S` of the precedence) up: nothing expires early.
    """

    elicits_ack: ClassVar[bool] = True

    message_id: MessageId
    body: str | bytes
    precedence: int = 1
    kind: MessageKind = MessageKind.TEXT
    receipt_wanted: bool = True
    ack_wanted: bool = False
    """An acknowledgement by a person is wanted."""
    lifetime_s: int | None = None
    age_s: int = 0
    age_is_lower_bound: bool = False
    exercise: bool = False
    hops_left: int = DEFAULT_HOPS
    recipients: tuple[int, ...] = ()
    sender: int | None = None
    unauthenticated: bool = False
    """It began as native text, which anybody could have typed."""

    @property
    def effective_lifetime_s(self) -> int:
        """Seconds from acceptance to expiry, default included."""
        return DEFAULT_LIFETIME_S[self.precedence] if self.lifetime_s is None else self.lifetime_s


@dataclass(frozen=True, slots=True)
class AckElement:
    """Frames received from the frame's destination: bit i of `bitmap` = the highest counter minus i.

    Speaks of the unicast stream opposite to the frame it rides in; an unset bit says nothing.
    """

    elicits_ack: ClassVar[bool] = False

    counter_low: int
    """Low 14 bits of the highest counter received; bit 0 of `bitmap` is always set."""
    bitmap: int = 1

    @classmethod
    def of(cls, highest: int, bitmap: int) -> AckElement:
        """From the receiver's window: `highest` counter and the received bits below it."""
        return cls(highest & ((1 << ACK_COUNTER_BITS) - 1), (bitmap | 1) & ((1 << ACK_SPAN) - 1))

    def counters(self, next_counter: int) -> tuple[int, ...]:
        """Return the full counters acknowledged, highest first; `next_counter` is the first we never used."""
        last = next_counter - 1
        highest = last - ((last - self.counter_low) & ((1 << ACK_COUNTER_BITS) - 1))
        return tuple(
            highest - back for back in range(ACK_SPAN) if self.bitmap >> back & 1 and highest - back > 0
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptElement:
    """What became of a message at `recipient`; `by` is the station or person (a short name) who did it."""

    elicits_ack: ClassVar[bool] = True

    message_id: MessageId
    recipient: int
    state: ReceiptState
    evidence: Evidence = Evidence.PROTOCOL
    by: int | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkEntry:
    """One link of a station: `age_s` of the evidence is rounded up on the air, quality to steps of 1/14."""

    bearer: AirBearer
    state: AirLinkState
    evidence: Evidence = Evidence.PROTOCOL
    age_s: int | None = 0
    quality_pct: int | None = None
    reason: LinkReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkReportElement:
    """All links of `station`; the latest `sequence` (16 bits, wraps) replaces what came before."""

    elicits_ack: ClassVar[bool] = False

    station: int
    sequence: int
    entries: tuple[LinkEntry, ...]


@dataclass(frozen=True, slots=True)
class LinkReportRequest:
    """Asks the frame's destination for its link report, now."""

    elicits_ack: ClassVar[bool] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RollCallPoll:
    """Asks `stations` (empty: the frame's destination) to answer within `deadline_s` (rounded down).

    An answer counts only with this `call_id` (16 bits) and random `nonce` (16 bits).
    """

    elicits_ack: ClassVar[bool] = True

    call_id: int
    nonce: int
    deadline_s: int
    stations: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RollCallAnswer:
    """One station's answer to a poll, its own or found out for it by the gateway it hangs on.

    `bearer` is how that gateway learnt it; it elicits an acknowledgement, since a lost answer would count
    somebody absent.
    """

    elicits_ack: ClassVar[bool] = True

    call_id: int
    nonce: int
    station: int
    result: RollCallResult
    evidence: Evidence = Evidence.PROTOCOL
    bearer: AirBearer | None = None
    head_count: int | None = None
    battery_pct: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class EchoRequest:
    """Prove that you are there now: send `nonce` (32 random bits) back."""

    elicits_ack: ClassVar[bool] = False

    nonce: int


@dataclass(frozen=True, slots=True)
class EchoReply:
    """The echo of a request's `nonce`."""

    elicits_ack: ClassVar[bool] = False

    nonce: int


@dataclass(frozen=True, slots=True)
class CounterNotice:
    """Your counter towards me is behind or was used before: go on above `highest`."""

    elicits_ack: ClassVar[bool] = False

    highest: int


@dataclass(frozen=True, slots=True)
class IdentityNotice:
    """The message you sent under this identity is another than the one known here by it: it was not taken."""

    elicits_ack: ClassVar[bool] = False

    message_id: MessageId


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionElement:
    """Where `station` is, WGS 84; `age_s` of the fix is rounded up on the air, None = not known."""

    elicits_ack: ClassVar[bool] = False

    station: int
    latitude_deg: float
    longitude_deg: float
    age_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StationPresence:
    """`station` was heard on `bearer`, `age_s` ago (rounded up on the air)."""

    elicits_ack: ClassVar[bool] = False

    station: int
    bearer: AirBearer
    age_s: int | None = 0


@dataclass(frozen=True, slots=True)
class UnknownElement:
    """An element of a later version that may be skipped: type 0..15 and its octets."""

    elicits_ack: ClassVar[bool] = False

    type_number: int
    octets: bytes


Element = (
    MessageElement
    | AckElement
    | ReceiptElement
    | LinkReportElement
    | LinkReportRequest
    | RollCallPoll
    | RollCallAnswer
    | EchoRequest
    | EchoReply
    | CounterNotice
    | IdentityNotice
    | PositionElement
    | StationPresence
    | UnknownElement
)


_ONLY_UNDER_PAIR_KEY = (
    AckElement,
    ReceiptElement,
    RollCallAnswer,
    EchoRequest,
    EchoReply,
    CounterNotice,
    IdentityNotice,
)


def needs_pair_key(element: Element) -> bool:
    """Whether the element counts only under a pair key (orders, receipts, answers, notices ...)."""
    if isinstance(element, MessageElement):
        return element.kind is MessageKind.ORDER
    return isinstance(
        element,
        AckElement
        | ReceiptElement
        | RollCallAnswer
        | EchoRequest
        | EchoReply
        | CounterNotice
        | IdentityNotice,
    )


def needs_fresh_peer(element: Element) -> bool:
    """Whether the element counts only from a peer proven fresh by an echo: orders, receipts, roll calls."""
    if isinstance(element, MessageElement):
        return element.kind is MessageKind.ORDER
    return isinstance(element, ReceiptElement | RollCallPoll | RollCallAnswer | IdentityNotice)


def elicits_ack(elements: tuple[Element, ...]) -> bool:
    """Whether a frame of these elements must be acknowledged."""
    return any(element.elicits_ack for element in elements)
