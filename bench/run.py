"""Run the benchmarks, each in a process of its own; write `bench/results.json` and print a table.

A benchmark is a module of this folder with `def run() -> list[Figure]`. One that crashes or hangs, and a
promised figure that nothing measured, is an object of the results too. With names, only those run and nothing
is written.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.figure import Figure

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.json"
PROMISED = (
    *("startup", "memory", "idle", "accept", "accepts", "loss", "kill", "crowd", "wakeups"),
    *("duty10", "duty50", "duty_cpu_per_frame", "quiet10", "quiet50", "worlds", "world_memory", "main_job"),
)
"""Figures that must be in the results under exactly this name; others may stand beside them."""
LIMIT_S = 900.0
"""Longest run of one benchmark: fifty kills with restarts take some minutes; nothing takes longer."""
ERROR_LINES = 6
"""Last lines of a crash that are kept: the exception and where."""

Row = dict[str, Any]


def discover(folder: Path = HERE) -> list[str]:
    """Name the modules of the folder that define `run`, without importing them."""
    found = []
    for path in sorted(folder.glob("*.py")):
        body = ast.parse(path.read_text("utf-8")).body
        if path.stem != "run" and any(isinstance(n, ast.FunctionDef) and n.name == "run" for n in body):
            found.append(path.stem)
    return found


def measure(name: str, package: str = "bench", limit_s: float = LIMIT_S) -> list[Row]:
    """Run one benchmark in its own process; return its figures, or one row that says why there are none."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "figures.json"
        code = f"from bench.run import work; work({f'{package}.{name}'!r}, {str(target)!r})"
        command = [sys.executable, "-P", "-c", code]
        try:
            done = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True, timeout=limit_s)
        except subprocess.TimeoutExpired:
            return [_failed(name, f"did not end within {limit_s:g} s")]
        if done.returncode == 0 and target.exists():
            rows: list[Row] = json.loads(target.read_text("utf-8"))
            return rows or [_failed(name, "measured nothing")]
    last = "\n".join(done.stderr.strip().splitlines()[-ERROR_LINES:])
    return [_failed(name, f"exit status {done.returncode}: {last}")]


def work(module: str, target: str) -> None:
    """Run one benchmark here and write its figures: the child's side of `measure`."""
    figures: list[Figure] = importlib.import_module(module).run()
    Path(target).write_text(json.dumps([figure.as_json() for figure in figures]), "utf-8")


def missing(rows: Sequence[Row]) -> list[Row]:
    """Return a row for each promised figure that is not there."""
    names = {row["name"] for row in rows}
    return [_failed(name, "nothing measures it") for name in PROMISED if name not in names]


def table(rows: Sequence[Row]) -> str:
    """Return the rows as people read them."""
    lines = []
    for row in rows:
        value = "-" if row["value"] is None else f"{row['value']:.6g}"
        verdict = "holds" if row["holds"] else "FALLS SHORT"
        peers = ", ".join(f"{name} {other:.6g}" for name, other in row["peers"].items())
        cells = (row["name"], value, row["unit"], row["bound"], verdict, peers)
        lines.append("{:<20} {:>12} {:<10} {:<16} {:<11} {}".format(*cells).rstrip())
        if error := row.get("error"):
            lines.append(f"    {str(error).splitlines()[-1]}")
    return "\n".join(lines)


def _failed(name: str, error: str) -> Row:
    figure = Figure(name=name, value=None, unit="", how=f"python -P -m bench.run {name}", error=error)
    return figure.as_json()


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0, or 1 if a benchmark gave no figures; one that falls short is a result, not an error."""
    parser = argparse.ArgumentParser(prog="bench.run", description="Measure what was promised.")
    parser.add_argument("name", nargs="*", help="run only these, write nothing")
    names = parser.parse_args(arguments).name
    rows: list[Row] = []
    for name in names or discover():
        print(f"... {name}", file=sys.stderr, flush=True)
        rows += measure(name)
    if not names:
        rows += missing(rows)
        RESULTS.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(table(rows))
    return int(any("error" in row for row in rows))


if __name__ == "__main__":
    sys.exit(main())
