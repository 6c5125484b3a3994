"""The scenarios that are shipped, and the command that checks files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli import main
from sim.demo.cast import CAST, HQ, VEHICLE
from sim.demo.folder import NUMBER
from sim.scenario.draw import draw
from sim.scenario.library import find, shipped
from sim.scenario.model import Do, Rule
from sim.scenario.patterns import expanded
from sim.scenario.read import load_scenario, read_scenario
from sim.scenario.write import write_toml
from tests.documents import blocks
from tests.scenario_tables import tables
from tests.tidy import ROOT

STORIES = (
    *("three-level-drill", "county-flood", "forest-fire"),
    *("tunnel-convoy", "chemical-park", "earthquake"),
)
WORLDS = ("small", "county", "main-job")


def test_the_library_is_complete() -> None:
    """Six stories, the two worlds of the sweep, and the demo of the main job."""
    assert set(STORIES) | set(WORLDS) <= set(shipped())


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_scenario_is_good(name: str) -> None:
    """It reads without a problem, has both titles and expectations, and can be drawn and written."""
    scenario = load_scenario(find(name))
    assert scenario.name == name
    assert any("\u4e00" <= char <= "\u9fff" for char in scenario.title_zh)
    assert scenario.title_en.isascii()
    assert scenario.expects[0].rule is Rule.ALWAYS
    assert any(expect.rule is Rule.EVENTUALLY for expect in scenario.expects)
    assert draw(scenario, scenario.seed).scenario.actions
    assert read_scenario(write_toml(scenario)) == scenario


@pytest.mark.parametrize("name", STORIES)
def test_every_story_tries_what_the_project_is_for(name: str) -> None:
    """A roll call, an emergency, somebody typing, and something that breaks."""
    scenario = load_scenario(find(name))
    done = {action.do for action in scenario.actions}
    assert {Do.ROLL_CALL, Do.SOS, Do.SEND} <= done
    assert done & {Do.CUT_ROAD, Do.CUT_NETWORK, Do.CUT_POWER, Do.FAULT}


@pytest.mark.parametrize("name", ["county-flood", "three-level-drill", "earthquake", "county"])
def test_the_three_cuts_are_all_made(name: str) -> None:
    """断路、断网、断电: each of them, as causes and not as coins."""
    done = {action.do for action in load_scenario(find(name)).actions}
    assert {Do.CUT_ROAD, Do.CUT_NETWORK, Do.CUT_POWER} <= done


def test_main_job_has_the_cast_of_the_demo() -> None:
    """Same stations and numbers, same gateways, same people who answer, are late or excused."""
    whole = expanded(load_scenario(find("main-job")))
    assert {node.id: node.station for node in whole.nodes} == {sign: NUMBER[sign] for sign in (HQ, VEHICLE)}
    for role in CAST:
        group = next(group for group in whole.groups if group.id == role.call_sign)
        assert (group.station, group.via) == (role.number, role.via)
        assert (group.off, group.excused) == (role.off, bool(role.excused))
        assert group.answers == role.answer or role.off
        assert group.checked == role.checked or role.bearer != "pdt" or role.off
        assert (group.answer_s.low > 24) == role.late
    assert len(whole.groups) == len(CAST)


# --- fieldgate sim check -----------------------------------------------------------------------------------


def test_check_says_that_a_file_is_good(capsys: pytest.CaptureFixture[str]) -> None:
    """A shipped scenario by its name: exit status 0, title in both languages."""
    assert main(["sim", "check", "small"]) == 0
    assert "小世界 Small world" in capsys.readouterr().out


def test_check_tells_every_problem_in_both_languages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2; each problem once in Chinese and once in English, with its line."""
    file = tmp_path / "bad.toml"
    file.write_text('name = "x"\nduration = "1 fortnight"\ncolour = 3\n', encoding="utf-8")
    assert main(["sim", "check", str(file)]) == 2
    told = capsys.readouterr().err
    assert told.count(f"{file}:2: duration") == 2
    assert told.count(f"{file}:3: colour") == 2


def test_check_goes_on_after_a_bad_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every file is read; as JSON each has a line of its own."""
    assert main(["sim", "check", "--json", str(tmp_path / "none.toml"), "main-job"]) == 2
    bad, good = map(json.loads, capsys.readouterr().out.splitlines())
    assert not bad["ok"]
    assert (good["name"], good["gateways"], good["people"], good["faults"]) == ("main-job", 2, 10, 3)


def test_check_shows_what_a_seed_draws(capsys: pytest.CaptureFixture[str]) -> None:
    """With --seed the faults are listed in order of time."""
    assert main(["sim", "check", "main-job", "--seed", "4"]) == 0
    assert "crash VEH-3" in capsys.readouterr().out


# --- the reference page ------------------------------------------------------------------------------------

PAGE = (ROOT / "docs" / "scenarios.md").read_text("utf-8")


@pytest.mark.parametrize("name", tables())
def test_reference_page_has_every_key(name: str) -> None:
    """Keys, units, defaults and limits stand there as the code has them."""
    assert tables()[name] in PAGE


def test_worked_example_of_the_page_is_good() -> None:
    """What readers copy can be read and drawn."""
    (example,) = [block for block in blocks(PAGE) if block.info.startswith("toml file=")]
    scenario = read_scenario(example.body, "docs/scenarios.md")
    assert len(draw(scenario, 1).scenario.nodes) == 3


def test_library_table_names_every_shipped_scenario() -> None:
    """Nothing is shipped in silence."""
    section = PAGE.partition("## The library")[2].partition("\n## ")[0]
    assert [name for name in shipped() if f"`{name}`" not in section] == []
