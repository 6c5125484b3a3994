"""Every name a scenario knows, patterns written out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from sim.scenario.keys import GROUP_BEARERS
from sim.scenario.model import Group, Node, Road, Scenario, Site, Zone
from sim.scenario.patterns import names


def bearers_of(node: Node) -> list[str]:
    """Return every bearer a node has or, where a seed chooses one ("tiantong|beidou"), may have."""
    return [bearer for word in node.links for bearer in word.split("|")]


@dataclass(frozen=True, slots=True)
class Known:
    """Names and what bears them."""

    scenario: Scenario
    nodes: dict[str, Node]
    people: dict[str, Group]
    roads: dict[str, Road]
    zones: dict[str, Zone]
    sites: dict[str, Site]

    @classmethod
    def of(cls, scenario: Scenario) -> Self:
        """Collect the names of a scenario."""
        return cls(
            scenario,
            {name: node for node in scenario.nodes for name in names(node.id)},
            {name: group for group in scenario.groups for name in names(group.id)},
            {road.id: road for road in scenario.roads},
            {zone.id: zone for zone in scenario.zones},
            {site.id: site for site in scenario.sites},
        )

    @property
    def stations(self) -> list[str]:
        """Everybody who can be addressed."""
        return [*self.nodes, *self.people]

    @property
    def bearers(self) -> list[str]:
        """Every bearer somebody is on, in the order of appearance."""
        return list(dict.fromkeys(link for node in self.nodes.values() for link in bearers_of(node)))

    def on(self, bearer: str) -> list[str]:
        """Return everybody on a bearer."""
        gateways = [name for name, node in self.nodes.items() if bearer in bearers_of(node)]
        return gateways + [n for n, group in self.people.items() if GROUP_BEARERS[group.kind] == bearer]
