"""What the documents say is tried: commands, examples, words and links."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shlex
import subprocess
import sys
from enum import Enum
from itertools import zip_longest
from pathlib import Path

import pytest

from drivers.base import Bearer, LinkState, Precedence, Service, Stage
from gateway.cli import build
from gateway.domain import Evidence, RecipientState
from gateway.words import ROLL_CALL_ZH, ZH
from sim.scenario.draw import draw
from sim.scenario.library import find, shipped
from sim.scenario.read import load_scenario
from tests.documents import Block, blocks, links
from tests.tidy import ROOT, tracked_files

DOCUMENTS = [path for path in tracked_files() if path.endswith(".md")]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text("utf-8")
WORDS = (Bearer, LinkState, Precedence, Service, Stage, RecipientState, Evidence)
DESIGN_WORDS = (
    *("station", "roster", "bearer", "link", "device", "message", "recipient", "lifetime", "receipt"),
    *("frame", "fragment", "MTU", "airtime", "net", "exercise"),
)


def _blocks(path: str, info: str) -> list[Block]:
    return [block for block in blocks((ROOT / path).read_text("utf-8")) if block.info.startswith(info)]


def _runnable() -> list[tuple[str, Block, str | None]]:
    found: list[tuple[str, Block, str | None]] = []
    for path in DOCUMENTS:
        every = blocks((ROOT / path).read_text("utf-8"))
        for block, after in zip_longest(every, every[1:]):
            if block.info == "sh test":
                output = after.body if after and after.info == "json output" else None
                found.append((path, block, output))
    return found


RUNNABLE = _runnable()


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
        env=os.environ | {"PATH": path},
    )


@pytest.mark.parametrize(
    ("path", "block", "output"), RUNNABLE, ids=[f"{path}:{block.line}" for path, block, _ in RUNNABLE]
)
def test_commands_of_documents_work(path: str, block: Block, output: str | None, tmp_path: Path) -> None:
    """Each block marked `sh test` runs, and prints what the document shows."""
    done = _run(["sh", "-eu", "-c", block.body], tmp_path)
    assert done.returncode == 0, f"{path}:{block.line}\n{done.stderr}"
    if output is not None:
        shown = [json.loads(line) for line in output.splitlines()]
        assert [json.loads(line) for line in done.stdout.splitlines()] == shown


def test_readme_commands_are_tried() -> None:
    """The README has runnable blocks; an empty list above would prove nothing."""
    assert [path for path, _, _ in RUNNABLE if path == "README.md"]


def test_two_commands_do_the_set_up() -> None:
    """The README sets up with exactly `make demo` and `make test`, and the Makefile has both."""
    section = (ROOT / "README.md").read_text("utf-8").partition("Try it")[2].partition("\n## ")[0]
    commands = [line for block in blocks(section) for line in block.body.splitlines()]
    targets = (ROOT / "Makefile").read_text("utf-8").splitlines()
    assert commands == ["make demo", "make test"]
    assert all(f"{command.removeprefix('make ')}: $(STAMP)" in targets for command in commands)


def test_driver_guide_is_a_driver_that_works(tmp_path: Path) -> None:
    """The example driver and its tests, copied out of the guide, pass."""
    for block in _blocks("docs/drivers.md", "python file="):
        (tmp_path / block.info.partition("file=")[2]).write_text(block.body, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    done = _run([*command, "-W", "error::RuntimeWarning", str(tmp_path)], tmp_path)
    assert done.returncode == 0, done.stdout
    assert "5 passed" in done.stdout


def test_driver_guide_is_linted_and_typed(tmp_path: Path) -> None:
    """The example is held to our own rules: formatter, linter, strict types."""
    files = []
    for block in _blocks("docs/drivers.md", "python file="):
        files.append(tmp_path / block.info.partition("file=")[2])
        files[-1].write_text(block.body, "utf-8")
    names = [str(file) for file in files]
    config = ["--config", str(ROOT / "pyproject.toml")]
    rules = ["--extend-ignore", "INP001,S101,PLR2004,I001"]
    assert _run(["ruff", "format", "--check", *config, *names], tmp_path).returncode == 0
    linted = _run(["ruff", "check", "--no-cache", *config, *rules, *names], tmp_path)
    assert linted.returncode == 0, linted.stdout
    typed = _run(
        ["mypy", "--config-file=", "--strict", "--cache-dir", str(ROOT / ".mypy_cache" / "docs"), names[0]],
        tmp_path,
    )
    assert typed.returncode == 0, typed.stdout


def test_driver_guide_imports_the_facade_only() -> None:
    """An outside driver needs nothing of ours but `fieldgate`."""
    driver = _blocks("docs/drivers.md", "python file=line_radio.py")[0].body
    rooms = ("protocols", "drivers", "hardware", "gateway", "sim")
    assert [
        line for line in driver.splitlines() if line.startswith(tuple(f"from {room}" for room in rooms))
    ] == []


@pytest.mark.parametrize("kind", WORDS, ids=lambda kind: kind.__name__)
def test_glossary_has_every_word_of_the_interfaces(kind: type[Enum]) -> None:
    """Each value people meet in API and logs stands in the glossary, with the Chinese the gateway says."""
    for member in kind:
        word = member.name if kind is Precedence else str(member.value)
        rows = [line for line in GLOSSARY.splitlines() if line.startswith(f"| `{word}` |")]
        assert rows, word
        assert word not in ZH or any(f"| {ZH[word]} |" in row for row in rows), word


def test_glossary_has_the_words_of_a_roll_call() -> None:
    """The states and counts of a roll call stand there as the report says them."""
    section = GLOSSARY.partition("## Roll call")[2]
    assert [word for word, zh in ROLL_CALL_ZH.items() if f"| `{word}` | {zh} |" not in section] == []


def test_glossary_has_the_words_of_the_design() -> None:
    """The nouns everything is named after are there."""
    assert [word for word in DESIGN_WORDS if f"| {word} |" not in GLOSSARY] == []


def test_glossary_has_the_words_of_the_simulator() -> None:
    """What its guide speaks of stands there."""
    section = GLOSSARY.partition("## Simulator")[2]
    words = ("scenario", "seed", "trace", "swarm", "promise", "replay file", "to shrink", "crowd")
    assert [word for word in words if f"| {word} |" not in section] == []


@pytest.mark.parametrize("path", DOCUMENTS)
def test_links_lead_somewhere(path: str) -> None:
    """No document points at a file that is not there."""
    targets = [
        target.partition("#")[0] for target in links((ROOT / path).read_text("utf-8")) if "://" not in target
    ]
    folder = (ROOT / path).parent
    assert [target for target in targets if target and not (folder / target).exists()] == []


def test_changelog_names_this_version() -> None:
    """The changelog has a place for what is not released yet, and every release a heading."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    version = importlib.metadata.version("fieldgate")
    assert "## [Unreleased]" in text
    assert version == "0.1.0" or f"## [{version}]" in text


