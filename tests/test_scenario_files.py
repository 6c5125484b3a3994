"""Scenario files: what they may say, what is said back when they are wrong, and that they can be written."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.faults.model import Fault, Kind
from sim.scenario.keys import AT, EXPECT, PARTS
from sim.scenario.kinds import PRECEDENCE
from sim.scenario.lines import lines_of
from sim.scenario.model import (
    FIRST_PERSON,
    Action,
    Do,
    Group,
    Node,
    Span,
)
from sim.scenario.patterns import expanded, matching, names
from sim.scenario.problems import Problem, ScenarioError
from sim.scenario.read import FileUnreadableError, load_scenario, read_scenario

HEAD = """\
name = "x"
title = { zh = "例", en = "example" }
duration = "1h"

[area]
model = "flat"

[[node]]
id = "HQ"
headquarters = true
links = ["cellular", "pdt"]

[[node]]
id = "VEH-{1..2}"
links = ["cellular", "pdt", "tiantong"]

[[group]]
id = "T-{1..3}"
via = "VEH-*"
"""


def problems(more: str, head: str = HEAD) -> list[Problem]:
    with pytest.raises(ScenarioError) as caught:
        read_scenario(head + more, "f.toml")
    return list(caught.value.problems)


def problem(more: str, head: str = HEAD) -> Problem:
    (only,) = problems(more, head)
    return only


# --- a file as a whole -------------------------------------------------------------------------------------


def test_small_file_becomes_objects() -> None:
    """A file is the model's objects, with defaults where it says nothing."""
    scenario = read_scenario(HEAD)
    assert scenario.duration_s == 3600
    assert scenario.nodes[1] == Node(id="VEH-{1..2}", links=("cellular", "pdt", "tiantong"))
    assert scenario.groups == (Group(id="T-{1..3}", via="VEH-*"),)


def test_short_forms_of_actions() -> None:
    """`do`, `cut` and `fault` say what happens in the words of the reference page."""
    more = """
[[zone]]
id = "north"
box = [0, 5, 5, 9]
[[at]]
t = "00:10"
cut = "power"
area = "north"
[[at]]
t = "01:00"
do = "rollcall"
who = "HQ"
to = "all"
within = "120s"
[[at]]
t = "5m"
fault = "crash"
target = "HQ"
for = "3s"
"""
    assert read_scenario(HEAD + more).actions == (
        Action(t=Span(600, 600), do=Do.CUT_POWER, area="north"),
        Action(t=Span(3600, 3600), do=Do.ROLL_CALL, who="HQ", to="all", within_s=120),
        Action(
            t=Span(300, 300),
            do=Do.FAULT,
            for_s=Span(3, 3),
            fault=Fault(at_s=0, kind=Kind.CRASH, target="HQ"),
        ),
    )


@pytest.mark.parametrize("word", list(PRECEDENCE))
def test_precedence_is_named_in_either_language(word: str) -> None:
    """加急 and priority are the same."""
    more = f'[[at]]\nt = 1\ndo = "send"\nwho = "HQ"\nto = "T-1"\ntext = "x"\nprecedence = "{word}"\n'
    assert read_scenario(HEAD + more).actions[0].precedence is PRECEDENCE[word]


def test_tables_may_stand_in_one_line_each() -> None:
    """A story reads best as one line an action; both notations of TOML are the same."""
    more = '[[expect]]\nmetric = "messages.lost"\nmax = 0\n'
    line = 'expect = [{ metric = "messages.lost", max = 0 }]\n'
    assert read_scenario(line + HEAD) == read_scenario(HEAD + more)


# --- what is wrong is told ---------------------------------------------------------------------------------


def test_every_problem_of_a_file_is_told_at_once() -> None:
    """Three mistakes, three problems, in the order of the file, each with its own line."""
    more = '[[at]]\nt = "2h"\ndo = "sos"\nwho = "T-9"\n[swarm]\nloss = "0..3"\n'
    found = problems(more)
    first = HEAD.count("\n") + 1
    assert [(p.line, p.key) for p in found] == [
        (first + 1, "at[0].t"),
        (first + 3, "at[0].who"),
        (first + 5, "swarm.loss"),
    ]


