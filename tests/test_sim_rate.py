"""Scaled time: the same run, held back to so many virtual seconds in a real one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli import main
from sim.pace import Pace
from sim.run.play import play
from sim.scenario.draw import draw
from sim.scenario.read import load_scenario

SCENE = """
name = "short"
title = { zh = "短", en = "Short" }
duration = "60s"
at = [{ t = "10s", do = "send", who = "HQ", to = "VEH", text = "请报告" }]
expect = [{ eventually = "all_delivered", within = "1m", after = "heal" }]
[area]
model = "flat"
[[node]]
id = "HQ"
headquarters = true
links = ["cellular"]
[[node]]
id = "VEH"
links = ["cellular"]
"""


class Wall:
    """A wall clock that only sleeping moves."""

    def __init__(self) -> None:
        self.time_s = 0.0
        self.slept = 0

    def now_s(self) -> float:
        return self.time_s

    def wait(self, seconds: float) -> None:
        self.time_s += seconds
        self.slept += 1


def test_sixty_virtual_seconds_take_one(tmp_path: Path) -> None:
    """At rate 60 the wall clock passes a sixtieth of the virtual time; what happens is the same."""
    (tmp_path / "short.toml").write_text(SCENE, "utf-8")
    drawn = draw(load_scenario(tmp_path / "short.toml"), 1)
    fast = play(drawn)
    wall = Wall()

    held = play(drawn, pace=Pace(60, wall))

    assert held.holds
    assert (held.trace, held.took_s) == (fast.trace, fast.took_s)
    assert wall.time_s == pytest.approx(held.took_s / 60, rel=0.02)
    assert wall.slept > 20


def test_rate_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`sim run FILE --rate 60` holds the run back; without it nothing waits."""
    (tmp_path / "short.toml").write_text(SCENE, "utf-8")
    wall = Wall()
    monkeypatch.setattr("sim.pace.RealWall", lambda: wall)
    for words, virtual_s in ((["--rate", "60"], 120), ([], 0)):
        wall.time_s = 0.0
        assert main(["sim", "run", str(tmp_path / "short.toml"), "--json", *words]) == 0
        assert json.loads(capsys.readouterr().out)["holds"]
        assert wall.time_s == pytest.approx(virtual_s / 60, rel=0.1)


@pytest.mark.parametrize("rate", ["-1", "nan", "fast", "0"])
def test_rate_that_is_none_is_refused(rate: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Negative, not a number, no speed at all: exit status 2, in both languages."""
    with pytest.raises(SystemExit) as caught:
        main(["sim", "run", "small", f"--rate={rate}"])
    assert caught.value.code == 2
    assert "倍速" in capsys.readouterr().err
