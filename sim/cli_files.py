"""What the simulator's commands share: refusing bad files, writing reports and what is kept of failures."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import EACCES, ENOTDIR
from pathlib import Path
from typing import TYPE_CHECKING

from sim.cli_outside import REFUSED

if TYPE_CHECKING:
    from sim.run.play import Result


def refusing(work: Callable[[], int]) -> int:
    """Do it; what cannot be done with these files is said in both languages, with status 2."""
    from protocols.errors import FieldgateError  # noqa: PLC0415

    try:
        return work()
    except FieldgateError as error:
        print(error.zh, error.en, sep="\n", file=sys.stderr)
        return REFUSED


def write_all(directory: Path, result: Result, command: str) -> None:
    """Write the report of a run whose events were all kept; `command` plays it again."""
    from sim.report.writer import write_report  # noqa: PLC0415
    from sim.run.report import summary_of  # noqa: PLC0415

    with writing(directory):
        made = write_report(directory, summary_of(result, command=command), result.events)
    print(f"报告 report: {made.html}", file=sys.stderr)


def keep(args: argparse.Namespace, result: Result, command: str, again: Path | None) -> Path:
    """Write the files of a broken run and say what broke; return its replay file."""
    from sim.run.failure import Failure  # noqa: PLC0415

    folder: Path = args.keep
    with writing(folder):
        failure = Failure.of(result, command)
        kept = failure.keep(folder, again=again)
    print(*failure.told(kept), sep="\n", file=sys.stderr)
    return kept.replay


@contextmanager
def writing(directory: Path) -> Iterator[None]:
    """Make what cannot be written a BadInputError that names the place."""
    from protocols.errors import BadInputError  # noqa: PLC0415

    try:
        yield
    except OSError as error:
        found = error.strerror or repr(error)
        raise BadInputError(
            str(error.filename or directory), limit="a place that can be written", found=found, zh="无法写入"
        ) from error


def look_ahead(args: argparse.Namespace) -> None:
    """Refuse now what could not be written when the run is over."""
    for directory in (args.report, args.keep):
        if directory is None:
            continue
        there: Path = directory.absolute()
        while not there.exists() and there != there.parent:
            there = there.parent
        with writing(directory):
            if not there.is_dir():
                raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR), str(there))
            if not os.access(there, os.W_OK | os.X_OK) and directory != Path():
                raise PermissionError(EACCES, os.strerror(EACCES), str(there))
