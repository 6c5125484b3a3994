"""Which link has which port: two names of one port are one port."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from protocols.errors import BadInputError

Host = IPv4Address | IPv6Address


@dataclass(slots=True)
class Ports:
    """The ports taken so far; `claim` refuses a second link on one."""

    _devices: dict[str, str] = field(default_factory=dict)
    _binds: list[tuple[Host, int, str]] = field(default_factory=list)

    def claim(self, link: str, table: dict[str, Any], where: str) -> None:
        """Note the serial device and the bound address of a link's table; raises BadInputError."""
        device, bind = table.get("device"), table.get("bind")
        if isinstance(device, str):
            # /dev/serial/by-id/... and /dev/ttyUSB0 may be one port: the file system knows.
            holder = self._devices.setdefault(os.path.realpath(device), link)
            if holder != link:
                raise _taken(f"{where}.device", holder, device)
        if isinstance(bind, str):
            self._claim_bind(link, bind, where)

    def _claim_bind(self, link: str, bind: str, where: str) -> None:
        address = _address(bind)
        if address is None or address[1] == 0:  # 0 takes a free one
            return
        for host, port, holder in self._binds:
            if port == address[1] and _overlap(host, address[0]):
                raise _taken(f"{where}.bind", holder, bind)
        self._binds.append((*address, link))


def _taken(where: str, holder: str, found: str) -> BadInputError:
    return BadInputError(
        where,
        limit=f"one link on a port; link {holder} has it",
        found=found,
        en="two links on one port",
        zh="两条链路使用同一端口",
    )


def _address(text: str) -> tuple[Host, int] | None:
    host, _, port = text.rpartition(":")
    try:
        literal = ip_address(host.strip("[]"))
        number = int(port)
    except ValueError:
        return None  # what is no address is the driver's to judge
    mapped = literal.ipv4_mapped if isinstance(literal, IPv6Address) else None
    return mapped or literal, number


def _overlap(one: Host, other: Host) -> bool:
    """Whether two binds meet: `::` takes IPv4 as well, 0.0.0.0 only its own family."""
    if one == other or IPv6Address("::") in (one, other):
        return True
    return one.version == other.version and (one.is_unspecified or other.is_unspecified)
