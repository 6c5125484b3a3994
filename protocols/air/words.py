"""The small vocabularies of the air protocol; the numbers stand on the air (docs/air-protocol.md)."""

from __future__ import annotations

from enum import IntEnum

NET = 0
"""Destination of a broadcast to the whole net; station numbers are 1..65535."""

STATION_MAX = 0xFFFF
"""Greatest station number: 16 bits in header and seal."""

PRECEDENCE_MAX = 5
"""Greatest precedence, SOS; DEFERRED is 0. Equal to the numbers of design word `Precedence`."""

DEFAULT_LIFETIME_S: tuple[int, ...] = (259_200, 86_400, 86_400, 28_800, 14_400, 86_400)
"""Lifetime by precedence (index), seconds: said with no octets. Orders of high precedence grow stale soon,
an SOS must still be found a day later, deferred traffic may wait out a three-day cut."""

DEFAULT_HOPS = 4
"""Hops left when nothing is said: handheld's gateway, relay, district, headquarters."""


class MessageKind(IntEnum):
    """What a message is for; orders count only under a pair key and from a fresh peer."""

    TEXT = 0
    ORDER = 1
    REPORT = 2
    REPLY = 3
    SERVICE = 4
    """Automatic text (help, refusals): never answered automatically, so that two gateways cannot converse."""


class ReceiptState(IntEnum):
    """What became of a message at one recipient."""

    RELAYED = 0
    DELIVERED = 1
    READ = 2
    ACKNOWLEDGED = 3
    EXPIRED = 4
    REFUSED = 5
    FAILED = 6
    UNKNOWN = 7
    CANCELLED = 8
    SUPERSEDED = 9


class Evidence(IntEnum):
    """How somebody knows: the protocol said so, a sign was observed, it follows, or an operator said so."""

    PROTOCOL = 0
    OBSERVED = 1
    INFERRED = 2
    OPERATOR = 3


class AirBearer(IntEnum):
    """Bearers in link reports; `name.lower()` is the word used everywhere else."""

    PDT = 0
    BEIDOU = 1
    TIANTONG = 2
    IRIDIUM = 3
    VSAT = 4
    MESH = 5
    CELLULAR = 6
    LAN = 7


class AirLinkState(IntEnum):
    """Link states in link reports; `name.lower()` is the word used everywhere else."""

    ABSENT = 0
    STARTING = 1
    UP = 2
    SUSPECT = 3
    DOWN = 4
    RECOVERING = 5
    BLOCKED = 6


class LinkReason(IntEnum):
    """Why a link is not up, as far as one octet can say it."""

    OTHER = 0
    QUIET = 1
    DEVICE_ABSENT = 2
    DEVICE_SILENT = 3
    NOT_REGISTERED = 4
    NO_SIGNAL = 5
    ANTENNA_BLOCKED = 6
    NO_PEER = 7
    SERVICE_INTERVAL = 8
    VOICE = 9
    BUDGET = 10
    INHIBITED = 11


class RollCallResult(IntEnum):
    """What one station's roll call came to, as the gateway that asked or answers knows it."""

    ANSWERED = 0
    SUBSTITUTE = 1
    HEARD = 2
    ABSENT = 3
    FAULT = 4
    WRONG_STATION = 5
    EXCUSED = 6
    MAINTENANCE = 7
    UNREACHABLE = 8
