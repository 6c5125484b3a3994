"""A scenario's field on PTYs and loopback, for real gateways and other programs outside."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.config import load_config
from tests.daemon import running
from tests.outside_field import FIELDGATE, field
from tests.test_demo_real import names, processes_of

pytestmark = pytest.mark.real


@pytest.mark.timeout(150)
async def test_gateways_outside_talk_over_every_bearer(tmp_path: Path) -> None:
    """Two daemons on the configurations as printed reach each other by IP, a handheld and a phone by PTY."""
    async with field("main-job", tmp_path / "run") as made:
        configs = [Path(made.gateways[sign]["config"]) for sign in ("HQ", "VEH-3")]
        async with running(configs[0]) as hq, running(configs[1]) as vehicle:
            await hq.until_told("READY=1")
            await vehicle.until_told("READY=1")

            told = await made.send("HQ", "VEH-3", "请到城北水库东岸集结", wait_s=20)
            assert [r["state"] for r in told["recipients"]] == ["delivered"]
            await made.send("VEH-3", "T-301", "请查看大坝北侧", wait_s=25)
            await made.until_told("T-301", "请查看大坝北侧", within_s=5)
            await made.send("HQ", "S-201", "请打开二号闸门", wait_s=40)
            await made.until_told("S-201", "请打开二号闸门", within_s=5)


async def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    """Exit status 0, no process, no port; the files stay for whoever wants to read them."""
    folder = tmp_path / "run"
    async with field("small", folder) as made:
        assert sorted(made.ports) == ["HQ-beidou", "VEH-beidou", "VEH-pdt"]
        assert sorted(made.ports) == names(folder / "ports")
        assert await made.interrupted() == 0
    assert processes_of(folder) == []
    assert names(folder / "ports") == []
    assert load_config(folder / "VEH.toml").gateway.station == 2


async def test_second_start_in_one_directory_is_refused(tmp_path: Path) -> None:
    """The first goes on; the second says so in both languages, and so does one in a strange directory."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    async with field("small", tmp_path / "run") as made:
        for folder, word in ((tmp_path / "run", "已有仿真"), (tmp_path / "mine", "不是仿真所建")):
            command = (*FIELDGATE, "sim", "run", "small", "--pty", "--dir", str(folder))
            process = await asyncio.create_subprocess_exec(
                *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
            )
            _, told = await process.communicate()
            assert process.returncode == 2
            assert str(folder) in told.decode()
            assert word in told.decode()
            assert "--dir" in told.decode()
        assert made.process.returncode is None
    assert names(tmp_path / "mine") == ["thesis.txt"]


async def test_two_fields_run_beside_each_other(tmp_path: Path) -> None:
    """Each on UDP and API ports of its own."""
    async with field("small", tmp_path / "a") as a, field("small", tmp_path / "b") as b:
        ours = {load_config(Path(one["config"])).links[0].config.bind for one in a.gateways.values()}
        theirs = {load_config(Path(one["config"])).links[0].config.bind for one in b.gateways.values()}
        assert not ours & theirs
        urls = [one["url"] for made in (a, b) for one in made.gateways.values()]
        assert len(set(urls)) == 4


@pytest.mark.timeout(60)
async def test_story_keeps_its_times(tmp_path: Path) -> None:
    """Actions and faults happen when the scenario says, cues tell what those outside are to do."""
    scene = tmp_path / "scene.toml"
    scene.write_text(SCENE, "utf-8")
    async with field(str(scene), tmp_path / "run") as made:
        lines = [
            await made.until_told("T-1", "水位上涨", within_s=10),
            await made.until_told("HQ", "请报告", within_s=10),
            await made.until_told("切断 cut", "起 begins", within_s=10),
            await made.until_told("进程崩溃 crash", within_s=10),
            await made.until_told("切断 cut", "止 ends", within_s=10),
            await made.until_told("over and healed", within_s=10),
        ]
        assert made.process.returncode is None
    times_s = [float(line.split(maxsplit=1)[0]) for line in lines]
    assert times_s == pytest.approx([0.5, 1.0, 1.5, 2.0, 2.5, 4.0], abs=0.4)


@pytest.mark.parametrize("option", ["--rate=60", "--seeds=1..2", "--report=out"])
async def test_pty_is_real_time_for_one_seed(option: str, tmp_path: Path) -> None:
    """What cannot go with PTYs is refused, and nothing is made."""
    process = await asyncio.create_subprocess_exec(
        *FIELDGATE,
        *("sim", "run", "small", "--pty", "--dir", str(tmp_path / "run"), option),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await process.communicate()
    assert process.returncode == 2
    assert "--pty" in told.decode()
    assert names(tmp_path) == []


@pytest.mark.peers
async def test_gammu_identifies_the_terminal_of_a_scenario(tmp_path: Path) -> None:
    """A program that knows nothing of us takes the stable link for a modem."""
    scene = tmp_path / "scene.toml"
    scene.write_text(SCENE.replace('links = ["cellular"', 'links = ["tiantong", "cellular"'), "utf-8")
    async with field(str(scene), tmp_path / "run") as made:
        config = tmp_path / "gammurc"
        config.write_text(f"[gammu]\ndevice = {made.ports['HQ-tiantong']}\nconnection = at115200\n", "utf-8")
        process = await asyncio.create_subprocess_exec(
            *("gammu", "-c", str(config), "identify"), stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    assert "TT-SIM" in out.decode()


SCENE = """
name = "scene"
title = { zh = "一刻", en = "A moment" }
duration = "4s"
at = [
  { t = "500ms", do = "type", who = "T-1", text = "水位上涨" },
  { t = "1s", do = "send", who = "HQ", to = "VEH", text = "请报告" },
  { t = "1500ms", fault = "cut", target = "cellular", for = "1s" },
  { t = "2s", fault = "crash", target = "VEH", for = "1s" },
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
"""
