"""Whether a scenario makes sense: names that exist, places on the map, times inside the run.

Works on objects, so that a scenario written in Python is held to the same rules as a file.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Iterator
from typing import Final

from sim.scenario.check_actions import check_action
from sim.scenario.keys import GROUP_BEARERS
from sim.scenario.kinds import MAX_NAME_CHARS, NAME
from sim.scenario.known import Known, bearers_of
from sim.scenario.lines import Path
from sim.scenario.model import Expect, Group, Node, Road, Rule, Scenario, Site, Zone
from sim.scenario.patterns import MAX_NAMES, expanded, matching, names
from sim.scenario.problems import Problem, shown, unknown
from sim.scenario.words import EVENTUALLY, METRICS, PROMISES

MAX_STATION: Final = 65_535
MAX_HEADQUARTERS: Final = 2
"""A main and a standby station."""
PEERS: Final = 2
"""A link that reaches nobody is never up."""
RESERVED: Final = frozenset({"all"})
"""Words that mean something else than a station."""
Named = Road | Zone | Site | Node | Group
_WORDS: Final = {
    Rule.ALWAYS: (PROMISES, ("promise", "承诺")),
    Rule.EVENTUALLY: (EVENTUALLY, ("expectation", "期望")),
    Rule.METRIC: (METRICS, ("metric", "指标")),
}


def check(scenario: Scenario) -> list[Problem]:
    """Return everything that is wrong; paths are those of the file."""
    known = Known.of(scenario)
    problems = [*_names(scenario)]
    for number, road in enumerate(scenario.roads):
        problems += _road(road, scenario, ("road", number))
    for number, zone in enumerate(scenario.zones):
        west, south, east, north = zone.box
        if not (west < east and south < north):
            problems.append(
                _wrong(
                    ("zone", number, "box"),
                    zone.box,
                    "west < east, south < north",
                    "an empty box",
                    "区域为空",
                )
            )
        problems += _on_map(((west, south), (east, north)), scenario, ("zone", number, "box"))
    for number, site in enumerate(scenario.sites):
        problems += _on_map((site.at,), scenario, ("site", number, "at"))
    for number, node in enumerate(scenario.nodes):
        problems += _node(node, known, ("node", number))
    for number, group in enumerate(scenario.groups):
        problems += _group(group, known, ("group", number))
    for number, action in enumerate(scenario.actions):
        problems += check_action(action, known, ("at", number))
    problems += _texts(scenario)
    for number, expect in enumerate(scenario.expects):
        problems += _expect(expect, ("expect", number))
    return [*problems, *_roles(scenario), *_stations(scenario)]


def _names(scenario: Scenario) -> Iterator[Problem]:
    """Every id is a name, and nothing is called twice."""
    seen: dict[str, str] = {}
    parts: dict[str, tuple[Named, ...]] = {
        "road": scenario.roads,
        "zone": scenario.zones,
        "site": scenario.sites,
        "node": scenario.nodes,
        "group": scenario.groups,
    }
    for part, ones in parts.items():
        for number, one in enumerate(ones):
            path: Path = (part, number, "id")
            made = names(one.id)
            if not made:
                yield _wrong(
                    path, one.id, f"{{low..high}} or {{a,b}}, ≤ {MAX_NAMES}", "wrong pattern", "编号样式有误"
                )
            for name in made:
                if not NAME.fullmatch(name) or len(name) > MAX_NAME_CHARS or name in RESERVED:
                    yield _wrong(
                        path,
                        name,
                        f"letters, digits, _ . + -, ≤ {MAX_NAME_CHARS}",
                        "not a name",
                        "名称不合规",
                    )
                    break
                if name in seen:
                    yield _wrong(path, name, f"unique; see {seen[name]}", "name taken", "名称重复")
                    break
                seen[name] = f"{part}[{number}]"


def _road(road: Road, scenario: Scenario, path: Path) -> Iterator[Problem]:
    least = 2
    if len(road.points) < least:
        yield _wrong((*path, "points"), len(road.points), "≥ 2", "a road has two ends", "道路至少两点")
    yield from _on_map(road.points, scenario, (*path, "points"))
    length = road_km(road)
    for start, end in road.tunnels:
        if not 0 <= start < end <= length + 0.001:
            yield _wrong(
                (*path, "tunnels"),
                [start, end],
                f"0 ≤ from < to ≤ {length:.1f} km",
                "not on the road",
                "不在道路上",
            )


def road_km(road: Road) -> float:
    """Return the length of a road."""
    return sum(
        math.dist((x1, y1), (x2, y2))
        for (x1, y1), (x2, y2) in zip(road.points, road.points[1:], strict=False)
    )


def _on_map(points: Iterable[tuple[float, float]], scenario: Scenario, path: Path) -> Iterator[Problem]:
    east, north = scenario.area.size_km
    for x, y in points:
        if not (0 <= x <= east and 0 <= y <= north):
            yield _wrong(path, [x, y], f"[0..{east:g}, 0..{north:g}] km", "outside the area", "在区域之外")
            return


def _node(node: Node, known: Known, path: Path) -> Iterator[Problem]:
    placed = [word for word in ("at", "near", "route") if getattr(node, word)]
    if len(placed) > 1:
        yield _wrong((*path, placed[1]), placed, "one of at, near, route", "in two places", "位置重复")
    if not placed and known.scenario.area.model != "flat":
        yield _wrong(path, None, "at, near or route", "stands nowhere", "没有位置")
    if node.at is not None:
        yield from _on_map((node.at,), known.scenario, (*path, "at"))
    others = [name for name in known.nodes if name not in names(node.id)]
    if node.near and not matching(node.near, others):
        yield unknown((*path, "near"), ("node", "节点"), node.near, others)
    if node.near and _circular(node, known):
        yield _wrong((*path, "near"), node.near, "no circle", "near each other in a circle", "near 相互指向")
    if node.route and node.route not in known.roads:
        yield unknown((*path, "route"), ("road", "道路"), node.route, known.roads)
    elif node.route and node.start_km.high > road_km(known.roads[node.route]) + 0.001:
        length = road_km(known.roads[node.route])
        yield _wrong(
            (*path, "start_km"), node.start_km.high, f"≤ {length:.1f} km", "beyond the road", "超出道路"
        )
    for link in bearers_of(node):
        if len(known.on(link)) < PEERS:
            yield _wrong(
                (*path, "links"), link, "a second station on it", "nobody to talk to", "此承载上没有对端"
            )
    if node.settings:
        try:
            tomllib.loads(node.settings)
        except tomllib.TOMLDecodeError as error:
            yield _wrong((*path, "settings"), str(error), "TOML", "not TOML", "不是合法的 TOML")


def _circular(node: Node, known: Known) -> bool:
    """Whether following `near` from node to node comes back."""
    own, seen, at = set(names(node.id)), set[str](), node
    while at.near:
        others = [name for name in matching(at.near, known.nodes) if name not in names(at.id)]
        if not others or others[0] in seen:
            return False  # told elsewhere, or a circle this node only leads to
        if others[0] in own:
            return True
        seen.add(others[0])
        at = known.nodes[others[0]]
    return False


def _group(group: Group, known: Known, path: Path) -> Iterator[Problem]:
    bearer = GROUP_BEARERS[group.kind]
    serving = matching(group.via, known.nodes)
    if not serving:
        yield unknown((*path, "via"), ("node", "节点"), group.via, known.nodes)
    for name in serving:
        if bearer not in (carried := bearers_of(known.nodes[name])):
            links = ", ".join(carried)
            yield _wrong(
                (*path, "via"),
                f"{name}: {links}",
                bearer,
                f"a {group.kind} needs it",
                f"{group.kind} 需要此承载",
            )
            break
    if group.at is not None:
        yield from _on_map((group.at,), known.scenario, (*path, "at"))
    if group.tier == "crowd" and group.kind != "handheld":
        yield _wrong(
            (*path, "tier"), group.kind, "handheld", "a crowd is of handhelds", "背景人群只能是手持台"
        )


def _texts(scenario: Scenario) -> Iterator[Problem]:
    """Nothing is said twice: its text is how a message is recognised on a screen."""
    seen: dict[str, int] = {}
    for number, action in enumerate(scenario.actions):
        if action.text and action.text in seen:
            limit = f"unique; see at[{seen[action.text]}]"
            yield _wrong(("at", number, "text"), action.text, limit, "said twice", "内容重复")
        seen.setdefault(action.text, number)


def _expect(expect: Expect, path: Path) -> Iterator[Problem]:
    known, what = _WORDS[expect.rule]
    if expect.name not in known:
        yield unknown((*path, expect.rule.value), what, expect.name, known)
    if expect.low > expect.high:
        yield _wrong((*path, "min"), expect.low, f"≤ {expect.high:g}", "min above max", "下限大于上限")


def _roles(scenario: Scenario) -> Iterator[Problem]:
    count = sum(len(names(node.id)) for node in scenario.nodes if node.headquarters)
    if not scenario.nodes:
        yield _wrong(("node",), None, "≥ 1", "no gateways", "没有网关")
    elif not 1 <= count <= MAX_HEADQUARTERS:
        limit = f"1..{MAX_HEADQUARTERS} with headquarters = true"
        yield _wrong(("node",), count, limit, "who is headquarters?", "须指明指挥部")


def _stations(scenario: Scenario) -> Iterator[Problem]:
    """Two may not be given one number."""
    before: list[Node | Group] = [*scenario.nodes, *scenario.groups]
    if any(not names(one.id) for one in before):
        return  # told already; counting would be off
    whole = expanded(scenario)
    places: list[Path] = [
        ("node", n, "station") for n, one in enumerate(scenario.nodes) for _ in names(one.id)
    ]
    places += [("group", n, "station") for n, one in enumerate(scenario.groups) for _ in names(one.id)]
    seen: dict[int, str] = {}
    after: list[Node | Group] = [*whole.nodes, *whole.groups]
    for path, one in zip(places, after, strict=True):
        if one.station in seen:
            yield _wrong(path, one.station, f"unique; see {seen[one.station]}", "number taken", "台号重复")
        elif one.station > MAX_STATION:
            yield _wrong(path, one.station, f"≤ {MAX_STATION}", "numbers used up", "台号用尽")
        seen[one.station] = one.id


def _wrong(path: Path, found: object, limit: str, en: str, zh: str) -> Problem:
    what = "nothing" if found is None else shown(found)
    return Problem(path=path, en=en, zh=zh, limit=limit, found=what)
