"""Sentences a terminal sends (reference page satellite-terminals §1.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from protocols.beidou.layout import ContentLayout, Layout, sentence
from protocols.beidou.values import (
    CARD,
    MAX_CARD,
    Angle,
    Clock,
    Flag,
    Letter,
    Number,
    Octets,
    Text,
    Wait,
    Whole,
)

MAX_RECEIPTS = 5
"""Receipts in one BDHZR (§1.3)."""

BEAMS = 10
"""Beams a BDBSI reports."""

LEVEL_OF_ZERO = 5
"""Card level 0 is read as level 5 (§1.3)."""


@sentence("BD", "ICI", CARD, Text(), CARD, Whole(), Number(), Whole(), Flag("EN"), Whole())
@dataclass(frozen=True, slots=True)
class CardInfo(Layout):
    """The own card: number, serial, broadcast number, user type, period in s, level, subordinates.

    Types: 0 commander, 1-3 first to third class, 4-7 the same with identity authentication.
    """

    user: int | None
    serial: str
    broadcast: int | None
    user_type: int | None
    period_s: float | None
    level: int | None
    encrypted: bool
    subordinates: int | None

    @property
    def card_present(self) -> bool:
        """Whether a card is in the terminal (0 and 2097151 mean none)."""
        return self.user not in {None, 0, MAX_CARD}

    @property
    def service_level(self) -> int:
        """The level that holds: 0 (or nothing) is read as 5."""
        return self.level or LEVEL_OF_ZERO


@sentence("BD", "ICZ")
@dataclass(frozen=True, slots=True)
class Subordinates(Layout):
    """At most forty of a commander's subordinates."""

    count: int | None
    users: tuple[int | None, ...]

    @classmethod
    def from_fields(cls, fields: tuple[bytes, ...]) -> Self:
        """Read count and cards."""
        return cls(Whole().parse(fields[0]) if fields else None, tuple(CARD.parse(f) for f in fields[1:]))

    def to_fields(self) -> tuple[bytes, ...]:
        """Write count and cards."""
        return (Whole().format(self.count), *(CARD.format(user) for user in self.users))


@sentence("BD", "FKI", Text(), Flag(), Flag(), Whole(), Wait())
@dataclass(frozen=True, slots=True)
class Feedback(Layout):
    """The terminal's answer to command `cmd`.

    `ok`: executed, that is: taken by the transmitter, no proof of delivery. `freq_set_ok` N: the service
    interval is not over, `wait_s` is left. `inhibit`: 0 none, 1 system suppression, 2 low battery, 3 radio
    silence, 4 seen and unknown.
    """

    cmd: str
    ok: bool
    freq_set_ok: bool
    inhibit: int | None
    wait_s: int

    @classmethod
    def from_fields(cls, fields: tuple[bytes, ...]) -> Self:
        """Refuse BDS-3's BDFKI, whose first field is a time, not a command."""
        if fields and fields[0][:1].isdigit():
            raise ValueError("a BDS-3 feedback")
        return super(Feedback, cls).from_fields(fields)


@sentence("BD", "TXR", Whole(), CARD, Whole(), Clock(), Octets())
@dataclass(frozen=True, slots=True)
class Message(ContentLayout):
    """A message came in: `kind` 1 normal, 2 express, 3 broadcast, 4 latest stored, 5 query by sender."""

    kind: int | None
    sender: int | None
    mode: int | None
    time: str | None
    content: bytes


@sentence("BD", "BSI")
@dataclass(frozen=True, slots=True)
class Beams(Layout):
    """Response beam, time-difference beam, powers 0-4 of ten beams (0 < -158 dBW ... 4 > -152 dBW)."""

    response_beam: int | None
    timediff_beam: int | None
    power: tuple[int, ...]

    @classmethod
    def from_fields(cls, fields: tuple[bytes, ...]) -> Self:
        """Read two beams and their powers."""
        beams = [Whole().parse(field) for field in (*fields, b"", b"")[:2]]
        return cls(beams[0], beams[1], tuple(Whole().parse(f) or 0 for f in fields[2 : 2 + BEAMS]))

    def to_fields(self) -> tuple[bytes, ...]:
        """Write them."""
        ends = [Whole(2).format(beam) for beam in (self.response_beam, self.timediff_beam)]
        return (*ends, *(Whole().format(power) for power in self.power))


@sentence(
    "BD",
    "DWR",
    Whole(),
    CARD,
    Clock(),
    Angle(2),
    Letter("NS"),
    Angle(3),
    Letter("EW"),
    Number(),
    Letter("M"),
    Number(),
    Letter("M"),
    Whole(),
    Letter("AV"),
    Letter("AV"),
    Letter("HL"),
)
@dataclass(frozen=True, slots=True)
class Place(Layout):
    """A position the system found: kind 1 own, 2 queried, 3 report; degrees without sign, heights in m."""

    kind: int | None
    user: int | None
    time: str | None
    lat: float | None
    lat_side: str | None
    lon: float | None
    lon_side: str | None
    height: float | None
    height_unit: str | None
    anomaly: float | None
    anomaly_unit: str | None
    precision: int | None
    urgent: str | None
    multi: str | None
    user_class: str | None


@sentence("BD", "HZR")
@dataclass(frozen=True, slots=True)
class Receipts(Layout):
    """Receipts of messages sent to card `user`: pairs of (sent, received), each hh:mm."""

    user: int | None
    receipts: tuple[tuple[str, str], ...]

    @classmethod
    def from_fields(cls, fields: tuple[bytes, ...]) -> Self:
        """Read the count and that many pairs; raises ValueError if pairs are missing."""
        count = Whole().parse(fields[1]) if len(fields) > 1 else 0
        times = [Clock().parse(field) or "" for field in fields[2:]]
        if count is None or count > MAX_RECEIPTS or len(times) < 2 * count:
            raise ValueError("receipt count")
        pairs = tuple((times[2 * n], times[2 * n + 1]) for n in range(count))
        return cls(CARD.parse(fields[0]) if fields else None, pairs)

    def to_fields(self) -> tuple[bytes, ...]:
        """Write the card, the count and the pairs."""
        times = [Clock().format(time) for pair in self.receipts for time in pair]
        return (CARD.format(self.user), Whole().format(len(self.receipts)), *times)


@sentence("BD", "HZ")
@dataclass(frozen=True, slots=True)
class BoxCommand(Layout):
    """A vendor box's own sentence: `DLJC` battery, `ZTJC` status, `SET`, `SOS`; `CHECK` and `DLFK` answer."""

    cmd: str
    args: tuple[str, ...]

    @classmethod
    def from_fields(cls, fields: tuple[bytes, ...]) -> Self:
        """Read command and arguments."""
        texts = [Text().parse(field) for field in fields] or [""]
        return cls(texts[0], tuple(texts[1:]))

    def to_fields(self) -> tuple[bytes, ...]:
        """Write them."""
        return tuple(Text().format(text) for text in (self.cmd, *self.args))
