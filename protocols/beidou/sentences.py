"""Typed sentences of the 2.1 protocol: `parse` reads a checked one, `compose` writes one.

Fields that the terminal left empty are None; fields missing at the end count as empty, surplus ones are
ignored.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocols.beidou.commands import (
    BeamSetup,
    BroadcastManagement,
    CardQuery,
    Challenge,
    ChallengeText,
    PositionReport,
    PositionReport2,
    PositionRequest,
    Query,
    Report,
    Silence,
    Transmit,
    ZeroValue,
)
from protocols.beidou.framing import Sentence, encode
from protocols.beidou.layout import Layout
from protocols.beidou.reports import (
    Beams,
    BoxCommand,
    CardInfo,
    Feedback,
    Message,
    Place,
    Receipts,
    Subordinates,
)

_TYPES: dict[tuple[str, str], type[Layout]] = {
    (talker, known.id): known
    for known in (
        CardQuery,
        Transmit,
        Report,
        BeamSetup,
        PositionRequest,
        Query,
        PositionReport,
        PositionReport2,
        Challenge,
        ChallengeText,
        Silence,
        ZeroValue,
        BroadcastManagement,
        CardInfo,
        Subordinates,
        Feedback,
        Message,
        Beams,
        Place,
        Receipts,
        BoxCommand,
    )
    for talker in known.talkers
}


@dataclass(frozen=True, slots=True)
class Malformed:
    """A known sentence with a valid checksum whose fields make no sense; counted."""

    sentence: Sentence
    reason: str


def parse(sentence: Sentence) -> Layout | Sentence | Malformed:
    """Return the typed sentence; the sentence itself if it is of no known type (vendor, GNSS, BDS-3)."""
    known = _TYPES.get((sentence.talker, sentence.id))
    if known is None or (known is Feedback and sentence.fields[:1] and sentence.fields[0][:1].isdigit()):
        return sentence
    try:
        return known.from_fields(sentence.fields)
    except ValueError as error:
        return Malformed(sentence, str(error))


def compose(typed: Layout, talker: str = "") -> bytes:
    """Octets of a typed sentence; raises LocalProtocolError for what is never sent or cannot be read back."""
    return encode(Sentence(talker or typed.talkers[0], typed.id, typed.to_fields()))
