"""The demo as a scenario: the same cast, the same story, the same outcome, in virtual time."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.demo import story
from sim.demo.cast import CAST, EXPECTED, HQ, VEHICLE, counts
from sim.record import What
from sim.scenario.library import find
from sim.scenario.read import load_scenario
from tests.main_job import Outcome, main_job

STORY = Path(story.__file__).read_text("utf-8")


@pytest.fixture(scope="module")
def played() -> Outcome:
    return main_job()


def test_it_holds_with_another_seed() -> None:
    """Every expectation holds whatever people's fingers and the ether do; bench/main_job says how fast."""
    assert main_job(2).result.holds


def test_every_station_is_on_the_board_as_in_the_demo(played: Outcome) -> None:
    """The roll call says of each of the twelve what the demo demands; so do the counts."""
    assert played.board == EXPECTED
    metrics, wanted = played.result.metrics, counts()
    assert metrics["rollcall.answered"] == pytest.approx(wanted["answered"] / wanted["expected"], abs=1e-6)
    assert metrics["rollcall.absent"] == pytest.approx(wanted["absent"] / wanted["expected"], abs=1e-6)


def test_nothing_is_lost_doubled_or_repeated(played: Outcome) -> None:
    """Everything typed arrives once."""
    found = {name: played.result.metrics[f"messages.{name}"] for name in ("lost", "duplicates", "repeats")}
    assert found == {"lost": 0, "duplicates": 0, "repeats": 0}
    assert played.result.metrics["messages.delivered"] == 1


def test_every_text_is_the_story_s_and_is_shown(played: Outcome) -> None:
    """What people write stands word for word in the demo's story, and on the screen it was for."""
    for (_, to), texts in played.texts.items():
        for text in texts:
            assert f'"{text}"' in STORY or f'"{text.partition(" ")[2]}"' in STORY, text
            words = text.rpartition(" ")[2]
            assert any(words in seen for where, seen in played.shown if where == to), text
    assert sum(map(len, played.texts.values())) == 13


def test_cast_is_the_demo_s() -> None:
    """Names, departments aside, and who serves whom."""
    groups = load_scenario(find("main-job")).groups
    people = {name.rstrip("0123456789{}.") for name in (group.id for group in groups)}
    assert people == {"T-", "S-", "B-"}
    named = {group.name for group in groups}
    for role in CAST:
        assert role.name in named or role.call_sign in ("T-301", "T-302"), role.name


def test_the_emergency_reaches_headquarters(played: Outcome) -> None:
    """With its place, and so does its end."""
    told = [(event.node, event.facts["state"]) for event in played.result.events if event.what is What.ALARM]
    assert (HQ, "raised") in told
    assert (HQ, "located") in told
    assert (HQ, "cleared") in told


def test_the_cuts_are_those_of_the_demo(played: Outcome) -> None:
    """The network, the sky over the vehicle, and its gateway in mid-message."""
    begun = {
        (event.facts["name"], event.facts["target"])
        for event in played.result.events
        if event.what is What.FAULT and event.facts["state"] == "begins"
    }
    assert begun == {("cut", "cellular"), ("blocked", f"tiantong:{VEHICLE}"), ("crash", VEHICLE)}
