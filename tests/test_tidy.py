"""The tree stays tidy, and the checker that says so can fail."""

from __future__ import annotations

import pytest

from tests.tidy import OUTERMOST, Finding, check, product_rooms, read_text, tracked_files

FILES = tracked_files()


def test_tree_is_tidy() -> None:
    """No file of the tree breaks a rule of this house."""
    rooms = tuple(f"{room}/" for room in product_rooms())
    findings: list[Finding] = []
    for path in FILES:
        if (text := read_text(path)) is not None:
            findings += check(path, text, product=path.startswith(rooms))
    assert not findings, "\n" + "\n".join(str(finding) for finding in findings)


def test_every_package_is_typed() -> None:
    """Authors of outside drivers get our types: each room of the wheel ships py.typed."""
    assert [room for room in product_rooms() if f"{room}/py.typed" not in FILES] == []


def test_files_are_really_looked_at() -> None:
    """The listing is not empty and holds what must be there."""
    assert {"Makefile", "README.md", "requirements.lock", "drivers/base.py"} <= set(FILES)


def test_exemptions_are_in_use() -> None:
    """A file that may touch the clock does; an exemption nobody needs is taken back."""
    unused = [path for path in OUTERMOST if not check(f"x/{path}", read_text(path) or "", product=True)]
    assert unused == []


BAD = {
    "import time\nnow = time.time()\n": "time.time",
    "from time import monotonic as m\nx = m()\n": "time.monotonic",
    "import time as t\nt.sleep(1)\n": "time.sleep",
    "from datetime import datetime\nx = datetime.now()\n": "datetime.datetime.now",
    "import datetime\nx = datetime.date.today()\n": "datetime.date.today",
    "import random\nx = random.random()\n": "random.random",
    "from random import choice\nx = choice((1, 2))\n": "random.choice",
    "import secrets\nx = secrets.token_hex()\n": "secrets.token_hex",
    "import os\nx = os.urandom(8)\n": "os.urandom",
    "import asyncio\nasyncio.create_task(f())\n": "asyncio.create_task",
    "print('x')\n": "print outside",
    "from scapy.packet import Packet\n": "scapy",
    "import scapy.all\n": "scapy",
    "seen = set()\n": "seen: mutable state",
    "CACHE: dict[str, int] = {}\n": "CACHE: mutable state",
    "from collections import deque\nqueue = deque([1])\n": "queue: mutable state",
    "def f():\n    global x\n    x = 1\n": "global statement",
    "SQL = 'insert into t values (CURRENT_TIMESTAMP)'\n": "SQL with a clock",
    "SQL = \"select datetime('now')\"\n": "SQL with a clock",
    "# TO" + "DO: later\n": "unfinished",
    "HOST = 'https://pypi" + ".org/simple/x'\n": "package registry",
    "PATH = '/wor" + "k/main'\n": "path of one machine",
    "def f():\n" + "    x = 1\n" * 60: "f: 61 lines",
    "x = 1\n" * 401: "401 lines",
    "import pytest\n@pytest.mark.skip\ndef test_x(): ...\n": "does not run",
    "import pytest\npytest.importorskip('x')\n": "does not run",
}


@pytest.mark.parametrize("source", BAD)
def test_bad_sample_is_found(source: str) -> None:
    """Each rule finds its sample."""
    found = [finding.what for finding in check("gateway/sample.py", source, product=True)]
    assert any(BAD[source] in what for what in found), found


GOOD = (
    "import random\nrng = random.Random(7)\n",
    "LIMITS = {'a': 1}\n__all__ = ['a']\nNAMES = frozenset({'a'})\n",
    "async def f(tasks, clock):\n    tasks.create_task(clock.sleep(1))\n",
    "URL = 'https://example.org/work/plan'\n",
    "def f():\n" + "    x = 1\n" * 59,
    "def f(time):\n    return time.time\n",
)


@pytest.mark.parametrize("source", GOOD)
def test_good_sample_is_left_alone(source: str) -> None:
    """No rule fires on what it does not forbid."""
    assert check("gateway/sample.py", source, product=True) == []


@pytest.mark.parametrize("module", ["asyncio", "socket", "random", "logging", "msgspec", "gateway.domain"])
def test_codec_that_reaches_outside_is_found(module: str) -> None:
    """A codec imports the pure part of the standard library; the seal may use cryptography."""
    assert check("protocols/sample.py", f"import {module}\n", product=True)
    assert check("protocols/sample.py", "import cryptography\n", product=True)
    assert check("protocols/air/sample.py", "import struct, cryptography\n", product=True) == []


def test_registry_in_lock_is_found() -> None:
    """A lock file holds versions and hashes, no address at all."""
    assert check("requirements.lock", "a==1 --hash=sha256:00\n# https://example.org\n", product=False)


def test_command_lines_may_print() -> None:
    """`cli.py` and `cli_*.py` talk to people."""
    assert check("sim/cli.py", "print('x')\n", product=True) == []
    assert check("gateway/cli_send.py", "print('x')\n", product=True) == []
