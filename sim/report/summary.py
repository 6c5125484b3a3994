"""What a report says beside the events: which world it was, who was in it, and what was judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.report.land import Land


@dataclass(frozen=True, slots=True)
class LinkInfo:
    """One link of a node: its configured name and its bearer ("pdt", "beidou", ...)."""

    name: str
    bearer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeInfo:
    """One lane. `station` is its number (0: none); a handheld or a site has no links of ours."""

    id: str
    name: str = ""
    station: int = 0
    kind: str = "gateway"
    links: tuple[LinkInfo, ...] = ()
    battery_wh: float = 0.0
    """What its battery holds when full; 0: mains or not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One expectation and what was found. `rule`: always, eventually, metric (`sim.scenario.model.Rule`)."""

    rule: str
    name: str
    holds: bool
    limit: str = ""
    """What was demanded, in words or figures ("≤ 30 min after heal", "0.95..")."""
    found: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Everything a report needs beside the events. Times are seconds of virtual time."""

    scenario: str
    title_zh: str
    title_en: str
    seed: int | str
    trace: str
    duration_s: float
    nodes: tuple[NodeInfo, ...]
    version: str
    replay: str = ""
    """The command that plays this run again."""
    expectations: tuple[Verdict, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    probes: tuple[str, ...] = ()
    """Every rare path that could have been reached."""
    carried: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(Node, message id) → the link by which that gateway passed it on."""
    land: Land | None = None
    """What a map shows that does not move; None: no map."""

    @property
    def bearers(self) -> dict[tuple[str, str], str]:
        """Node and link → bearer."""
        return {(node.id, link.name): link.bearer for node in self.nodes for link in node.links}

    @property
    def holds(self) -> bool:
        """Whether every expectation held. A broken promise among the events also counts against a run."""
        return all(verdict.holds for verdict in self.expectations)
