"""The keys of a Beidou link."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from protocols.beidou.values import CARD_DIGITS, MAX_CARD
from protocols.errors import BadInputError

PROBE_BAUDS = (115_200, 19_200, 9_600)
"""Rates tried in turn when `baud_bps` is 0, most common first (reference page satellite-terminals §1.1)."""

Seconds = Annotated[float, msgspec.Meta(gt=0, le=600)]


class BeidouConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys of one `[[link]]` table with `driver = "beidou"`."""

    device: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    """Serial port."""
    baud_bps: Annotated[int, msgspec.Meta(ge=0, le=921_600)] = 115_200
    """0: try 115200, 19200 and 9600 in turn."""
    data_peers: tuple[int | str, ...] = ()
    """Card numbers of other gateways: mode-2 hex from them is data. Everything else is native text."""
    beam_min: Annotated[int, msgspec.Meta(ge=1, le=4)] = 2
    """Weakest beam power (1-4) that counts as a signal; our choice, the sources name none."""
    margin_s: Annotated[float, msgspec.Meta(ge=0, le=10)] = 1.5
    """Added to the card's service period, so that we are never a second too early."""
    fki_timeout_s: Seconds = 8.0
    """Longest wait for the terminal's feedback; after it the outcome is unknown."""
    text_mode: Literal["mixed", "hanzi"] = "mixed"
    """How native text is sent: mode 2 (any GBK text) or mode 0 for old receivers (GB2312 only)."""
    express_sos: bool = True
    """Send SOS as express (特快) when it fits 22 octets."""
    bsi_period_s: Annotated[float, msgspec.Meta(ge=1, le=60)] = 2.0
    """How often the terminal reports its beams; three missed reports and it is asked whether it lives."""
    inhibit_retry_s: Seconds = 60.0
    """After the system forbade transmitting: how long until one message is tried again."""
    fen_per_frame: Annotated[int, msgspec.Meta(ge=0)] = 0
    """What one message costs, in fen."""

    def __post_init__(self) -> None:
        """Refuse what is no card number."""
        for peer in self.data_peers:
            card_number(peer, "data_peers")

    @property
    def data_cards(self) -> frozenset[int]:
        """`data_peers` as numbers."""
        return frozenset(card_number(peer, "data_peers") for peer in self.data_peers)


def card_number(value: int | str, field: str) -> int:
    """Return a card's number; accepts any number of leading zeros. Raises BadInputError."""
    text = str(value)
    if text.isascii() and text.isdigit() and len(text) <= CARD_DIGITS and 0 < int(text) < MAX_CARD:
        return int(text)
    raise BadInputError(
        field,
        limit=f"card number 1-{MAX_CARD - 1}",
        found=value,
        en="not a card number",
        zh="不是有效的北斗卡号",
    )


def address(card: int) -> str:
    """Return a card's number as the link's address: seven digits."""
    return f"{card:0{CARD_DIGITS}d}"
