"""The words of the gateway as types: messages, recipients, attempts, evidence. Pure values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from drivers.base import Bearer, LinkState, Position, Precedence, Service, Stage
from protocols.errors import BadInputError

__all__ = [
    "Alarm",
    "AlarmKind",
    "Attempt",
    "Bearer",
    "Evidence",
    "LinkReport",
    "LinkState",
    "Message",
    "MessageId",
    "MessageKind",
    "Position",
    "Precedence",
    "Presence",
    "Recipient",
    "RecipientState",
    "Service",
    "Stage",
    "TimeQuality",
]

MAX_STATION = 65_535
"""Station numbers are 1..65535: two octets on the air."""

MAX_TEXT_CHARS = 4_000
"""Longest message text: the largest form we know of (an incident report) is about 1 500 characters."""

MAX_LIFETIME_S = 30 * 86_400
"""Longest lifetime: a month; what is older is history, not traffic."""


MAX_SEQUENCE = (1 << 28) - 1
"""Sequences are 1..2^28-1: the greatest number that four octets carry on the air."""


class Evidence(StrEnum):
    """How a state is known."""

    __hash__ = str.__hash__

    PROTOCOL = "protocol"
    """Authenticated by our own protocol."""
    OBSERVED = "observed"
    """Told by a device or a network, unauthenticated."""
    INFERRED = "inferred"
    OPERATOR = "operator"


class TimeQuality(StrEnum):
    """How good a wall-clock time is."""

    UNKNOWN = "unknown"
    SYSTEM = "system"
    NTP = "ntp"


class MessageKind(StrEnum):
    """What a message is."""

    __hash__ = str.__hash__

    TEXT = "text"
    ORDER = "order"
    NOTICE = "notice"
    """Made by a gateway itself (automatic replies, alarms)."""


class RecipientState(StrEnum):
    """Where one recipient's copy is. The order of the members up to ACKNOWLEDGED is the order of progress."""

    __hash__ = str.__hash__

    QUEUED = "queued"
    UNKNOWN = "unknown"
    AT_MODEM = "at_modem"
    ON_AIR = "on_air"
    AT_NETWORK = "at_network"
    RELAYED = "relayed"
    DELIVERED = "delivered"
    READ = "read"
    ACKNOWLEDGED = "acknowledged"
    EXPIRED = "expired"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"

    @property
    def rank(self) -> int:
        """Position in the order of progress; ends rank between at_network and delivered.

        So an end never hides a delivery, and a receipt that arrives after an end still counts.
        """
        return _RANK[self]

    @property
    def is_end(self) -> bool:
        """Whether the gateway has stopped trying."""
        return self in _ENDS

    @property
    def settled(self) -> bool:
        """Whether nothing more need be sent to this recipient."""
        return self.is_end or self.rank >= RecipientState.DELIVERED.rank


_ENDS = frozenset(
    {
        RecipientState.EXPIRED,
        RecipientState.REFUSED,
        RecipientState.CANCELLED,
        RecipientState.SUPERSEDED,
    }
)
_RANK = {
    RecipientState.QUEUED: 0,
    RecipientState.UNKNOWN: 1,
    RecipientState.AT_MODEM: 2,
    RecipientState.ON_AIR: 3,
    RecipientState.AT_NETWORK: 4,
    RecipientState.RELAYED: 5,
    RecipientState.EXPIRED: 6,
    RecipientState.REFUSED: 6,
    RecipientState.CANCELLED: 6,
    RecipientState.SUPERSEDED: 6,
    RecipientState.DELIVERED: 7,
    RecipientState.READ: 8,
    RecipientState.ACKNOWLEDGED: 9,
}


