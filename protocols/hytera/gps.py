"""The 40 ASCII octets in which LP carries a fix (reference page, section 1.7); unknown parts are NUL."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Annotated

from protocols.errors import LocalProtocolError
from protocols.hytera.wire import Order

SIZES = (1, 6, 6, 1, 9, 1, 10, 3, 3)
GPS_OCTETS = sum(SIZES)


@dataclass(frozen=True, slots=True)
class Gps:
    """A fix as it is written: status A or V, time, date, latitude `DDMM.MMMM`, longitude, knots."""

    status: str = "V"
    time_hhmmss: str = ""
    date_ddmmyy: str = ""
    ns: str = ""
    lat_ddmm_mmmm: str = ""
    ew: str = ""
    lon_dddmm_mmmm: str = ""
    speed_knots: str = ""
    direction_deg: str = ""

    def position(self) -> tuple[float, float] | None:
        """Latitude and longitude in degrees (WGS 84), None without a valid fix."""
        latitude = _degrees(self.lat_ddmm_mmmm, 2, 90.0)
        longitude = _degrees(self.lon_dddmm_mmmm, 3, 180.0)
        if self.status != "A" or latitude is None or longitude is None:
            return None
        if self.ns not in {"N", "S"} or self.ew not in {"E", "W"}:
            return None
        return (-latitude if self.ns == "S" else latitude), (-longitude if self.ew == "W" else longitude)


@dataclass(frozen=True, slots=True)
class GpsKind:
    """How a fix stands on the wire (protocols.hytera.wire.Kind)."""

    def take(self, data: bytes, order: Order) -> tuple[Gps, int] | None:
        """See Kind."""
        del order
        if len(data) < GPS_OCTETS:
            return None
        parts, at = [], 0
        for size in SIZES:
            parts.append(data[at : at + size].decode("latin-1").rstrip("\0"))
            at += size
        return Gps(*parts), GPS_OCTETS

    def give(self, value: Gps, order: Order) -> bytes:
        """See Kind."""
        del order
        octets = b""
        for item, size in zip(fields(value), SIZES, strict=True):
            try:
                part = getattr(value, item.name).encode("latin-1")
            except UnicodeEncodeError as error:
                raise LocalProtocolError(f"{item.name}: single-octet characters only") from error
            if len(part) > size:
                raise LocalProtocolError(f"{item.name}: longer than {size} octets")
            octets += part.ljust(size, b"\0")
        return octets


GPS = Annotated[Gps, GpsKind()]


def _degrees(text: str, whole: int, limit: float) -> float | None:
    head, tail = text[:whole], text[whole:]
    if not (head.isascii() and head.isdigit() and tail.replace(".", "", 1).isdigit() and tail.isascii()):
        return None
    minutes = float(tail)
    degrees = int(head) + minutes / 60
    return degrees if minutes < 60 and math.isfinite(degrees) and degrees <= limit else None  # noqa: PLR2004
