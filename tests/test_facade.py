"""What outside driver authors were promised stays where it is."""

from __future__ import annotations

import ast
import subprocess
import sys

import drivers.base
import fieldgate
import protocols.errors
from tests.tidy import ROOT

PROMISED = """
BadInputError Bearer ByteStream Capabilities ChannelBusy Clock Connector CostModel Datagrams Driver
DriverEnv DriverMemory Emergency FieldgateError Handle Heard Hooks Link LinkBusyError LinkDownError
LinkEvent LinkRefusedError LinkState LocalProtocolError Log Notice PortUnavailableError Position
Precedence Progress ProtocolError Quality Received Service Stage StateChanged StreamLostError
TextEncoding Trace Transmission
"""


def test_promised_names_stay() -> None:
    """The facade offers exactly what was promised; a change here is a change for the CHANGELOG."""
    assert fieldgate.__all__ == PROMISED.split()


def test_names_are_the_originals() -> None:
    """A class of the facade is the class the gateway catches."""
    for name in fieldgate.__all__:
        origin = protocols.errors if hasattr(protocols.errors, name) else drivers.base
        assert getattr(fieldgate, name) is getattr(origin, name)


def test_nothing_lives_in_the_facade() -> None:
    """The facade imports and lists, no more."""
    tree = ast.parse((ROOT / "fieldgate" / "__init__.py").read_text("utf-8"))
    assert {type(node) for node in tree.body} <= {ast.Expr, ast.ImportFrom, ast.Assign}


def test_facade_does_not_bring_the_gateway() -> None:
    """A driver author's unit test loads no gateway, no simulator and no web server."""
    heavy = {"gateway", "sim", "aiohttp", "structlog", "sqlite3", "asyncio"}
    code = f"import sys, fieldgate; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
