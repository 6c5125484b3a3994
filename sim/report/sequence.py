"""Sequence diagrams of one message's life: as SVG of its own or for the page, and as Mermaid text."""

from __future__ import annotations

from html import escape
from importlib import resources

from gateway.columns import printable, width
from sim.report.digest import Digest
from sim.report.lives import Life
from sim.report.steps import Namer, Step, Tone, steps_of
from sim.report.summary import Summary

LEFT_PX, COLUMN_PX, HEAD_PX, ROW_PX, TEXT_PX = 72, 172, 46, 30, 12
CELL_PX = 6.6
"""Width of one half-width character at TEXT_PX; a Chinese one takes two."""

BAND_CELLS, NOTE_CELLS = 74, 24
"""Longest label of a band over all columns, and of one column; the rest is in the label's tooltip."""


def svg(summary: Summary, digest: Digest, life: Life, *, lang: str = "zh") -> str:
    """Return a file of its own in `lang` (zh or en)."""
    style = resources.files("sim.report").joinpath("page", "sequence_file.css").read_text("utf-8")
    return _drawing(summary, digest, life, (lang,)).replace(">", f"><style>{style}</style>", 1)


def inline_svg(summary: Summary, digest: Digest, life: Life) -> str:
    """Return the drawing for the page: both languages, of which the page shows one; styled by the page."""
    return _drawing(summary, digest, life, ("zh", "en"))


def mermaid(summary: Summary, digest: Digest, life: Life) -> str:
    """Return the diagram as Mermaid text, in English, for issues and chats."""
    steps, namer = steps_of(summary, digest, life), Namer(summary)
    places = _places(steps, life, namer)
    names = {place: f"p{index}" for index, place in enumerate(places)}
    lines = ["sequenceDiagram", f"  %% {_line(life.key or life.id or '-')} seed {_line(str(summary.seed))}"]
    lines += [f"  participant {name} as {_mermaid(namer.label(place))}" for place, name in names.items()]
    over = ",".join(dict.fromkeys((names[places[0]], names[places[-1]]))) if places else ""
    for step in steps:
        words = f"{_mermaid(step.en)} at {_clock(step.at_ns)}"
        if not step.place:
            lines.append(f"  Note over {over}: {words}" if over else f"  %% {words}")
        elif step.to in {"", step.place}:
            lines.append(f"  Note over {names[step.place]}: {words}")
        else:
            arrow = "--x" if step.tone is Tone.BAD else "-->>" if step.dashed else "->>"
            lines.append(f"  {names[step.place]}{arrow}{names[step.to]}: {words}")
    return "\n".join(lines) + "\n"


def _drawing(summary: Summary, digest: Digest, life: Life, langs: tuple[str, ...]) -> str:
    steps, namer = steps_of(summary, digest, life), Namer(summary)
    places = _places(steps, life, namer)
    across = LEFT_PX + max(1, len(places)) * COLUMN_PX
    down = HEAD_PX + (len(steps) + 1) * ROW_PX
    middle = {place: LEFT_PX + COLUMN_PX * index + COLUMN_PX // 2 for index, place in enumerate(places)}
    size = f'viewBox="0 0 {across} {down}" width="{across}" height="{down}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" class="seq" {size} role="img">']
    for place, x in middle.items():
        parts.append(f'<line class="life" x1="{x}" y1="{HEAD_PX - 8}" x2="{x}" y2="{down - 8}"/>')
        parts.append(f'<rect class="head" x="{x - 80}" y="8" width="160" height="28" rx="5"/>')
        parts.append(_text(x, 27, (namer.label(place),), ("",), "middle", cells=23))
    for index, step in enumerate(steps):
        y = HEAD_PX + index * ROW_PX + 20
        at = f'class="when" x="{LEFT_PX - 8}" y="{y + 4}" text-anchor="end"'
        parts.append(f"<text {at}>{_clock(step.at_ns)}</text>")
        parts.append(_row(step, y, middle, across, langs))
    parts.append("</svg>")
    return "".join(parts)


