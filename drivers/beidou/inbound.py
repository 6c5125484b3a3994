"""What a terminal's sentences mean to the gateway."""

from __future__ import annotations

import zlib
from collections import deque

from drivers.base import Heard, LinkEvent, Notice, Position, Received, Service
from drivers.beidou.config import address
from protocols.beidou import content
from protocols.beidou.copies import CopiedMessage, CopiedPlace
from protocols.beidou.reports import Message, Place

DAY_MS = 86_400_000

TWIN_WINDOW_S = 5.0
"""A message without a time that comes again from the same card within this is the same one: two beams carried
it. A card cannot send twice so soon; the shortest service period in use is longer."""

MAX_TWINS = 64
"""Messages remembered for that; more within the window than any terminal tells."""

BROADCAST_KIND = 3


class Inbound:
    """Turns messages and positions into events; the only state is what came within TWIN_WINDOW_S."""

    def __init__(self, data_cards: frozenset[int]) -> None:
        self._data_cards = data_cards
        self._twins: deque[tuple[float, int, int, str]] = deque(maxlen=MAX_TWINS)

    def message(self, message: Message, *, group: str, now_s: float, unix_ms: int) -> LinkEvent:
        """Return the Received of a message, or a Notice for a position report.

        Mode-2 hex from a data peer is a frame; everything else is text. Bytes that look like a frame but come
        from elsewhere are text.
        """
        sender = message.sender or 0
        decoded = content.decode(message.mode, message.content)
        source = address(sender)
        to_group = group if message.kind == BROADCAST_KIND else ""
        binary = decoded.form in {content.Form.OCTETS, content.Form.POSITION}
        if sender in self._data_cards and binary:
            return Received(service=Service.DATA, source=source, payload=decoded.octets, group=to_group)
        if decoded.form is content.Form.POSITION:
            return Notice(event="position_report_received", detail=source)
        ref = self._reference(sender, message, now_s=now_s, unix_ms=unix_ms)
        return Received(
            service=Service.TEXT, source=source, text=decoded.text, native_ref=ref, group=to_group
        )

    def _reference(self, sender: int, message: Message, *, now_s: float, unix_ms: int) -> str:
        """Name a message: sender, when, CRC of its content.

        With a time told, "when" is that minute on the day that puts it nearest to now (a bare hh:mm would
        make tomorrow's 到 a repeat of today's). Without one it is our first sight of it.
        """
        crc = zlib.crc32(message.content)
        if message.time is not None:
            minutes = int(message.time[:2]) * 60 + int(message.time[3:5])
            day = round((unix_ms - minutes * 60_000) / DAY_MS)
            return f"{address(sender)}-{day}.{message.time[:2]}{message.time[3:5]}-{crc:08x}"
        for seen_s, card, seen_crc, ref in self._twins:
            if (card, seen_crc) == (sender, crc) and now_s - seen_s < TWIN_WINDOW_S:
                return ref
        ref = f"{address(sender)}-{unix_ms}-{crc:08x}"
        self._twins.append((now_s, sender, crc, ref))
        return ref


def place(report: Place) -> LinkEvent | None:
    """Return where a card is, None if the report lacks card or place."""
    if report.user is None or report.lat is None or report.lon is None:
        return None
    latitude = -report.lat if report.lat_side == "S" else report.lat
    longitude = -report.lon if report.lon_side == "W" else report.lon
    return Heard(address=address(report.user), how="position", position=Position(latitude, longitude))


def copy(copied: CopiedMessage | CopiedPlace | None) -> LinkEvent:
    """Return what a copy for a commander shows: who was heard. The message itself is not ours."""
    if isinstance(copied, CopiedPlace):
        where = Position(copied.latitude_deg, copied.longitude_deg)
        return Heard(address=address(copied.user), how="position", position=where)
    if isinstance(copied, CopiedMessage):
        return Heard(address=address(copied.sender), how="copy")
    return Notice(event="copy_unreadable")
