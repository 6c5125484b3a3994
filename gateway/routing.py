"""Which link, next hop and service for one recipient, in order, with the reason for every choice. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from drivers.base import Capabilities, TextEncoding
from gateway.domain import Bearer, LinkState, Precedence, Service
from gateway.roster import Roster, Station

USABLE = {LinkState.UP: 0, LinkState.RECOVERING: 1, LinkState.SUSPECT: 2}
"""States that may carry traffic, best first. A recovering link carries only what has no better way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteLink:
    """What routing needs to know of one link."""

    name: str
    capabilities: Capabilities
    quiet: bool
    towards: Callable[[int], LinkState]
    """State of the path to a peer station."""
    learnt: Mapping[int, str]
    """Addresses learnt from authenticated frames, by station; they go before the roster's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way: over `link` to `next_hop` at `address`; `limit_octets` is what fits there."""

    link: str
    bearer: Bearer
    service: Service
    next_hop: int
    address: str
    state: LinkState
    limit_octets: int
    encoding: TextEncoding


@dataclass(frozen=True, slots=True)
class Plan:
    """Usable ways in order, and in words why the others were left out."""

    candidates: tuple[Candidate, ...]
    why: tuple[str, ...]


def native_octets(text: str, encoding: TextEncoding) -> int:
    """Count a native text as the link will."""
    if encoding is TextEncoding.GB18030:
        return len(text.encode("gb18030", "replace"))
    return len(text.encode("utf-16-le", "surrogatepass"))


def ways(
    station: Station, *, own: int, roster: Roster, links: Sequence[RouteLink], avoid: int = 0
) -> list[Candidate]:
    """Return every configured way to a station, whatever its state; `avoid` is the neighbour it came from."""
    if station.gateway:
        return [way for link in links for way in _data_ways(station, link) if station.number != avoid]
    found: list[Candidate] = []
    if not station.via or own in station.via:
        found += [way for link in links for way in _native_ways(station, link)]
    for number in station.via:
        if number not in (own, avoid):
            found += [way for link in links for way in _data_ways(roster.stations[number], link)]
    return found


def last_hop_ways(station: Station, *, own: int, links: Sequence[RouteLink]) -> list[Candidate]:
    """Return the last hop to a native station that others serve, as our own links of its bearers tell it.

    None when we serve it, or when one of its bearers is not known here: then only its gateway can judge.
    """
    if station.gateway or not station.via or own in station.via:
        return []
    known = [way for link in links for way in _native_ways(station, link)]
    return known if {way.bearer for way in known} == set(station.address) else []


def _data_ways(gateway: Station, link: RouteLink) -> list[Candidate]:
    capabilities = link.capabilities
    address = link.learnt.get(gateway.number) or gateway.address.get(capabilities.bearer)
    if Service.DATA not in capabilities.services or not address:
        return []
    return [_candidate(link, Service.DATA, gateway.number, address, capabilities.mtu_octets)]


def _native_ways(station: Station, link: RouteLink) -> list[Candidate]:
    capabilities = link.capabilities
    address = station.address.get(capabilities.bearer)
    if Service.TEXT not in capabilities.services or not address:
        return []
    return [_candidate(link, Service.TEXT, station.number, address, capabilities.text_max_octets)]


def _candidate(link: RouteLink, service: Service, hop: int, address: str, limit: int) -> Candidate:
    return Candidate(
        link=link.name,
        bearer=link.capabilities.bearer,
        service=service,
        next_hop=hop,
        address=address,
        state=LinkState.BLOCKED if link.quiet else link.towards(hop),
        limit_octets=limit,
        encoding=link.capabilities.text_encoding,
    )


def ordered(
    all_ways: Sequence[Candidate], order: Sequence[Bearer], size_octets: int
) -> tuple[Candidate, ...]:
    """Return the candidates of `plan` for one size, without the words."""
    rank = {bearer: index for index, bearer in enumerate(order)}
    usable = [
        way
        for way in all_ways
        if way.state in USABLE and size_octets <= way.limit_octets and way.bearer in rank
    ]
    usable.sort(key=lambda way: (USABLE[way.state], rank[way.bearer]))
    return tuple(usable)


def plan(
    all_ways: Sequence[Candidate], order: Sequence[Bearer], size_octets: Callable[[Candidate], int]
) -> Plan:
    """Put the usable ways in order: state first (up, recovering, suspect), then the PACE order of bearers.

    Within one bearer the order of configuration holds. A way whose limit is too small is left out.
    """
    usable: list[tuple[int, int, int, Candidate]] = []
    why: list[str] = []
    rank = {bearer: index for index, bearer in enumerate(order)}
    for index, way in enumerate(all_ways):
        need = size_octets(way)
        if way.state not in USABLE:
            why.append(f"{way.link}: {way.state}")
        elif need > way.limit_octets:
            why.append(f"{way.link}: needs {need} octets, limit {way.limit_octets}")
        elif way.bearer not in rank:
            why.append(f"{way.link}: bearer {way.bearer} not in the order for this precedence")
        else:
            usable.append((USABLE[way.state], rank[way.bearer], index, way))
    usable.sort(key=lambda entry: entry[:3])
    chosen = tuple(entry[3] for entry in usable)
    if chosen:
        why.insert(0, f"{chosen[0].link}: {chosen[0].state}, first in order {' > '.join(order)}")
    return Plan(chosen, tuple(why))


def doubled(candidates: Sequence[Candidate], precedence: Precedence) -> tuple[Candidate, ...]:
    """Return the ways to use at once: FLASH and SOS, or a first way in doubt, take the next one as well."""
    if not candidates:
        return ()
    second = next((c for c in candidates[1:] if c.link != candidates[0].link), None)
    in_doubt = candidates[0].state is LinkState.SUSPECT and precedence >= Precedence.IMMEDIATE
    if second is not None and (precedence >= Precedence.FLASH or in_doubt):
        return (candidates[0], second)
    return (candidates[0],)
