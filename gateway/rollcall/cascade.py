"""In which order a station can be asked: the bearer cascade."""

from __future__ import annotations

from drivers.base import Precedence, Service
from gateway.core import Core
from gateway.rollcall.call import Way
from gateway.roster import Station
from gateway.routing import ways


def ways_to_ask(core: Core, station: Station, *, forwarded: bool) -> tuple[Way, ...]:
    """Every way to ask, best first: machine-level checks, then texts and polls in the order of bearers.

    `forwarded`: a neighbour asked us to find out, so only our own devices are asked.
    """
    found = ways(station, own=core.own, roster=core.roster, links=core.route_links())
    order = {bearer: i for i, bearer in enumerate(core.config.order_by_precedence[Precedence.PRIORITY])}
    usable = [w for w in found if w.bearer in order and not (forwarded and w.service is Service.DATA)]
    usable.sort(key=lambda w: order[w.bearer])
    ordered: list[Way] = []
    polled: set[int] = set()
    for way in usable:
        if way.service is Service.DATA:
            if way.next_hop not in polled:  # a poll finds its own link, like any other frame
                polled.add(way.next_hop)
                ordered.append(Way(way.link, way.bearer, way.address, status=False, via=way.next_hop))
            continue
        if Service.STATUS in core.links[way.link].capabilities.services:
            ordered.append(Way(way.link, way.bearer, way.address, status=True))
        ordered.append(Way(way.link, way.bearer, way.address, status=False))
    ordered.sort(key=lambda w: not w.status)
    return tuple(ordered)