# --- the simulator's guide ---------------------------------------------------------------------------------


def test_guide_s_walk_through_goes_as_told(tmp_path: Path) -> None:
    """The scenario of the guide breaks as it says; shrunk it is one fault, and plays the same again."""
    (scene,) = _blocks("docs/simulator.md", "toml file=bridge.toml")
    (tmp_path / "bridge.toml").write_text(scene.body, "utf-8")
    played = _run(["fieldgate", "sim", "run", "bridge.toml", "--seed", "1"], tmp_path)
    assert played.returncode == 1
    assert "✗ 指标 metric      latency.max.flash" in played.stdout
    assert "有问题的报文 the failing message: HQ → VEH  “桥面封闭，改走渡口”" in played.stderr
    small = _run(["fieldgate", "sim", "shrink", "bridge-1.replay.json"], tmp_path)
    assert small.returncode == 0
    assert "→  1 个故障 faults, 1 个动作 actions" in small.stdout
    again = _run(["fieldgate", "sim", "replay", "bridge-1.replay.small.json"], tmp_path)
    assert again.returncode == 1
    assert "与当时逐字节相同" in again.stderr


def test_guide_s_cure_works(tmp_path: Path) -> None:
    """With a second bearer on both, as the guide says, the order arrives in time."""
    (scene,) = _blocks("docs/simulator.md", "toml file=bridge.toml")
    cured = scene.body.replace('["cellular"]', '["cellular", "tiantong"]').replace(
        '["cellular", "pdt"]', '["cellular", "tiantong", "pdt"]'
    )
    (tmp_path / "bridge.toml").write_text(cured, "utf-8")
    assert _run(["fieldgate", "sim", "run", "bridge.toml", "--seed", "1"], tmp_path).returncode == 0


def test_guide_s_pytest_example_passes(tmp_path: Path) -> None:
    """The example test, copied into a folder of its own, plays its twenty seeds."""
    (example,) = _blocks("docs/simulator.md", "python file=")
    (tmp_path / "test_my_radio.py").write_text(example.body, "utf-8")
    done = _run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", "."], tmp_path)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


@pytest.mark.parametrize("name", shipped())
def test_library_table_says_how_long_and_how_many(name: str) -> None:
    """The table of shipped scenarios has the length and the size of each."""
    scenario = draw(load_scenario(find(name)), 1).scenario
    minutes = round(scenario.duration_s / 60)
    row = f"| `{name}` | {minutes // 60}:{minutes % 60:02d} | {len(scenario.nodes)}/{len(scenario.groups)} | "
    assert row in (ROOT / "docs" / "scenarios.md").read_text("utf-8")


def test_every_command_of_the_guide_is_one() -> None:
    """What cannot be run in a test, for want of a terminal or a daemon's trace, is at least spelt right."""
    for block in _blocks("docs/simulator.md", "sh"):
        for line in block.body.splitlines():
            program, *words = shlex.split(line)
            if program == "fieldgate":
                build(words[0]).parse_args([word for word in words if word not in {">", "seven.json"}])


@pytest.mark.peers
def test_guide_s_commands_for_wireshark_work(tmp_path: Path) -> None:
    """Tshark takes the dissector, knows the interface and the fields, and shows faults as comments."""
    assert _run(["fieldgate", "sim", "run", "small", "--report", "out"], tmp_path).returncode == 0
    lines = [line for block in _blocks("docs/simulator.md", "sh") for line in block.body.splitlines()]
    tried = [line for line in lines if line.startswith("tshark ")]
    assert len(tried) == 2
    for line in tried:
        done = _run(["sh", "-c", line], tmp_path)
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.splitlines()) > 5


def test_command_overview_has_every_command_and_option_of_the_simulator() -> None:
    """What `fieldgate sim COMMAND --help` names stands in docs/cli.md."""
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    for command in ("check", "run", "replay", "shrink"):
        said = _run(["fieldgate", "sim", command, "--help"], ROOT).stdout
        section = page.partition(f"### `sim {command}`")[2].partition("\n### ")[0]
        options = set(re.findall(r"^ +(--[a-z]+)", said, re.MULTILINE))
        assert [option for option in sorted(options) if f"`{option}" not in section] == [], command


def test_readme_lists_every_document() -> None:
    """Nobody has to know that a page exists to find it."""
    readme = (ROOT / "README.md").read_text("utf-8")
    pages = [path for path in DOCUMENTS if path.startswith("docs/")]
    assert [path for path in pages if f"]({path})" not in readme] == []
