"""What may be sent with a card: its promises, and a transmission made into a sentence or refused."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.base import (
    Bearer,
    Capabilities,
    CostModel,
    LinkRefusedError,
    Precedence,
    Service,
    TextEncoding,
    Transmission,
)
from drivers.beidou.config import BeidouConfig, card_number
from protocols.beidou.commands import Transmit
from protocols.beidou.content import Capacity, Mode, capacity, encode_hanzi, encode_mixed
from protocols.beidou.framing import TEXT
from protocols.beidou.reports import CardInfo
from protocols.beidou.sentences import compose
from protocols.beidou.values import MAX_CARD
from protocols.errors import BadInputError, LocalProtocolError

USUAL_LEVEL = 3
USUAL_PERIOD_S = 60.0
"""What most cards are; promised until a card has told (reference page satellite-terminals §1.3)."""

LATENCY_S = 5.0
"""One way through the satellite and its ground station: 1-5 s, not measured by us."""

COMMANDERS = frozenset({0, 4})
"""User types that may send to their broadcast number."""

EXPRESS, NORMAL = 0, 1
HANZI_OCTETS = 2


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A sentence ready to be written, and the card it is for."""

    card: int
    octets: bytes
    is_text: bool


def capacity_of(card: CardInfo | None, *, express: bool = False) -> Capacity:
    """Return what the card may send at once."""
    level = card.service_level if card is not None else USUAL_LEVEL
    return capacity(level, encrypted=card is not None and card.encrypted, express=express)


def capabilities(card: CardInfo | None, config: BeidouConfig) -> Capabilities:
    """Return what the link promises with this card."""
    limit = capacity_of(card)
    period_s = card.period_s if card is not None and card.period_s else USUAL_PERIOD_S
    interval_s = period_s + config.margin_s
    text_octets = limit.octets if config.text_mode == "mixed" else limit.hanzi * HANZI_OCTETS
    return Capabilities(
        bearer=Bearer.BEIDOU,
        services=frozenset({Service.DATA, Service.TEXT}),
        mtu_octets=limit.octets,
        text_max_octets=text_octets,
        text_encoding=TextEncoding.GB18030,
        nominal_bps=max(1, int(limit.octets * 8 / interval_s)),
        broadcast=_broadcast(card) != 0,
        min_interval_s=interval_s,
        latency_s=LATENCY_S,
        cost=CostModel(fen_per_frame=config.fen_per_frame),
    )


def prepare(name: str, transmission: Transmission, card: CardInfo | None, config: BeidouConfig) -> Outgoing:
    """Build the sentence; raises LinkRefusedError naming octets and limit, address or service."""
    if transmission.service is Service.STATUS:
        raise LinkRefusedError(name, "a card cannot be asked whether it is there", "无法查询北斗卡是否在线")
    dest = _destination(name, transmission, card)
    is_text = transmission.service is Service.TEXT
    try:
        octets = transmission.text.encode(TEXT) if is_text else transmission.payload
        if not octets:
            raise LinkRefusedError(name, "nothing to send", "内容为空")
        hanzi = is_text and config.text_mode == "hanzi"
        normal, urgent = capacity_of(card), capacity_of(card, express=True)
        express = config.express_sos and transmission.precedence is Precedence.SOS
        if express and (len(transmission.text) > urgent.hanzi if hanzi else len(octets) > urgent.octets):
            express = False
        limit = urgent if express else normal
        content = encode_hanzi(transmission.text, limit) if hanzi else encode_mixed(octets, limit)
        mode = Mode.HANZI if hanzi else Mode.MIXED
        return Outgoing(dest, compose(Transmit(dest, EXPRESS if express else NORMAL, mode, content)), is_text)
    except LocalProtocolError as error:
        raise LinkRefusedError(name, error.en, error.zh) from error
    except UnicodeEncodeError as error:
        raise LinkRefusedError(name, "text holds a lone surrogate", "文本含有无效字符") from error


def _destination(name: str, transmission: Transmission, card: CardInfo | None) -> int:
    if transmission.destination:
        try:
            return card_number(transmission.destination, "destination")
        except BadInputError as error:
            raise LinkRefusedError(name, error.en, error.zh) from error
    if not (broadcast := _broadcast(card)):
        raise LinkRefusedError(name, "this card may not broadcast", "该卡无通播权限")
    return broadcast


def _broadcast(card: CardInfo | None) -> int:
    """Return the number this card may broadcast to, 0 for none."""
    if card is None or card.user_type not in COMMANDERS or card.broadcast in {None, MAX_CARD}:
        return 0
    return card.broadcast or 0
