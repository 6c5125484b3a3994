"""What no linter checks for us: sizes, hidden clocks and dice, shared state, addresses of machines.

Every checker takes a path and a text and returns findings, so that it can be tried on bad samples.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

MAX_FILE_LINES = 400
"""A longer file has a second room inside."""
MAX_FUNCTION_LINES = 60
"""A longer function does not fit on a screen."""

BANNED_CALLS = {
    "time.time": "inject Clock.unix_ms",
    "time.time_ns": "inject Clock.unix_ms",
    "time.monotonic": "inject Clock.monotonic_s",
    "time.monotonic_ns": "inject Clock.monotonic_s",
    "time.perf_counter": "inject Clock.monotonic_s",
    "time.perf_counter_ns": "inject Clock.monotonic_s",
    "time.sleep": "await clock.sleep",
    "time.localtime": "inject Clock.unix_ms",
    "time.gmtime": "inject Clock.unix_ms",
    "datetime.datetime.now": "inject Clock.unix_ms",
    "datetime.datetime.utcnow": "inject Clock.unix_ms",
    "datetime.datetime.today": "inject Clock.unix_ms",
    "datetime.date.today": "inject Clock.unix_ms",
    "os.urandom": "inject random.Random",
    "uuid.uuid1": "inject random.Random",
    "uuid.uuid4": "inject random.Random",
    "asyncio.create_task": "use a TaskGroup that owns the task",
    "asyncio.ensure_future": "use a TaskGroup that owns the task",
    "asyncio.get_event_loop": "use asyncio.get_running_loop",
}
SEEDED_RANDOM = frozenset({"random.Random", "random.SystemRandom"})
"""The only names of `random` that do not share hidden state."""

OUTERMOST = {"drivers/io/clock.py": "the clock that everything else is given"}
"""Files that may touch the real clock, with the reason."""

IMPURE = frozenset(
    {"asyncio", "logging", "multiprocessing", "os", "random", "secrets", "select", "socket", "sqlite3"}
    | {"subprocess", "threading", "time", "uuid"}
)
"""Standard modules that reach outside; `protocols` does without."""

SKIPS = frozenset({"skip", "skipif", "xfail", "importorskip", "skipTest", "skipIf", "skipUnless"})
MUTABLE_CALLS = frozenset(
    {"list", "dict", "set", "bytearray", "deque", "defaultdict", "Counter", "OrderedDict", "count"},
)
CONSTANT = re.compile(r"_{0,2}[A-Z][A-Z0-9_]*|__\w+__")

SQL_CLOCK = re.compile(
    r"CURRENT_(?:TIMESTAMP|TIME|DATE)\b|\b(?:datetime|date|time|julianday|unixepoch|strftime)\s*\([^)]*'now'",
    re.IGNORECASE,
)
UNFINISHED = re.compile(r"\bTO[D]O\b|\bFIX[M]E\b")
REGISTRY = re.compile(
    r"pypi\.(?:org|python)|files\.pythonhosted|registry\.(?:npmjs|npmmirror|yarnpkg)|npmmirror\.com"
    r"|proxy\.golang|crates\.io|repo1?\.maven|mirrors?\.[\w.-]+/(?:pypi|simple|npm)|/simple/?['\"\s]"
    r"|index-ur[l]|find-link[s]|trusted-hos[t]|\"resolved\":",
    re.IGNORECASE,
)
MACHINE = re.compile(r"(?<![\w.:/-])/(?:work|root|farm)(?:/|\b)|/tmp/brie[f]|/opt/whee[l]s")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


def tracked_files() -> list[str]:
    """Paths of what is or will be committed, relative to the root."""
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    return sorted({name for name in listing.decode().split("\0") if name and (ROOT / name).is_file()})


def read_text(path: str) -> str | None:
    """Return a tracked file's text, None for a picture or other binary."""
    data = (ROOT / path).read_bytes()
    return None if b"\0" in data else data.decode("utf-8")