def test_problem_names_file_line_key_limit_and_found_in_both_languages() -> None:
    """Everything a person needs to mend it stands in one line."""
    with pytest.raises(ScenarioError) as caught:
        read_scenario(HEAD + '[swarm]\nloss = "0..3"\n', "f.toml")
    line = HEAD.count("\n") + 2
    assert caught.value.en == f"f.toml:{line}: swarm.loss: outside its limits (limit: 0..1; found: '0..3')"
    assert caught.value.zh == f"f.toml:{line}: swarm.loss：超出限制（限制：0..1；实际：'0..3'）"


@pytest.mark.parametrize(
    ("more", "key", "hint"),
    [
        ("[swarm]\nlos = 0.1\n", "swarm.los", "loss"),
        ('[[at]]\nt = 1\ndo = "rolcall"\nwho = "HQ"\nto = "all"\n', "at[0].do", "rollcall"),
        ('[[at]]\nt = 1\ncut = "pwoer"\n', "at[0].cut", "power"),
        ('[[at]]\nt = 1\nfault = "crsh"\ntarget = "HQ"\n', "at[0].fault", "crash"),
        ('[[at]]\nt = 1\nfault = "crash"\ntarget = "HQQ"\n', "at[0].target", "HQ"),
        ('[[at]]\nt = 1\nfault = "hang"\ntarget = "VEH-1/tientong"\n', "at[0].target", "tiantong"),
        ('[[at]]\nt = 1\nfault = "loss"\nvalue = 0.1\ntarget = "celular"\n', "at[0].target", "cellular"),
        ('[[at]]\nt = 1\ndo = "type"\nwho = "T-1"\ntext = "@VEH-7 x"\n', "at[0].text", "VEH-2"),
        ('[[at]]\nt = 1\ndo = "quiet"\nwho = "HQ"\nlink = "ptd"\n', "at[0].link", "pdt"),
        ('[[expect]]\nalways = "promise"\n', "expect[0].always", "promises"),
        ('[[expect]]\neventually = "al_delivered"\n', "expect[0].eventually", "all_delivered"),
        ('[[expect]]\nmetric = "latency.p96"\nmax = 1\n', "expect[0].metric", "latency.p95"),
        ('[[node]]\nid = "A"\nlinks = ["lann"]\n', "node[2].links", "lan"),
        ('[[group]]\nid = "A"\nvia = "VHE-1"\n', "group[1].via", "VEH-1"),
    ],
)
def test_misspelt_names_are_refused_with_the_nearest(more: str, key: str, hint: str) -> None:
    """A name that nothing bears is told, with the one that may have been meant."""
    found = problem(more)
    assert (found.key, found.hint) == (key, hint)


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ('[[at]]\nt = 1\ndo = "sos"\nwho = "T-1"\ntext = "x"\n', "at[0].text"),
        ('[[at]]\nt = 1\ndo = "send"\nwho = "HQ"\nto = "T-1"\n', "at[0].text"),
        ('[[at]]\nt = 1\ndo = "send"\nwho = "T-1"\nto = "HQ"\ntext = "x"\n', "at[0].who"),
        ('[[at]]\ndo = "heal"\n', "at[0].t"),
        ('[[at]]\nt = 1\ndo = "heal"\ncut = "power"\n', "at[0]"),
        ("[[at]]\nt = 1\n", "at[0]"),
        ('[[at]]\nt = 1\ncut = "road"\nroad = "G1"\n', "at[0].road"),
        ('[[at]]\nt = 1\ncut = "network"\nsite = "c"\n', "at[0].site"),
        ('[[at]]\nt = 1\ncut = "power"\narea = "n"\n', "at[0].area"),
        ('[[at]]\nt = 1\ndo = "move"\nwho = "HQ"\nto = "99,1"\n', "at[0].to"),
        ('[[at]]\nt = 1\ndo = "move"\nwho = "HQ"\n', "at[0].who"),
        ('[[at]]\nt = 1\nfault = "loss"\ntarget = "pdt"\nvalue = 2\n', "at[0].value"),
        ('[[at]]\nt = 1\nfault = "cut"\ntarget = "pdt"\nvalue = 1\n', "at[0].value"),
        ('[[at]]\nt = 1\nfault = "clock_step"\ntarget = "HQ"\nvalue = 1\nfor = "3s"\n', "at[0].for"),
        ('[[at]]\nt = 1\nfault = "hang"\ntarget = "HQ/cellular"\n', "at[0].target"),
        ('[[at]]\nt = 1\nfault = "blocked"\ntarget = "pdt:HQ"\n', "at[0].target"),
        (
            '[[at]]\nt = 1\ndo = "send"\nwho = "HQ"\nto = "T-1"\ntext = "x"\ncount = 2\n',
            "at[0].every",
        ),
        (2 * '[[at]]\nt = 1\ndo = "type"\nwho = "T-1"\ntext = "same"\n', "at[1].text"),
        ('[[node]]\nid = "A"\nlinks = ["cellular"]\nnear = "A"\n', "node[2].near"),
        ('[[expect]]\nmetric = "messages.lost"\n', "expect[0]"),
        ('[[expect]]\nmetric = "messages.lost"\nmin = 2\nmax = 1\n', "expect[0].min"),
        ('[[expect]]\nalways = "P1"\nwithin = "3s"\n', "expect[0].within"),
        ('[[node]]\nid = "HQ"\nlinks = ["cellular"]\n', "node[2].id"),
        ('[[node]]\nid = "a b"\nlinks = ["cellular"]\n', "node[2].id"),
        ('[[node]]\nid = "a{3..1}"\nlinks = ["cellular"]\n', "node[2].id"),
        ('[[node]]\nid = "A"\nlinks = ["cellular"]\nstation = 70000\n', "node[2].station"),
        ('[[zone]]\nid = "HQ"\nbox = [0, 0, 1, 1]\n', "node[0].id"),
        ('[[node]]\nid = "A"\nlinks = ["cellular"]\nsettings = "x ="\n', "node[2].settings"),
        ('[[node]]\nid = "A"\nlinks = ["cellular"]\nat = [1, 99]\n', "node[2].at"),
        ('[[node]]\nid = "A"\nlinks = ["cellular"]\nat = [1, 1]\nnear = "HQ"\n', "node[2].near"),
        ('[[node]]\nid = "A"\nlinks = ["cellular"]\nroute = "r"\n', "node[2].route"),
        ('[[node]]\nid = "A"\n', "node[2].links"),
        ('[[group]]\nid = "P"\nkind = "phone"\nvia = "HQ"\n', "group[1].via"),
        ('[[node]]\nid = "A"\nlinks = ["cellular", "lan"]\n', "node[2].links"),
        ('[[road]]\nid = "r"\npoints = [[0, 0]]\n', "road[0].points"),
        ('[[road]]\nid = "r"\npoints = [[0, 0], [3, 0]]\ntunnels = [[2, 4]]\n', "road[0].tunnels"),
        ('[[zone]]\nid = "z"\nbox = [5, 0, 1, 1]\n', "zone[0].box"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(more: str, key: str) -> None:
    """Each rule of the notation has a file that breaks it, and only it; the problem names its key."""
    assert problem(more).key == key


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('title = { zh = "例", en = "example" }\n', "", "title"),
        ('title = { zh = "例", en = "example" }\n', 'title = { zh = "例" }\n', "title.en"),
        ('duration = "1h"\n', "", "duration"),
        ("headquarters = true\n", "", "node"),
        ('model = "flat"\n', "", "node[0]"),
    ],
)
def test_what_must_be_said_is_asked_for(old: str, new: str, key: str) -> None:
    """A scenario has a title in both languages, a length, a headquarters, and places unless it is flat."""
    assert key in [p.key for p in problems("", HEAD.replace(old, new))]


