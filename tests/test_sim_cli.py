"""`fieldgate sim run`, `replay` and `shrink` as a tester sees them."""

from __future__ import annotations

import csv
import json
import os
import pty
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from sim.pace import RealWall
from sim.run.failure import LINE
from sim.run.play import play
from sim.run.progress import Progress
from sim.scenario.draw import draw
from sim.scenario.read import load_scenario

FIELDGATE = (sys.executable, "-P", "-m", "gateway.cli")

SCENE = """
name = "short"
title = { zh = "短", en = "Short" }
duration = "60s"
seed = 3
at = [
  { t = "10s", do = "send", who = "HQ", to = "VEH", text = "请报告位置" },
  { t = "20s", do = "type", who = "T-1", text = "水位上涨" },
  { t = "25s", fault = "cut", target = "cellular", for = "2s" },
  { t = "40s", do = "rollcall", who = "VEH", to = "all", within = "10s" },
]
[area]
model = "flat"
[[node]]
id = "HQ"
headquarters = true
links = ["cellular"]
[[node]]
id = "VEH"
links = ["cellular", "pdt"]
[[group]]
id = "T-1"
kind = "handheld"
via = "VEH"
[[expect]]
always = "promises"
[[expect]]
metric = "messages.typed"
MOST
"""


class Desk:
    """Somebody with a folder, two scenarios in it and a terminal."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys
        (folder / "good.toml").write_text(SCENE.replace("MOST", "min = 2"), "utf-8")
        (folder / "bad.toml").write_text(SCENE.replace("MOST", "max = 1"), "utf-8")

    def does(self, *words: str) -> tuple[int, str, str]:
        """Give a command; return exit status, standard output and error."""
        self._capsys.readouterr()
        try:
            status = main(["sim", *words])
        except SystemExit as ended:
            status = int(str(ended.code))
        said = self._capsys.readouterr()
        return status, said.out, said.err

    def json(self, *words: str) -> tuple[int, list[dict[str, Any]]]:
        """Give a command with --json; return exit status and what it printed."""
        status, out, _ = self.does(*words, "--json")
        return status, [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path, capsys)


def test_run_tells_what_held(desk: Desk) -> None:
    """Title, seed, each expectation with its limit, the figures everybody asks for, the trace."""
    status, out, err = desk.does("run", "good.toml")
    assert status == 0
    assert "短 Short · 种子 seed 3" in out
    assert "✓ 始终 always" in out
    assert "messages.typed   2   (≥ 2)" in out
    assert "送达 delivered 100 %" in out
    assert "轨迹 trace " in out
    assert err == ""
    assert sorted(file.name for file in desk.folder.iterdir()) == ["bad.toml", "good.toml"]


def test_json_has_the_keys_programs_rely_on(desk: Desk) -> None:
    """One seed and many give objects of one shape, each on its line, nothing else on standard output."""
    status, one = desk.json("run", "good.toml", "--seed", "5")
    assert status == 0
    status, many = desk.json("run", "good.toml", "--seeds", "5..6")
    assert status == 0
    assert one == [found for found in many if found["seed"] == 5]
    assert {"scenario", "seed", "trace", "holds", "expectations", "metrics"} <= one[0].keys()
    assert one[0]["expectations"][1] == {
        "rule": "metric",
        "name": "messages.typed",
        "limit": "≥ 2",
        "holds": True,
        "found": "2",
    }


def test_failure_says_where_it_broke_and_keeps_it(desk: Desk) -> None:
    """Status 1; what did not hold, the last events, what still waits and alone; lines that fit; the files."""
    status, _, err = desk.does("run", "bad.toml", "--keep", "kept")
    assert status == 1
    lines = err.splitlines()
    assert "✗ 指标 metric" in lines[1]
    assert [line for line in lines if "roll_call VEH" in line and "ended" in line]
    waits = [line for line in lines if " at " in line and " > " in line]
    assert len(waits) == 1
    assert "rollcall." in waits[0]
    assert max(map(len, lines)) <= LINE + 2
    assert lines[-2].endswith("fieldgate sim replay kept/bad-3.replay.json".replace("bad", "short"))
    story = (desk.folder / "kept" / "short-3.failure.txt").read_text("utf-8")
    assert "ledger" in story
    assert "切断" in story or "cut " in story


def test_json_of_a_failure_names_its_replay(desk: Desk) -> None:
    """Programs find the file, and replaying it gives the same trace and says so."""
    status, told = desk.json("run", "bad.toml")
    assert status == 1
    assert not told[0]["holds"]
    path = told[0]["replay"]
    before = sorted(file.name for file in desk.folder.iterdir())
    status, out, err = desk.does("replay", path, "--json")
    assert status == 1
    assert json.loads(out)["trace"] == told[0]["trace"]
    assert "the same as then" in err
    assert sorted(file.name for file in desk.folder.iterdir()) == before


def test_replay_says_when_it_went_otherwise(desk: Desk) -> None:
    """A run that goes another way today shows version, trace and what broke, then and now."""
    desk.does("run", "bad.toml")
    path = desk.folder / "short-3.replay.json"
    kept = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(kept | {"trace": "00000000-1", "version": "0.0.1"}), "utf-8")
    _, _, err = desk.does("replay", str(path))
    assert "当时 then: 0.0.1 00000000-1 未成立 broken: messages.typed" in err


def test_shrink_leaves_what_matters(desk: Desk) -> None:
    """The smaller file still breaks the same, and says how much smaller it is; what holds is refused."""
    desk.does("run", "bad.toml")
    status, out, _ = desk.does("shrink", "short-3.replay.json")
    assert status == 0
    assert "1 个故障 faults, 3 个动作 actions  →  0 个故障 faults, 2 个动作 actions" in out
    assert desk.does("replay", "short-3.replay.small.json")[0] == 1
    kept = json.loads((desk.folder / "short-3.replay.json").read_text("utf-8"))
    kept["drawn"]["scenario"]["expects"] = []
    (desk.folder / "holds.json").write_text(json.dumps(kept), "utf-8")
    status, _, err = desk.does("shrink", "holds.json")
    assert status == 1
    assert "nothing to shrink" in err


def test_sweep_keeps_each_that_broke_and_tells_the_first(desk: Desk) -> None:
    """A replay file for each, the story and the report of the first, a table of all, probes counted."""
    status, out, err = desk.does("run", "bad.toml", "--seeds", "1..3", "--keep", "kept", "--report", "page")
    assert status == 1
    assert "short: 3 个种子 seeds, 3 个未成立 broken" in out
    assert "hytera.waits_for_voice" in out.partition("从未到达 never reached:")[2]
    assert sorted(file.name for file in (desk.folder / "kept").iterdir()) == [
        "short-1.failure.txt",
        *[f"short-{seed}.replay.json" for seed in (1, 2, 3)],
    ]
    assert "未成立 broken: 种子 seed 1" in err
    with (desk.folder / "page" / "seeds.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["seed"], row["holds"], row["messages.typed"]) for row in rows] == [
        ("1", "0", "2"),
        ("2", "0", "2"),
        ("3", "0", "2"),
    ]
    summary = json.loads((desk.folder / "page" / "summary.json").read_text("utf-8"))
    assert summary["seed"] == 1
    assert "1/3" in err


def test_report_into_a_folder_with_things_of_ours_and_theirs(desk: Desk) -> None:
    """What was there stays, an older report is written over; the tables know who carried what."""
    there = desk.folder / "page"
    there.mkdir()
    (there / "notes.txt").write_text("mine")
    (there / "report.html").write_text("old")
    assert desk.does("run", "good.toml", "--report", "page")[0] == 0
    assert (there / "notes.txt").read_text() == "mine"
    assert (there / "report.html").stat().st_size > 50_000
    with (there / "latency.csv").open(encoding="utf-8-sig", newline="") as file:
        assert {(row["precedence"], row["bearer"]) for row in csv.DictReader(file)} == {
            ("ROUTINE", "cellular")
        }
    wanted = {"delivery.csv", "latency.csv", "airtime.csv", "energy.csv", "wire.pcapng", "fieldgate.lua"}
    assert wanted < {file.name for file in there.iterdir()}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "smal"), ("是否指 small", "did you mean small")),
        (("run", "nowhere/x.toml"), ("无法读取", "cannot be read")),
        (("run", "typo.toml"), ("typo.toml:4: duraton：未知的键", "typo.toml:4: duraton: unknown key")),
        (("run", "good.toml", "--report", "bad.toml"), ("无法写入", "Not a directory")),
        (("run", "good.toml", "--keep", "bad.toml/x"), ("无法写入", "Not a directory")),
        (("run", "good.toml", "--seeds", "3..1"), ("形如 1..200",)),
        (("run", "good.toml", "--seeds", "1..99999999"), ("种子过多",)),
        (("run", "good.toml", "--seed", "-1"), ("种子为非负整数",)),
        (("run", "good.toml", "--seeds", "1..2", "--rate", "60"), ("只用于一个种子", "not with --seeds")),
        (("replay", "good.toml"), ("good.toml：不是重放文件", "a replay file")),
        (("replay", "other.json"), ("other.json: replay", "of this version")),
        (("replay", "nothing.json"), ("无法读取", "No such file")),
        (("shrink", "good.toml"), ("不是重放文件",)),
    ],
    ids=lambda value: " ".join(value[1:]) if value[0] in {"run", "replay", "shrink"} else "",
)
def test_what_cannot_be_used_is_refused_at_once(
    words: tuple[str, ...], said: tuple[str, ...], desk: Desk
) -> None:
    """Status 2, the place and the reason in both languages, no traceback, no file left."""
    (desk.folder / "typo.toml").write_text(SCENE.replace("duration", "duraton").replace("MOST", ""))
    other = {"version": "0", "trace": "", "broken": [], "drawn": {"seed": "x"}}
    (desk.folder / "other.json").write_text(json.dumps(other))
    before = sorted(file.name for file in desk.folder.iterdir())
    status, out, err = desk.does(*words)
    assert status == 2
    assert [word for word in said if word not in err] == []
    assert out == ""
    assert sorted(file.name for file in desk.folder.iterdir()) == before


def test_telling_how_far_it_has_come_changes_nothing(desk: Desk) -> None:
    """The trace of a run that is watched is that of one that is not."""
    drawn = draw(load_scenario(desk.folder / "good.toml"), 3)
    times: list[float] = []
    assert play(drawn, told=times.append).trace == play(drawn).trace
    assert len(times) > 1000
    assert times == sorted(times)


def test_log_of_a_sweep_is_ten_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal there is a line for each tenth, and none when it is to be quiet."""
    for quiet, lines in ((False, 10), (True, 0)):
        bar = Progress(200, RealWall(), quiet=quiet)
        for _ in range(200):
            bar.step(broken=False)
        bar.end()
        assert len(capsys.readouterr().err.splitlines()) == lines