def product_rooms() -> tuple[str, ...]:
    """Name the packages of the wheel."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    rooms: list[str] = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    return tuple(rooms)


def check(path: str, text: str, *, product: bool) -> list[Finding]:
    """Everything that holds for one file of the tree."""
    findings = [*check_text(path, text)]
    if path.endswith(".py"):
        tree = ast.parse(text, path)
        findings += check_sizes(path, text, tree)
        findings += check_skips(path, tree)
        if product:
            findings += check_calls(path, tree)
            findings += check_state(path, tree)
        if path.startswith("protocols/"):
            findings += check_pure(path, tree)
    if product and path.endswith((".py", ".sql")):
        findings += _lines(path, text, SQL_CLOCK, "SQL with a clock of its own; pass unix_ms as a parameter")
    return findings


def check_text(path: str, text: str) -> Iterator[Finding]:
    """Hold for every text: nothing unfinished, no registry address, no path of one machine."""
    yield from _lines(path, text, UNFINISHED, "unfinished; do it or leave it out")
    yield from _lines(path, text, REGISTRY, "address or option of a package registry")
    yield from _lines(path, text, MACHINE, "path of one machine")
    if path.endswith((".lock", "requirements.txt")):
        yield from _lines(path, text, re.compile("://"), "address in a lock file")


def check_sizes(path: str, text: str, tree: ast.Module) -> Iterator[Finding]:
    """Bound files and functions."""
    lines = text.count("\n")
    if lines > MAX_FILE_LINES:
        yield Finding(path, lines, f"{lines} lines, limit {MAX_FILE_LINES}")
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                yield Finding(path, node.lineno, f"{node.name}: {length} lines, limit {MAX_FUNCTION_LINES}")


def check_calls(path: str, tree: ast.Module) -> Iterator[Finding]:
    """Find hidden clocks, dice, stray tasks, prints and scapy."""
    names = _imported(tree)
    outermost = path in OUTERMOST
    name = path.rpartition("/")[2]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            if any(module.partition(".")[0] == "scapy" for module in _modules(node)):
                yield Finding(path, node.lineno, "scapy in the product (heavy, GPL)")
            continue
        if not isinstance(node, ast.Name | ast.Attribute):
            continue
        full = _full_name(node, names)
        if full in BANNED_CALLS and not (outermost and full.startswith("time.")):
            yield Finding(path, node.lineno, f"{full}: {BANNED_CALLS[full]}")
        elif full.startswith(("random.", "secrets.")) and full not in SEEDED_RANDOM:
            yield Finding(path, node.lineno, f"{full}: inject random.Random")
        elif full == "print" and not (name == "cli.py" or name.startswith("cli_")):
            yield Finding(path, node.lineno, "print outside a command line; log it")


def check_pure(path: str, tree: ast.Module) -> Iterator[Finding]:
    """Find what a codec must not know: the world outside, and other people's packages."""
    extra = {"cryptography"} if path.startswith("protocols/air/") else set[str]()
    allowed = (sys.stdlib_module_names - IMPURE) | {"protocols"} | extra
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for module in _modules(node):
                if module.partition(".")[0] not in allowed:
                    yield Finding(path, node.lineno, f"{module} in a codec")


def check_state(path: str, tree: ast.Module) -> Iterator[Finding]:
    """Find module-level mutable state: fifty gateways run in one process."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield Finding(path, node.lineno, "global statement")
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, value = [statement.target], statement.value
        else:
            continue
        for target in targets:
            name = target.id if isinstance(target, ast.Name) else ""
            if _mutable(value) and (not CONSTANT.fullmatch(name) or _empty(value)):
                yield Finding(path, statement.lineno, f"{name or 'target'}: mutable state in a module")


def check_skips(path: str, tree: ast.Module) -> Iterator[Finding]:
    """Find tests that do not run: a skip hides a missing part."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in SKIPS:
            owner = ast.unparse(node.value)
            if owner in {"pytest", "pytest.mark", "unittest", "self"}:
                yield Finding(path, node.lineno, f"{owner}.{node.attr}: a test that does not run")


def _lines(path: str, text: str, pattern: re.Pattern[str], what: str) -> Iterator[Finding]:
    for number, line in enumerate(text.splitlines(), 1):
        if found := pattern.search(line):
            yield Finding(path, number, f"{what}: {found.group()}")


def _imported(tree: ast.Module) -> dict[str, str]:
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                names[item.asname or item.name.partition(".")[0]] = (
                    item.name if item.asname else item.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {item.asname or item.name: f"{node.module}.{item.name}" for item in node.names}
    return names


def _modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [item.name for item in node.names]
    return [node.module or ""]


def _full_name(node: ast.expr, names: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return names.get(node.id, "print" if node.id == "print" else "")
    if isinstance(node, ast.Attribute) and (owner := _full_name(node.value, names)):
        return f"{owner}.{node.attr}"
    return ""


def _mutable(value: ast.expr) -> bool:
    if isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp):
        return True
    if isinstance(value, ast.Call):
        called = value.func
        return (
            called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        ) in MUTABLE_CALLS
    return False


def _empty(value: ast.expr) -> bool:
    if isinstance(value, ast.List | ast.Set):
        return not value.elts
    if isinstance(value, ast.Dict):
        return not value.keys
    return isinstance(value, ast.Call) and not value.args and not value.keywords