def test_broken_toml_is_told_with_its_line() -> None:
    """A slip of the pen is found where it is."""
    found = problem("[[at]\n")
    assert found.line == HEAD.count("\n") + 1
    assert found.en.startswith("not TOML")


def test_missing_file_is_told_in_both_languages(tmp_path: Path) -> None:
    """No trace of Python, whatever is wrong with the file."""
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    for name in ("nothing.toml", "latin.toml", ""):
        with pytest.raises(FileUnreadableError) as caught:
            load_scenario(tmp_path / name)
        assert "无法读取" in caught.value.zh


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_fall(text: str) -> None:
    """Whatever a file holds, the answer is a scenario or its problems."""
    for whole in (text, HEAD + text):
        with suppress(ScenarioError):
            read_scenario(whole)


VALUES = st.sampled_from(
    ['"x"', "3", "-1", "true", "[]", "[1, 2]", "{ a = 1 }", '"1..2"', '""', '"{"', "1.5"]
)
WORDS = st.sampled_from(
    sorted({key for part in (*PARTS, AT, EXPECT) for key in part.keys} | {"do", "cut", "fault"})
)
TABLES = st.sampled_from(
    ["[area]", "[swarm]", "[[node]]", "[[group]]", "[[at]]", "[[expect]]", "[[road]]", "[[zone]]"]
)


