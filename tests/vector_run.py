"""Judge every vector file below a folder by the adapter of its name; also `python -m tests.vector_run [DIR]`.

An adapter is `tests/vector_adapters/<stem>.py` with `records(document)`, yielding (label, record), and
`check(record)`, returning "right" or "refused" or failing an assertion. A file without one has no codec yet:
it is listed, neither passed nor failed.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

HERE = Path(__file__).resolve().parent
VERDICTS = ("right", "refused")
MAX_SHOWN = 20
"""Wrong records shown per file; a broken codec need not fill the terminal."""


class Adapter(Protocol):
    """What a module of `tests/vector_adapters` offers."""

    def records(self, document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield every record of the file with a label to find it by."""

    def check(self, record: dict[str, Any]) -> str:
        """Return "right" or "refused"; raise AssertionError saying what differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """What became of one file."""

    name: str
    codec: bool
    verdicts: Counter[str] = field(default_factory=Counter)
    wrong: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.codec and not self.wrong:
            return f"{self.name}: no codec yet"
        counts = (
            f"{self.verdicts['right']} right, {self.verdicts['refused']} refused, {len(self.wrong)} wrong"
        )
        shown = [f"\n    {line}" for line in self.wrong[:MAX_SHOWN]]
        more = f"\n    ... and {len(self.wrong) - MAX_SHOWN} more" if len(self.wrong) > MAX_SHOWN else ""
        return f"{self.name}: {counts}{''.join(shown)}{more}"


def vectors_dir() -> Path:
    """Return `$FIELDGATE_VECTORS`, or our own collection."""
    return Path(os.environ.get("FIELDGATE_VECTORS") or HERE / "vectors")


def vector_files(folder: Path) -> list[Path]:
    """Return every JSON file below the folder, in a stable order."""
    return sorted(folder.rglob("*.json"))


def judge_file(path: Path, folder: Path, package: str = "tests.vector_adapters") -> FileResult:
    """Judge one file; whatever is wrong with it is in the result, never an exception."""
    name = path.relative_to(folder).as_posix()
    adapter = _adapter(path.stem, package)
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        return FileResult(name=name, codec=adapter is not None, wrong=(f"not readable as JSON: {error}",))
    if not isinstance(document, dict):
        found = type(document).__name__
        return FileResult(name=name, codec=adapter is not None, wrong=(f"not a JSON object but {found}",))
    if adapter is None:
        return FileResult(name=name, codec=False)
    return _judge(name, adapter, document)


def summary(results: list[FileResult]) -> str:
    """Return the one line of counts."""
    right, refused = (sum(result.verdicts[verdict] for result in results) for verdict in VERDICTS)
    wrong = sum(len(result.wrong) for result in results)
    missing = [result for result in results if not result.codec and not result.wrong]
    return f"vectors: {right} right, {refused} refused, {wrong} wrong, {len(missing)} files no codec yet"


def _adapter(stem: str, package: str) -> Adapter | None:
    if not stem.isidentifier() or importlib.util.find_spec(f"{package}.{stem}") is None:
        return None
    module: Any = importlib.import_module(f"{package}.{stem}")
    adapter: Adapter = module
    return adapter


def _judge(name: str, adapter: Adapter, document: dict[str, Any]) -> FileResult:
    verdicts: Counter[str] = Counter()
    wrong: list[str] = []
    try:
        for label, record in adapter.records(document):
            verdict = _verdict(adapter, record)
            if verdict in VERDICTS:
                verdicts[verdict] += 1
            else:
                wrong.append(f"{label}: {verdict}")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        wrong.append(f"records cannot be listed: {error!r}")
    if not verdicts and not wrong:
        wrong.append("the adapter found no record in it")
    return FileResult(name=name, codec=True, verdicts=verdicts, wrong=tuple(wrong))


def _verdict(adapter: Adapter, record: dict[str, Any]) -> str:
    try:
        return adapter.check(record)
    except AssertionError as error:
        return f"differs: {error}" if str(error) else f"differs: {_where(error)}"
    except Exception as error:  # noqa: BLE001 - a judge: whatever a codec raises is a wrong record, by name
        return f"raised {error!r} at {_where(error)}"


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def main(arguments: list[str]) -> int:
    """Print one line per file and the counts; return 1 if anything is wrong."""
    folder = Path(arguments[0]) if arguments else vectors_dir()
    results = [judge_file(path, folder) for path in vector_files(folder)]
    lines = [str(result) for result in results] or [f"no *.json below {folder}"]
    sys.stdout.write("\n".join([*lines, summary(results)]) + "\n")
    return int(not results or any(result.wrong for result in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
