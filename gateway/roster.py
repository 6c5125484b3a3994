"""The roster 名册: every station, its addresses per bearer, who serves it, and groups. Read-only values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec

from gateway.domain import MAX_STATION, Bearer
from gateway.toml_errors import convert, located, read_toml
from protocols.errors import BadInputError

MAX_STATIONS = 10_000
"""A province's roster; bounds memory at about 10 MB."""

MAX_NAME_CHARS = 40
"""Fits a table column and a notice line."""

SIGN_LIMIT = "1..20 letters, digits or . # + - _"
"""What a call sign or the name of a group may be, in words."""

Number = Annotated[int, msgspec.Meta(ge=1, le=MAX_STATION)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME_CHARS)]
Address = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]


class StationTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of one `[[station]]`."""

    number: Number
    call_sign: Annotated[str, msgspec.Meta(pattern=r"^[\w.#+-]{1,20}$", description=SIGN_LIMIT)]
    name: Name
    path: str = ""
    """City/department/unit, for example `示范市/消防救援支队/一大队`."""
    gateway: bool = False
    """Runs fieldgate itself."""
    headquarters: bool = False
    """Handhelds reach it by default; gateways report their links to it."""
    kind: Annotated[str, msgspec.Meta(max_length=20)] = ""
    keeper: str = ""
    address: dict[Bearer, Address] = msgspec.field(default_factory=dict)
    via: tuple[str, ...] = ()
    """Call signs of the gateways that serve a station that knows nothing of us, in order of preference."""
    excused: str = ""
    """Why the station is not expected to answer roll calls (leave, maintenance); empty: expected."""


class GroupTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of one `[[group]]`."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[\w.#+-]{1,20}$", description=SIGN_LIMIT)]
    members: tuple[str, ...]


class RosterFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    version: Annotated[int, msgspec.Meta(ge=1)] = 1
    city: str = ""
    station: tuple[StationTable, ...]
    group: tuple[GroupTable, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """One addressable station. `via` holds the numbers of the gateways that serve it."""

    number: int
    call_sign: str
    name: str
    path: str
    kind: str
    gateway: bool
    headquarters: bool
    address: Mapping[Bearer, str]
    via: tuple[int, ...]
    excused: str = ""

    @property
    def unit(self) -> str:
        """The path of the unit it belongs to; a group text may not leave it."""
        return self.path


@dataclass(frozen=True, slots=True)
class Roster:
    """All stations by number, with look-ups by call sign and bearer address."""

    version: int
    stations: Mapping[int, Station]
    groups: Mapping[str, tuple[int, ...]]
    _by_sign: Mapping[str, int] = field(repr=False)
    _by_address: Mapping[tuple[Bearer, str], int] = field(repr=False)

    def find(self, word: str) -> Station | None:
        """Find a station by call sign (any case), `@call-sign`, number or exact name."""
        key = word.strip().removeprefix("@").casefold()
        number = self._by_sign.get(key)
        if number is None and key.isdecimal():
            number = int(key)
        return self.stations.get(number) if number is not None else None

    def at_address(self, bearer: Bearer, address: str) -> Station | None:
        """Find who owns an address on a bearer."""
        number = self._by_address.get((bearer, normal_address(bearer, address)))
        return self.stations.get(number) if number is not None else None

    def headquarters(self) -> tuple[Station, ...]:
        """All headquarters, in order of number."""
        return tuple(s for _, s in sorted(self.stations.items()) if s.headquarters)

    def resolve(self, words: tuple[str, ...]) -> tuple[Station, ...]:
        """Expand call signs, numbers and group names to distinct stations; raises BadInputError."""
        found: dict[int, Station] = {}
        for word in words:
            numbers = self.groups.get(word.strip().removeprefix("@").casefold())
            station = self.find(word)
            if numbers is None and station is None:
                raise BadInputError(
                    "to",
                    limit="a call sign, number or group of the roster",
                    found=word,
                    en="unknown recipient",
                    zh="名册中没有此收件台站",
                )
            for number in numbers or ((station.number,) if station else ()):
                found[number] = self.stations[number]
        return tuple(found.values())

    def sign(self, number: int) -> str:
        """Return the call sign, or `#number` for a station not in the roster."""
        station = self.stations.get(number)
        return station.call_sign if station else f"#{number}"


def normal_address(bearer: Bearer, address: str) -> str:
    """Bring an address to one form: phone digits without country code 86, numbers without leading zeros."""
    if bearer is Bearer.TIANTONG:
        digits = address.removeprefix("+")
        return digits.removeprefix("86") if len(digits) > _NATIONAL_DIGITS else digits
    if bearer in (Bearer.BEIDOU, Bearer.PDT) and address.isdecimal():
        return str(int(address))
    return address


_NATIONAL_DIGITS = 11


def load_roster(path: Path, shown: str = "") -> Roster:
    """Read and check the roster file; raises BadInputError naming file, table, key, limit and what was found.

    `shown` is what the refusal calls the file; empty: its path.
    """
    name = shown or str(path)
    table = convert(read_toml(path, name, "无法读取名册文件"), RosterFile, where=f"{name}: ")
    with located(f"{name}: "):
        return build_roster(table)


def build_roster(file: RosterFile) -> Roster:
    """Check what the types cannot say: unique numbers, call signs, addresses; known gateways and members."""
    if len(file.station) > MAX_STATIONS:
        raise BadInputError(
            "station", limit=f"{MAX_STATIONS} stations", found=len(file.station), zh="台站过多"
        )
    by_sign: dict[str, int] = {}
    by_address: dict[tuple[Bearer, str], int] = {}
    for row in file.station:
        where = f"station {row.call_sign}"
        _claim(by_sign, row.call_sign.casefold(), row.number, f"{where}.call_sign", row.call_sign)
        for bearer, address in row.address.items():
            key = (bearer, normal_address(bearer, address))
            _claim(by_address, key, row.number, f"{where}.address.{bearer}", address)
    stations: dict[int, Station] = {}
    for row in file.station:
        if row.number in stations:
            raise BadInputError(
                f"station {row.call_sign}.number",
                limit=f"used once; {stations[row.number].call_sign} has it",
                found=row.number,
                en="in use",
                zh="台站号重复",
            )
        via = tuple(_known(by_sign, sign, f"station {row.call_sign}.via") for sign in row.via)
        stations[row.number] = Station(
            number=row.number,
            call_sign=row.call_sign,
            name=row.name,
            path=row.path,
            kind=row.kind or ("gateway" if row.gateway else "handheld"),
            gateway=row.gateway,
            headquarters=row.headquarters,
            address=dict(row.address),
            via=via,
            excused=row.excused,
        )
    for station in stations.values():
        for number in station.via:
            if not stations[number].gateway:
                raise BadInputError(
                    f"station {station.call_sign}.via",
                    limit="a station with gateway = true",
                    found=stations[number].call_sign,
                    zh="所列台站不是网关",
                )
    groups: dict[str, tuple[int, ...]] = {}
    for group in file.group:
        _claim(by_sign, group.name.casefold(), 0, f"group {group.name}.name", group.name)
        groups[group.name.casefold()] = tuple(
            _known(by_sign, sign, f"group {group.name}.members") for sign in group.members
        )
    signs = {sign: number for sign, number in by_sign.items() if number}
    return Roster(file.version, stations, groups, signs, by_address)


def _claim(taken: dict[Any, int], key: object, number: int, where: str, found: str) -> None:
    if key in taken:
        holder = f"station {taken[key]}" if taken[key] else "a group"
        raise BadInputError(
            where,
            limit=f"used once in the roster; {holder} has it",
            found=found,
            en="in use",
            zh="名册中重复",
        )
    taken[key] = number


def _known(by_sign: Mapping[str, int], sign: str, where: str) -> int:
    number = by_sign.get(sign.casefold(), 0)
    if not number:
        raise BadInputError(where, limit="a call sign of the roster", found=sign, zh="名册中没有此呼号")
    return number
