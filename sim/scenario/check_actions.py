"""Whether an action makes sense: who acts can, who receives exists, what breaks is there, and when."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from sim.faults.model import Fault
from sim.scenario.kinds import Key, Kind
from sim.scenario.known import Known, bearers_of
from sim.scenario.lines import Path
from sim.scenario.model import Action, Do
from sim.scenario.patterns import matching
from sim.scenario.problems import Problem, shown, unknown
from sim.scenario.steps import FAULTS, SERIAL, fault_problem
from sim.scenario.values import ValueRefusedError

_STATION: Final = ("station", "台站")
_GATEWAY: Final = ("gateway", "网关")
_PERSON: Final = ("person", "人员")
_ADDRESSED = re.compile(r"^[@＠]\s*(?P<name>[\w.#+-]{1,20})[\s:：,，]+\S")
_PLACE: Final = Key(name="to", attr="to", kind=Kind.NUMBERS, en="", zh="", count=2, low=0)


def check_action(action: Action, known: Known, path: Path) -> Iterator[Problem]:
    """Yield what is wrong with one action."""
    if action.t.high > known.scenario.duration_s:
        limit = f"≤ {known.scenario.duration_s:g} s"
        yield _wrong((*path, "t"), action.t.high, limit, "after the safety phase", "在安全阶段之后")
    if action.do in _CHECKS:
        yield from _CHECKS[action.do](action, known, path)
    if action.area and action.area not in known.zones:
        yield unknown((*path, "area"), ("zone", "区域"), action.area, known.zones)
    if action.count > 1 and action.every_s.high <= 0:
        yield _wrong(
            (*path, "every"), action.every_s.high, "> 0 with count > 1", "no time between", "未给间隔"
        )


def place(text: str) -> tuple[float, float] | None:
    """Return the place "x,y" names, None if it is none."""
    numbers = [part.strip() for part in text.split(",")]
    try:
        x, y = _PLACE.read(numbers)
    except ValueRefusedError:
        return None
    return (x, y)


def _send(action: Action, known: Known, path: Path) -> Iterator[Problem]:
    yield from _gateway(action, known, path)
    yield from _recipient(action, known, path)
    yield from _said(action, path)


def _type(action: Action, known: Known, path: Path) -> Iterator[Problem]:
    yield from _person(action, known, path)
    yield from _said(action, path)
    found = _ADDRESSED.match(action.text)
    if found and found["name"] not in known.stations:
        yield unknown((*path, "text"), _STATION, found["name"], known.stations)


def _said(action: Action, path: Path) -> Iterator[Problem]:
    if not action.text.strip():
        yield _wrong((*path, "text"), action.text, "≥ 1 character", "nothing is said", "内容为空")


def _handheld(action: Action, known: Known, path: Path) -> Iterator[Problem]:
    people = [
        name for name, group in known.people.items() if group.kind == "handheld" and group.tier == "person"
    ]
    if action.who not in people:
        yield unknown((*path, "who"), ("handheld", "手持台"), action.who, people)


def _person(action: Action, known: Known, path: Path) -> Iterator[Problem]:
    people = [name for name, group in known.people.items() if group.tier == "person"]
    if action.who not in people:
        yield unknown((*path, "who"), _PERSON, action.who, people)


def _gateway(action: Action, known: Known, path: Path) -> Iterator[Problem]:
    if action.who not in known.nodes:
        yield unknown((*path, "who"), _GATEWAY, action.who, known.nodes)


def _recipient(action: Action, known: Known, path: Path) -> Iterator[Problem]:
    if not matching(action.to, known.stations):
        yield unknown((*path, "to"), _STATION, action.to, [*known.stations, "all"])


def _roll_call(action: Action, known: Known, path: Path) -> Iterator[Problem]:
    yield from _gateway(action, known, path)
    yield from _recipient(action, known, path)


def _quiet(action: Action, known: Known, path: Path) -> Iterator[Problem]:
    yield from _gateway(action, known, path)
    node = known.nodes.get(action.who)
    if node is not None and action.link not in {*bearers_of(node), "all"}:
        yield unknown((*path, "link"), ("link", "链路"), action.link, [*bearers_of(node), "all"])


def _voice(action: Action, known: Known, path: Path) -> Iterator[Problem]:
    speakers = known.on("pdt")
    if not speakers:
        yield _wrong(path, "none", "a station on pdt", "there is no PDT net", "没有 PDT 网")
    elif action.who and action.who not in speakers:
        yield unknown((*path, "who"), _STATION, action.who, speakers)


def _move(action: Action, known: Known, path: Path) -> Iterator[Problem]:
    yield from _gateway(action, known, path)
    node = known.nodes.get(action.who)
    if not action.to:
        if node is not None and not node.route:
            yield _wrong((*path, "who"), action.who, "a node with a route, or to", "has no route", "没有路线")
        return
    there = place(action.to)
    east, north = known.scenario.area.size_km
    if there is None or there[0] > east or there[1] > north:
        limit = f'"x,y" in 0..{east:g}, 0..{north:g} km'
        yield _wrong((*path, "to"), action.to, limit, "not a place of the area", "不是区域内的位置")


def _cut_road(action: Action, known: Known, path: Path) -> Iterator[Problem]:
    if action.who not in known.roads:
        yield unknown((*path, "road"), ("road", "道路"), action.who, known.roads)


def _cut_network(action: Action, known: Known, path: Path) -> Iterator[Problem]:
    if action.who and action.who not in known.sites:
        yield unknown((*path, "site"), ("site", "站点"), action.who, known.sites)
    if action.who and action.area:
        yield _wrong((*path, "site"), action.who, "area or site", "both named", "area 与 site 只能写一个")


def _fault(action: Action, known: Known, path: Path) -> Iterator[Problem]:
    fault = action.fault
    if fault is None:
        yield _wrong((*path, "fault"), None, "a fault", "names no fault", "未指明故障")
        return
    if fault.at_s or fault.for_s:
        yield _wrong((*path, "fault"), fault.at_s, "0", "t and for are the action's", "时间应写在动作上")
    yield from check_fault(fault, known, path)
    if FAULTS[fault.kind].instant and action.for_s.high:
        yield _wrong((*path, "for"), action.for_s.high, "0", "it is an instant", "该故障是瞬时的")


def check_fault(fault: Fault, known: Known, path: Path) -> Iterator[Problem]:
    """Yield what is wrong with a fault: its target by the rules of its kind, and its value."""
    rule = FAULTS[fault.kind]
    here = (*path, "target")
    if found := fault_problem(fault):
        key, en, zh, limit = found
        yield _wrong((*path, key), getattr(fault, "value" if key == "value" else "for_s"), limit, en, zh)
    match rule.on:
        case "node":
            if fault.target not in known.nodes:
                yield unknown(here, _GATEWAY, fault.target, known.nodes)
        case "device":
            name, _, link = fault.target.partition("/")
            if name not in known.nodes:
                yield unknown(here, _GATEWAY, name, known.nodes)
            elif link not in (serial := [one for one in bearers_of(known.nodes[name]) if one in SERIAL]):
                yield unknown(here, ("link with a device", "带终端的链路"), link, serial)
        case _:
            yield from _bearer(fault, known, here)


def _bearer(fault: Fault, known: Known, here: Path) -> Iterator[Problem]:
    rule = FAULTS[fault.kind]
    bearer, colon, ends = fault.target.partition(":")
    possible = [one for one in known.bearers if not rule.bearers or one in rule.bearers]
    if bearer not in possible:
        yield unknown(here, ("bearer", "承载"), bearer, possible)
        return
    for name in ends.split(">", 1) if colon else []:
        if name not in known.on(bearer):
            yield unknown(here, ("station on this bearer", "该承载上的台站"), name, known.on(bearer))


_CHECKS: Final[Mapping[Do, Callable[[Action, Known, Path], Iterator[Problem]]]] = MappingProxyType(
    {
        Do.SEND: _send,
        Do.TYPE: _type,
        Do.SOS: _handheld,
        Do.CANCEL: _handheld,
        Do.REGISTER: _handheld,
        Do.ROLL_CALL: _roll_call,
        Do.QUIET: _quiet,
        Do.VOICE: _voice,
        Do.MOVE: _move,
        Do.CUT_ROAD: _cut_road,
        Do.CUT_NETWORK: _cut_network,
        Do.FAULT: _fault,
    }
)


def _wrong(path: Path, found: object, limit: str, en: str, zh: str) -> Problem:
    return Problem(path=path, en=en, zh=zh, limit=limit, found="nothing" if found is None else shown(found))