def _row(step: Step, y: int, middle: dict[str, int], across: int, langs: tuple[str, ...]) -> str:
    words = tuple(step.zh if lang == "zh" else step.en for lang in langs)
    classes = langs if len(langs) > 1 else ("",)
    if not step.place:
        wide = across - LEFT_PX - 6
        box = f'<rect class="box" x="{LEFT_PX}" y="{y - 11}" width="{wide}" height="22" rx="3"/>'
        shown = _text(
            LEFT_PX + 8, y + 4, words, classes, "start", cells=min(BAND_CELLS, _fit(across - LEFT_PX - 20))
        )
        return f'<g class="band {step.tone.value}">{box}{shown}</g>'
    x = middle[step.place]
    if step.to in {"", step.place}:
        room = min(COLUMN_PX - 8, max(max(width(w) for w in words) * CELL_PX + 16, 40))
        box = (
            f'<rect class="box" x="{x - room / 2:.0f}" y="{y - 11}" width="{room:.0f}" height="22" rx="11"/>'
        )
        shown = _text(x, y + 4, words, classes, "middle", cells=NOTE_CELLS)
        return f'<g class="{step.tone.value}">{box}{shown}</g>'
    end = middle[step.to]
    way = 1 if end > x else -1
    tip = f'<path class="tip" d="M{end} {y + 6}l{-9 * way} -4.5v9z"/>'
    dashed = " dashed" if step.dashed else ""
    line = f'<path class="arrow{dashed}" d="M{x} {y + 6}H{end - 6 * way}"/>'
    shown = _text((x + end) // 2, y, words, classes, "middle", cells=_fit(abs(end - x) - 10), halo=True)
    return f'<g class="{step.tone.value}">{line}{tip}{shown}</g>'


def _text(
    x: int,
    y: int,
    words: tuple[str, ...],
    classes: tuple[str, ...],
    anchor: str,
    *,
    cells: int,
    halo: bool = False,
) -> str:
    found = []
    for said, lang in zip(words, classes, strict=True):
        name = " ".join(part for part in (lang, "halo" if halo else "") if part)
        kind = f' class="{name}"' if name else ""
        short = _cut(printable(said), cells)
        full = f"<title>{_xml(said)}</title>" if short != said else ""
        found.append(f'<text{kind} x="{x}" y="{y}" text-anchor="{anchor}">{_xml(short)}{full}</text>')
    return "".join(found)


def _places(steps: list[Step], life: Life, namer: Namer) -> list[str]:
    found: dict[str, None] = {}
    for step in steps:
        for place in (step.place, step.to):
            if place:
                found.setdefault(place)
    if namer.known(life.to):
        found.setdefault(life.to)  # where it should have come, even if it never did
    return list(found)


def _fit(pixels: int) -> int:
    return max(6, int(pixels / CELL_PX))


def _cut(said: str, cells: int) -> str:
    if width(said) <= cells:
        return said
    while width(said) > cells - 1:
        said = said[:-1]
    return said + "…"


def _xml(said: str) -> str:
    """Escape for XML; a control character has no place in it at all."""
    return escape(printable(said), quote=True)


def _line(said: str) -> str:
    return printable(said).replace("%", " ")


def _mermaid(said: str) -> str:
    """Escape what Mermaid reads as markup, by its own entity codes."""
    codes = {"#": "#35;", ";": "#59;", "<": "#lt;", ">": "#gt;", '"': "#quot;", ":": "#58;", "%": "#37;"}
    return "".join(codes.get(one, one) for one in printable(said)).strip() or "-"


def _clock(at_ns: int) -> str:
    total_ms = at_ns // 1_000_000
    hours, rest = divmod(total_ms, 3_600_000)
    minutes, ms = divmod(rest, 60_000)
    head = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{head}:{ms // 1000:02d}.{ms % 1000:03d}"