@dataclass(frozen=True, slots=True, order=True)
class MessageId:
    """Identity of a message for ever: (origin gateway, its ledger's incarnation, sequence)."""

    origin: int
    incarnation: int
    sequence: int

    def __str__(self) -> str:
        return f"{self.origin}-{self.incarnation:04x}-{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> MessageId:
        """Read `origin-incarnation-sequence`; raises BadInputError."""
        found = _ID.fullmatch(text)
        if found is None:
            raise BadInputError(
                "id",
                limit="origin-incarnation-sequence, as 3-1a2b-17",
                found=text,
                en="not a message id",
                zh="不是报文编号",
            )
        origin, incarnation, sequence = int(found[1]), int(found[2], 16), int(found[3])
        if not (0 < origin <= MAX_STATION and 0 < sequence <= MAX_SEQUENCE):
            raise BadInputError(
                "id",
                limit=f"origin 1..{MAX_STATION}, sequence 1..{MAX_SEQUENCE}",
                found=text,
                en="out of range",
                zh="报文编号超出范围",
            )
        return cls(origin, incarnation, sequence)


_ID = re.compile(r"([0-9]{1,5})-([0-9A-Fa-f]{1,4})-([0-9]{1,20})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """One recipient's copy of a message. `detail` says why in words; `by` who acknowledged or relayed."""

    station: int
    state: RecipientState = RecipientState.QUEUED
    evidence: Evidence = Evidence.OBSERVED
    by: str = ""
    detail: str = ""
    updated_unix_ms: int = 0
    read_wanted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message as accepted by this gateway.

    `sender` is the station on whose behalf (a handheld behind its gateway, or the origin itself).
    `created_unix_ms` is this box's clock at acceptance minus `age_s`, of quality `time_quality`;
    lifetime counts on `age_s` plus time spent here, never on clocks of others.
    """

    id: MessageId
    kind: MessageKind
    precedence: Precedence
    text: str
    sender: int
    sender_address: str = ""
    """Native address of a sender that is not in the roster, or the address it used."""
    unauthenticated: bool = False
    exercise: bool = False
    ack_wanted: bool = False
    """A person must acknowledge (FLASH and above)."""
    lifetime_s: int
    age_s: float = 0.0
    age_is_lower_bound: bool = False
    hops_left: int = 4
    accepted_unix_ms: int = 0
    time_quality: TimeQuality = TimeQuality.UNKNOWN
    keep_for_bigger: bool = False
    """Wait for a bearer that can carry it instead of being refused."""
    came_from: int = 0
    """The neighbour gateway that handed it to us; 0 when it was accepted here."""
    recipients: tuple[Recipient, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try to move one recipient's copy over one link."""

    handle: int
    message: MessageId
    station: int
    link: str
    next_hop: int
    stage: Stage | None
    """None: queued on the link."""
    reason: str = ""
    device_ref: str = ""
    octets: int = 0
    part: int = 1
    """Which part of a native text it carries, of `parts`."""
    parts: int = 1
    created_unix_ms: int = 0
    updated_unix_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """When and where a station was last heard."""

    station: int
    link: str
    bearer: Bearer
    address: str
    how: str
    online: bool
    heard_unix_ms: int
    position: Position | None = None
    via: int = 0
    """The gateway that heard it; our own number when we did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkReport:
    """State of one link of some gateway as known here."""

    station: int
    link: str
    bearer: Bearer
    state: LinkState
    evidence: Evidence
    reason: str
    age_s: float
    """Age of the evidence when the report arrived."""
    quality_pct: int | None
    learnt_unix_ms: int
    learnt_by: Bearer | None
    """The bearer the report came over; None for our own links."""


class AlarmKind(StrEnum):
    """What somebody must look at."""

    SOS = "sos"
    LOST_CONTACT = "lost_contact"
    REUSED_COUNTER = "reused_counter"
    REUSED_IDENTITY = "reused_identity"
    LEDGER_SET_ASIDE = "ledger_set_aside"
    UNACKNOWLEDGED = "unacknowledged"
    REFUSED_FRAMES = "refused_frames"
    DISK_FULL = "disk_full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An alarm; acknowledged once, from any seat. `key` makes repeats one alarm."""

    key: str
    kind: AlarmKind
    station: int
    detail: str
    unauthenticated: bool
    position: Position | None
    raised_unix_ms: int
    cleared_unix_ms: int = 0
    cleared_by: str = ""
    """The operator who ended it; empty when the cause went by itself."""
    acknowledged_by: str = ""
    exercise: bool = False
