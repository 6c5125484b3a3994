"""A wire trace of a real daemon, fed to the same gateway in virtual time."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from protocols.errors import BadInputError
from sim.run.wire import MAX_LINE, feed, read_trace
from tests.daemon import running, write_box
from tests.outside_field import FIELDGATE, Field, field

SCENE = """
name = "wire"
title = { zh = "抓包", en = "Wire" }
duration = "5m"
at = [
  { t = "11s", do = "type", who = "T-1", text = "水位上涨半米" },
  { t = "13s", do = "sos", who = "T-2" },
]
[area]
model = "flat"
[[node]]
id = "HQ"
headquarters = true
links = ["cellular", "tiantong"]
[[node]]
id = "VEH"
links = ["cellular", "pdt", "tiantong"]
[[group]]
id = "T-{1..2}"
kind = "handheld"
via = "VEH"
"""


async def _replay(*words: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *FIELDGATE, "sim", "replay", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, told = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), told.decode()


@pytest.mark.real
@pytest.mark.timeout(90)
async def test_replay_shows_what_the_daemon_was_told(tmp_path: Path) -> None:
    """Messages by IP and from a handheld, the alarm, the state of every link: as the real one had them."""
    (tmp_path / "scene.toml").write_text(SCENE, "utf-8")
    async with field(str(tmp_path / "scene.toml"), tmp_path / "run") as made:
        base, box = (Path(made.gateways[sign]["config"]) for sign in ("HQ", "VEH"))
        async with running(base) as hq, running(box, "--trace", str(tmp_path / "trace")) as vehicle:
            await hq.until_told("READY=1")
            await vehicle.until_told("READY=1")
            await made.send("HQ", "VEH", "请到城北水库东岸集结", wait_s=20)
            await made.until_told("T-1", "水位上涨半米", within_s=20)
            await made.until_told("T-2", "按下", within_s=20)
            await made.send("HQ", "VEH", "请报告油料", wait_s=20)
            await until_sos(made)
            real = [(m["id"], m["text"]) for m in (await made.ask("VEH", "messages"))["messages"]]
            rows = (await made.ask("VEH", "links", "--station", "VEH"))["links"]
            lights = {row["bearer"]: row["state"] for row in rows}

        status, out, told = await _replay(str(tmp_path / "trace"), "--config", str(box), "--json")
    assert status == 0, told
    shown: dict[str, Any] = json.loads(out)
    assert {m["text"] for m in shown["messages"]} == {text for _, text in real}
    of_hq = {ref for ref, _ in real if ref.startswith("1-")}
    assert {m["id"] for m in shown["messages"] if m["id"].startswith("1-")} == of_hq
    assert [alarm["key"] for alarm in shown["alarms"]] == ["sos:1002"]
    assert shown["links"] == lights == {"cellular": "up", "pdt": "up", "tiantong": "up"}
    assert {f"{link} {way}" for link in lights for way in ("rx", "tx")} == set(shown["frames"])
    assert shown["frames"]["cellular rx"]["then"] == shown["frames"]["cellular rx"]["now"] > 0


async def until_sos(made: Field) -> None:
    """Wait until the alarm stands at the vehicle, with its place."""
    async with asyncio.timeout(15):
        while not any(  # noqa: ASYNC110 - the gateway is another process
            "位置" in m["text"] for m in (await made.ask("VEH", "messages"))["messages"]
        ):
            await asyncio.sleep(0.2)


def _write(folder: Path, *lines: str) -> tuple[str, str]:
    config = write_box(folder / "box", '[[link]]\nname = "pdt"\ndriver = "hytera"\ndevice = "port"\n')
    (folder / "trace.jsonl").write_text("".join(line + "\n" for line in lines), "utf-8")
    return str(folder / "trace.jsonl"), str(config)


def _line(**changed: object) -> str:
    record = {"unix_ms": 1, "link": "pdt", "dir": "rx", "hex": "7e", "note": ""}
    return json.dumps(record | changed)


BAD = {
    "not json": ["{", ":2"],
    "not hex": [_line(hex="xy"), ":2"],
    "no link": [json.dumps({"unix_ms": 1, "dir": "rx", "hex": ""}), ":2"],
    "no way": [_line(dir="up"), ":2"],
    "a list": ["[1]", ":2"],
    "unknown link": [_line(link="vsat"), "vsat"],
    "longer than any record": [_line(note="x" * MAX_LINE), ":2"],
}


@pytest.mark.parametrize("what", BAD)
async def test_bad_trace_is_refused_by_line(what: str, tmp_path: Path) -> None:
    """File, line and limit are told in both languages; no gateway starts."""
    line, where = BAD[what]
    trace, config = _write(tmp_path, _line(), line)
    with pytest.raises(BadInputError) as caught:
        feed(Path(config), Path(trace))
    assert where in caught.value.en
    assert where in caught.value.zh


def test_endless_trace_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More records than a trace can hold are not read."""
    monkeypatch.setattr("sim.run.wire.MAX_RECORDS", 3)
    trace, _ = _write(tmp_path, *[_line()] * 4)
    with pytest.raises(BadInputError, match="3 records"):
        read_trace(Path(trace))


def test_set_date_does_not_stretch_the_tape(tmp_path: Path) -> None:
    """Years ahead or back between two records are a set clock: the tape goes on at once."""
    years_ms = 30 * 365 * 86_400_000
    moments = (5_000, 6_000, 6_000 + years_ms, 6_500 + years_ms, 100, 1_100)
    trace, _ = _write(tmp_path, *(_line(unix_ms=ms) for ms in moments))
    begun_ms, passed = read_trace(Path(trace))
    assert begun_ms == 5_000
    assert [one.at_s for one in passed] == [0.0, 1.0, 1.0, 1.5, 1.5, 2.5]


@pytest.mark.real
async def test_command_refuses_what_it_cannot_play(tmp_path: Path) -> None:
    """Without a configuration, without a trace: exit status 2 and words in both languages."""
    trace, config = _write(tmp_path, _line())
    for words, zh, en in (
        ((trace,), "重放抓包需要", "needs --config"),
        ((str(tmp_path), "--config", str(tmp_path / "absent.toml")), "absent.toml", "absent.toml"),
        ((str(tmp_path / "none.jsonl"), "--config", config), "无法读取", "can be read"),
    ):
        status, out, told = await _replay(*words)
        assert (status, out) == (2, "")
        assert zh in told
        assert en in told
