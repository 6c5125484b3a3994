"""Captures and worked examples of others, every one of them, judged by our codecs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from tests.vector_run import FileResult, judge_file, summary, vector_files, vectors_dir

FOLDER = vectors_dir()
FILES = vector_files(FOLDER)


class _Report:
    """Adds the counts to the closing lines of pytest."""

    def __init__(self) -> None:
        self.results: list[FileResult] = []

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write one line per file and one of counts."""
        for result in self.results:
            terminalreporter.write_line(str(result).partition("\n")[0])
        terminalreporter.write_line(summary(self.results))


@pytest.fixture(scope="module")
def report(request: pytest.FixtureRequest) -> _Report:
    """Collect results for the closing lines."""
    report = _Report()
    request.config.pluginmanager.register(report, "fieldgate-vectors")
    return report


def test_there_are_vectors() -> None:
    """The folder of vectors exists and holds files."""
    assert FILES, f"no *.json below {FOLDER}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_vectors(path: Path, report: _Report) -> None:
    """Every record of the file is right both ways, or refused where it is marked wrong."""
    result = judge_file(path, FOLDER)
    report.results.append(result)
    assert not result.wrong, str(result)


ADAPTER = """
    def records(document):
        for number, record in enumerate(document["vectors"]):
            yield f"[{number}]", record

    def check(record):
        if record["is"] == "bad":
            return "refused"
        assert record["is"] == "good", "not good"
        return "right"
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Give a package with one adapter, `sample`."""
    name = "sample_vector_adapters"
    (tmp_path / name).mkdir()
    (tmp_path / name / "sample.py").write_text(dedent(ADAPTER), "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        del sys.modules[module]


def _judge(tmp_path: Path, name: str, text: str, package: str) -> FileResult:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return judge_file(path, tmp_path, package)


def test_records_are_counted(tmp_path: Path, package: str) -> None:
    """Right, refused and wrong records are told apart and counted."""
    text = '{"vectors": [{"is": "good"}, {"is": "good"}, {"is": "bad"}, {"is": "odd"}, {}]}'
    result = _judge(tmp_path, "sample.json", text, package)
    assert result.verdicts == {"right": 2, "refused": 1}
    assert [line.partition(":")[0] for line in result.wrong] == ["[3]", "[4]"]
    assert summary([result]) == "vectors: 2 right, 1 refused, 2 wrong, 0 files no codec yet"


def test_file_without_adapter_is_listed(tmp_path: Path, package: str) -> None:
    """A file nobody can read yet is neither passed nor failed."""
    result = _judge(tmp_path, "other.json", '{"vectors": []}', package)
    assert str(result) == "other.json: no codec yet"
    assert summary([result]).endswith("1 files no codec yet")


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"vectors": []}', '{"records": []}', '{"vectors": 7}', "[" * 100_000]
)
def test_malformed_file_fails_by_name(text: str, tmp_path: Path, package: str) -> None:
    """A file that cannot be judged fails, and says which it is."""
    result = _judge(tmp_path, "sample.json", text, package)
    assert len(result.wrong) == 1
    assert str(result).startswith("sample.json: 0 right")
