"""The ledger under strace: no answer leaves the process while something it wrote is not yet on the disk."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CALLS = "openat,pwrite64,write,fsync,fdatasync,close"
LINE = re.compile(
    r"^\d+ +(?P<name>\w+)\((?P<first>AT_FDCWD|\d+)(?:, \"(?P<text>[^\"]*)\")?.*\) += (?P<result>-?\d+)"
)
RESUMED = re.compile(r"^(?P<pid>\d+) +<\.\.\. \w+ resumed>(?P<rest>.*)$")
UNFINISHED = re.compile(r"^(?P<pid>\d+) +(?P<start>.*) <unfinished \.\.\.>$")


@dataclass
class Audit:
    """What a trace showed."""

    answers: int = 0
    answers_while_dirty: int = 0
    syncs: int = 0
    files: dict[str, str] = field(default_factory=dict)
    dirty: set[str] = field(default_factory=set)

    def take(self, name: str, first: str, text: str, result: str) -> None:
        """Follow one finished call; descriptors of the ledger's files are known by their opening."""
        if name == "openat" and text.endswith(("ledger.db", "ledger.db-wal")):
            self.files[result] = text
        elif name == "close":
            self.files.pop(first, None)
        elif name in {"pwrite64", "write"} and first in self.files:
            self.dirty.add(self.files[first])
        elif name in {"fsync", "fdatasync"} and first in self.files:
            self.syncs += 1
            self.dirty.discard(self.files[first])
        elif name == "write" and first == "1":
            self.answers += 1
            self.answers_while_dirty += any(path.endswith("-wal") for path in self.dirty)


@pytest.mark.peers
@pytest.mark.real
def test_no_answer_leaves_while_the_wal_is_dirty(tmp_path: Path) -> None:
    """640 answers by 16 writers: each is written after an fsync that followed the last write to the WAL.

    The ledger's own next commit is held back by the audit only where it began before the answer was sent:
    the writers answer between commits, because the loop starts the next commit after it resolved the last.
    """
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-s", "300", "-o", str(trace), "-e", f"trace={CALLS}"]
    subprocess.run(
        [*command, sys.executable, "-P", "-m", "tests.ledger_victim", str(tmp_path), "40"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        timeout=100,
        check=True,
    )
    audit = audit_trace(trace.read_text("utf-8", "replace"))
    assert audit.answers == 640
    assert audit.syncs >= 40
    assert audit.answers_while_dirty == 0


def test_the_audit_sees_an_answer_before_the_sync() -> None:
    """A trace of a program that answers first and syncs later is caught: the audit can fail."""
    early = """
10 openat(AT_FDCWD, "/x/ledger.db-wal", O_RDWR|O_CREAT, 0644) = 5
11 pwrite64(5, "abc", 3, 0 <unfinished ...>
10 write(1, "7-1-1", 5) = 5
11 <... pwrite64 resumed>) = 3
10 write(1, "7-1-1", 5) = 5
11 fdatasync(5) = 0
10 write(1, "7-1-2", 5) = 5
"""
    audit = audit_trace(early)
    assert (audit.answers, audit.answers_while_dirty, audit.syncs) == (3, 1, 1)


def audit_trace(trace: str) -> Audit:
    """Replay an strace log; a call counts where it ended."""
    audit = Audit()
    started: dict[str, str] = {}
    for line in trace.splitlines():
        whole = line
        if unfinished := UNFINISHED.match(line):
            started[unfinished["pid"]] = unfinished["start"]
            continue
        if resumed := RESUMED.match(line):
            whole = f"{resumed['pid']} {started.pop(resumed['pid'], '')}{resumed['rest']}"
        if call := LINE.match(whole):
            audit.take(call["name"], call["first"], call["text"] or "", call["result"])
    return audit
