"""From a result to a report: who was in the world, what was expected and found."""

from __future__ import annotations

from importlib.metadata import version

from sim.report.summary import LinkInfo, NodeInfo, Summary
from sim.report.summary import Verdict as Told
from sim.run.land import land_of
from sim.run.outline import limit_of
from sim.run.play import Result, Verdict
from sim.run.probes import known


def summary_of(result: Result, *, command: str) -> Summary:
    """Describe a run for a report; `command` plays it again."""
    scenario = result.drawn.scenario
    gateways = tuple(
        NodeInfo(
            id=node.id,
            name=node.name,
            station=node.station,
            links=tuple(LinkInfo(bearer, bearer) for bearer in node.links),
            battery_wh=0.0 if node.mains else node.battery_wh.low,
        )
        for node in scenario.nodes
    )
    people = tuple(
        NodeInfo(id=group.id, name=group.name, station=group.station, kind=group.kind)
        for group in scenario.groups
        if group.tier == "person"
    )
    sites = tuple(NodeInfo(id=site.id, kind=site.kind) for site in scenario.sites)
    return Summary(
        scenario=scenario.name,
        title_zh=scenario.title_zh,
        title_en=scenario.title_en,
        seed=result.drawn.seed,
        trace=result.trace,
        duration_s=result.took_s,
        nodes=gateways + people + sites,
        version=version("fieldgate"),
        replay=command,
        expectations=tuple(map(_told, result.verdicts)),
        metrics=result.metrics,
        probes=known(),
        land=land_of(scenario),
        carried=result.carried,
    )


def _told(verdict: Verdict) -> Told:
    expect = verdict.expect
    return Told(
        rule=expect.rule.value,
        name=expect.name,
        holds=verdict.holds,
        limit=limit_of(expect),
        found=verdict.found,
    )