@pytest.mark.real
def test_terminal_shows_a_bar_and_ctrl_c_ends_quietly(desk: Desk) -> None:
    """On a terminal a bar is drawn over itself; Ctrl-C gives status 130 and no traceback."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*FIELDGATE, "sim", "run", "small", "--seeds", "1..500"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        cwd=desk.folder,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        said = _until(ours, b"/500", limit_s=60)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the command
        assert process.wait(timeout=30) == 130
        said += _until(ours, b"", limit_s=5)
        assert process.stdout is not None
        assert "中断 interrupted" in process.stdout.read().decode()
    os.close(ours)
    assert "░" in said.decode()
    assert "Traceback" not in said.decode()


def _until(terminal: int, word: bytes, *, limit_s: float) -> bytes:
    """Read until a word came, or nothing more can."""
    said = b""
    clock = RealWall()
    end_s = clock.now_s() + limit_s
    while clock.now_s() < end_s:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            said += os.read(terminal, 4096)
        except OSError:  # the far side is closed
            return said
        if word and word in said:
            return said
    return said


def test_what_was_not_reached_says_what_it_lacked(desk: Desk) -> None:
    """A roll call that still waits for a set that is off is named with its gateway."""
    scene = SCENE.replace('within = "10s"', 'within = "30m"').replace('metric = "messages.typed"\nMOST', "")
    scene = scene.replace(
        'id = "T-1"', 'id = "T-2"\nkind = "handheld"\nvia = "VEH"\noff = true\n[[group]]\nid = "T-1"'
    )
    scene = (
        scene.removesuffix("[[expect]]\n\n") + '[[expect]]\neventually = "roll_calls_ended"\nwithin = "1m"\n'
    )
    (desk.folder / "long.toml").write_text(scene, "utf-8")
    status, told = desk.json("run", "long.toml")
    assert status == 1
    assert told[0]["expectations"][-1]["found"] == "not reached: one runs at VEH"
