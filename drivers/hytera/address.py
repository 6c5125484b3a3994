"""Bearer addresses of this driver: decimal radio ids, or PDT dial numbers of the national rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from drivers.base import LinkRefusedError
from protocols.errors import LocalProtocolError
from protocols.hytera.wire import RadioIp
from protocols.pdt.numbers import AIR_ID_MAX, AirId, air_id, dial_number

PLAIN = "id:"
"""Prefix of a decimal id where dial numbers are spoken and the rule gives this id none."""


@dataclass(frozen=True, slots=True)
class Numbering:
    """Turns addresses into ids and back, for one link."""

    link: str
    rule: Literal["id", "pdt"]
    subnet: int

    def id_of(self, address: str, *, group: bool) -> AirId:
        """Return the id an address names; raise LinkRefusedError for what is no address."""
        text = address.removeprefix(PLAIN)
        if self.rule == "pdt" and text == address:
            try:
                found = air_id(address)
            except LocalProtocolError as error:
                raise LinkRefusedError(self.link, error.en, error.zh) from error
            if group and not found.group:
                raise LinkRefusedError(self.link, f"{address} is no group number", f"{address} 不是组呼号码")
            return found
        if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= AIR_ID_MAX and len(text) < 9):  # noqa: PLR2004
            raise LinkRefusedError(
                self.link,
                f"address {address[:20]!r}: decimal radio id 1..{AIR_ID_MAX}",
                f"地址 {address[:20]!r}：应为十进制电台号 1..{AIR_ID_MAX}",
            )
        return AirId(int(text), group)

    def address_of(self, radio: int, *, group: bool = False) -> str:
        """Return the address of an id."""
        if self.rule == "id":
            return str(radio)
        return dial_number(AirId(radio, group)) or f"{PLAIN}{radio}"

    def ip(self, air: AirId) -> RadioIp:
        """Return the data-side address of an id; groups have 0 in the first octet."""
        return RadioIp(0 if air.group else self.subnet, air.id)