@given(st.lists(st.tuples(TABLES, st.dictionaries(WORDS, VALUES, max_size=4)), max_size=4))
def test_wrong_values_at_any_key_are_problems_not_accidents(tables: list[tuple[str, dict[str, str]]]) -> None:
    """Every key with every kind of value: read, or told with a line."""
    text = 'name = "x"\n'
    for header, pairs in tables:
        text += "\n".join([header, *(f"{key} = {value}" for key, value in pairs.items())]) + "\n"
    with pytest.raises(ScenarioError) as caught:
        read_scenario(text)
    assert all(p.line >= 1 and p.en and p.zh for p in caught.value.problems)


def test_standing_near_each_other_in_a_circle_is_refused() -> None:
    """Somebody must stand somewhere."""
    node = '[[node]]\nid = "A"\nlinks = ["cellular"]\nnear = "B"\n'
    found = problems(node + '[[node]]\nid = "B"\nlinks = ["cellular"]\nnear = "A"\n')
    assert [p.key for p in found] == ["node[2].near", "node[3].near"]


def test_a_number_given_twice_is_refused() -> None:
    """No two boxes share a station number."""
    node = '[[node]]\nid = "A"\nlinks = ["cellular"]\nstation = 50\n'
    assert problem(node + node.replace('"A"', '"B"')).key == "node[3].station"
    assert problem('[[node]]\nid = "A"\nlinks = ["cellular"]\nstation = 1002\n').key == "group[0].station"


def test_lines_of_every_notation() -> None:
    """Headers, dotted keys, inline tables, arrays over several lines and long texts do not lead astray."""
    text = 'a = 1 # [x]\nb.c = """\n[[no]]\n\\"""" # end\n[[t]]\n'
    text += "k = [ # [y]\n  { z = \"]\" },\n  { z = '#' },\n]\n[[t]]\n[t.sub]\nq = 1979-05-27\n"
    found = lines_of(text)
    assert found["a",] == 1
    assert found["b", "c"] == 2
    assert ("no",) not in found
    assert found["t", 0, "k"] == 6
    assert found["t", 0, "k", 1, "z"] == 8
    assert found["t", 1] == 10
    assert found["t", 1, "sub", "q"] == 12


# --- patterns and numbers ----------------------------------------------------------------------------------


def test_patterns_make_names() -> None:
    """A range, a list, leading zeros, or one name."""
    assert names("veh-{1..3}") == ["veh-1", "veh-2", "veh-3"]
    assert names("T{08..10}x") == ["T08x", "T09x", "T10x"]
    assert names("D-{A,B}") == ["D-A", "D-B"]
    assert names("HQ") == ["HQ"]
    assert names("x{") == names("x{3..1}") == names("x{1..999999}") == names("x{,}") == []
    assert matching("veh-*", ["hq", "veh-1", "veh-2"]) == ["veh-1", "veh-2"]


def test_members_are_spread_evenly_over_the_nodes_that_serve_them() -> None:
    """Via = "VEH-*" gives each vehicle its share."""
    whole = expanded(read_scenario(HEAD))
    assert [(group.id, group.via) for group in whole.groups] == [
        ("T-1", "VEH-1"),
        ("T-2", "VEH-2"),
        ("T-3", "VEH-1"),
    ]


def test_appending_renumbers_nobody() -> None:
    """Stations count by order, gateways and people apart; a station given by number keeps it."""
    appended = (
        HEAD + '[[node]]\nid = "NEW"\nlinks = ["cellular"]\n[[group]]\nid = "G"\nvia = "HQ"\nstation = 2002\n'
    )
    before, after = expanded(read_scenario(HEAD)), expanded(read_scenario(appended))
    numbers = {one.id: one.station for one in after.nodes} | {one.id: one.station for one in after.groups}
    assert [node.station for node in before.nodes] == [1, 2, 3]
    assert {node.id: node.station for node in before.nodes}.items() <= numbers.items()
    assert numbers["NEW"] == 4
    assert (numbers["T-1"], numbers["G"]) == (FIRST_PERSON, 2002)
    assert len(set(numbers.values())) == len(numbers)
