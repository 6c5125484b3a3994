"""Sentences a host sends (reference page satellite-terminals §1.2); some come back as reports."""

from __future__ import annotations

from dataclasses import dataclass

from protocols.beidou.layout import ContentLayout, Layout, sentence
from protocols.beidou.values import CARD, Angle, Clock, Flag, Letter, Number, Octets, Text, Whole


@sentence("CC", "ICA", Whole(), Whole(2))
@dataclass(frozen=True, slots=True)
class CardQuery(Layout):
    """Ask for the own card (`type` 0) or subordinates (1); `frame` 0 all, n the n-th forty (1-125)."""

    type: int | None
    frame: int | None


@sentence("CC", "TXA", CARD, Whole(), Whole(), Octets())
@dataclass(frozen=True, slots=True)
class Transmit(ContentLayout):
    """Send `content` to card `dest`; `comm` 0 express, 1 normal; `mode`: see protocols.beidou.content."""

    dest: int
    comm: int
    mode: int
    content: bytes


@sentence("CC", "RMO", Text(), Whole(), Number())
@dataclass(frozen=True, slots=True)
class Report(Layout):
    """Periodic output: `mode` 1 stop `target`, 2 start it, 3 stop all, 4 start all; `period` in s."""

    target: str
    mode: int | None
    period: float | None


@sentence("CC", "BSS", Whole(2), Whole(2))
@dataclass(frozen=True, slots=True)
class BeamSetup(Layout):
    """Choose beams 1-10; None is automatic."""

    response_beam: int | None
    timediff_beam: int | None


@sentence("CC", "DWA", CARD, Letter("AV"), Whole(), Letter("HL"), *([Number()] * 4), Number())
@dataclass(frozen=True, slots=True)
class PositionRequest(Layout):
    """Ask the system for a position; heights in m, pressure in Pa, temperature in °C, period 0 once."""

    user: int | None
    urgent: str | None
    height_mode: int | None
    user_class: str | None
    height: float | None
    antenna: float | None
    pressure: float | None
    temperature: float | None
    period: float | None


@sentence("CC", "CXA", Whole(), Whole(), CARD)
@dataclass(frozen=True, slots=True)
class Query(Layout):
    """`query` 0 position, 1 message; `mode` 1 latest stored, 2 by sender, 3 receipts; `addr` whose."""

    query: int | None
    mode: int | None
    addr: int | None


@sentence(
    "CC BD",
    "WAA",
    Whole(),
    Number(),
    CARD,
    Clock(),
    Angle(2),
    Letter("NS"),
    Angle(3),
    Letter("EW"),
    Number(),
    Letter("M"),
)
@dataclass(frozen=True, slots=True)
class PositionReport(Layout):
    """Position report 1: type 0/1, period in s, card, time, place (degrees without sign), height in m."""

    type: int | None
    period: float | None
    user: int | None
    time: str | None
    lat: float | None
    lat_side: str | None
    lon: float | None
    lon_side: str | None
    height: float | None
    height_unit: str | None


@sentence("CC BD", "WBA", CARD, Letter("HL"), Number(), Number())
@dataclass(frozen=True, slots=True)
class PositionReport2(Layout):
    """Position report 2: card, user class, antenna height in m, period in s."""

    user: int | None
    user_class: str | None
    antenna: float | None
    period: float | None


@sentence("CC BD", "KLS", CARD, Flag())
@dataclass(frozen=True, slots=True)
class Challenge(Layout):
    """A commander's 口令识别 of a subordinate: card, whether it must answer."""

    user: int | None
    answer: bool


@sentence("CC BD", "KLT", Letter("PZ"), CARD, Whole(), Octets())
@dataclass(frozen=True, slots=True)
class ChallengeText(ContentLayout):
    """What 口令识别 carries: P/Z, card, coding 0-2, at most 248 octets."""

    character: str | None
    user: int | None
    mode: int | None
    content: bytes


@sentence("CC BD", "JMS", Letter("ENZ"))
@dataclass(frozen=True, slots=True)
class Silence(Layout):
    """Radio silence: E start, N stop (Z seen); after E every TXA is answered with inhibit 3."""

    state: str | None


@sentence("CC BD", "LZM", Whole(), Number())
@dataclass(frozen=True, slots=True)
class ZeroValue(Layout):
    """Zero value of the equipment: manage mode, value."""

    mode: int | None
    value: float | None


@sentence("CC BD", "GXM", Whole(), Text(), Whole())
@dataclass(frozen=True, slots=True)
class BroadcastManagement(Layout):
    """Management of broadcast information: type, hex information, serial number."""

    type: int | None
    info: str
    serial: int | None
