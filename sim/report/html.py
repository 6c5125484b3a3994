"""One HTML file of a run: works offline, asks nobody for anything, and runs no script but its own.

Every text of the run goes in as JSON that cannot end its element, and out as text nodes; the policy in the
page's head names the hash of our script, so that even a mistake there would run nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from importlib import resources
from typing import Any

from sim.report.digest import Digest
from sim.report.payload import payload
from sim.report.summary import Summary

STYLES = ("report.css", "timeline.css", "map.css", "sequence.css")
SCRIPTS = (
    "texts.js",
    "dom.js",
    "model.js",
    "view.js",
    "paint.js",
    "timeline.js",
    "charts.js",
    "map.js",
    "panel.js",
    "tables.js",
    "main.js",
)
"""In the order in which they need each other."""


def page(summary: Summary, digest: Digest) -> str:
    """Return the whole file."""
    style = "\n".join(_file(name) for name in STYLES)
    script = '"use strict";\n(() => {\n' + "\n".join(_file(name) for name in SCRIPTS) + "\n})();\n"
    policy = (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{_hash(script)}'"
    )
    parts = {
        "title": escape(f"{summary.title_zh} · {summary.seed}"),
        "policy": escape(policy, quote=True),
        "style": style,
        "data": embedded(payload(summary, digest)),
        "script": script,
    }
    return _fill(_file("report.html"), parts)


def embedded(data: dict[str, Any]) -> str:
    """Return JSON that can stand in a script element: without `<`, `>`, `&` and line separators."""
    told = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for one in ("<", ">", "&", "\u2028", "\u2029"):
        told = told.replace(one, f"\\u{ord(one):04x}")
    return told


def _fill(template: str, parts: dict[str, str]) -> str:
    """Put the parts where the template names them, in one pass: what a part holds is never filled again."""
    out = []
    rest = template
    while rest:
        head, mark, rest = rest.partition("{{")
        out.append(head)
        if mark:
            name, _, rest = rest.partition("}}")
            out.append(parts[name])
    return "".join(out)


def _file(name: str) -> str:
    return resources.files("sim.report").joinpath("page", name).read_text("utf-8")


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
