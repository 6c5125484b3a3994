"""The status page stands alone, trusts nothing it shows, and says everything in both languages."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from gateway.api import report
from gateway.api.app import build
from gateway.api.page_files import TYPES
from gateway.domain import (
    AlarmKind,
    Bearer,
    Evidence,
    LinkState,
    Precedence,
    RecipientState,
    Stage,
    TimeQuality,
)
from gateway.words import PLANNED, PLANNED_ZH, REASONS_ZH, say_reason
from gateway.words import ZH as WORDS
from tests import api_scene
from tests.api_backend import BESIDE, COUNTED, LoopClock
from tests.memory_http import client_of

PAGE = resources.files("gateway.api").joinpath("page")
FILES = {item.name: item.read_text("utf-8") for item in PAGE.iterdir()}
SCRIPTS = {name: text for name, text in FILES.items() if name.endswith(".js")}
PAIR = re.compile(r'"([a-z]+\.[a-z0-9_]+)": "([^"]*)"')
SVG_NAMESPACE = "http://www.w3.org/2000/svg"


def dictionary(language: str) -> dict[str, str]:
    """Return the page's words in one language, as they stand in texts.js."""
    text = SCRIPTS["texts.js"]
    begin = text.index(f"  {language}: {{")
    return dict(PAIR.findall(text[begin : text.index("\n  },", begin)]))


ZH, EN = dictionary("zh"), dictionary("en")


def test_both_languages_have_every_word() -> None:
    """No key is missing on either side, no text is empty, and placeholders agree."""
    assert len(ZH) > 150
    assert ZH.keys() == EN.keys()
    for key, chinese in ZH.items():
        assert chinese, key
        assert EN[key], key
        assert set(re.findall(r"\{(\w+)\}", chinese)) - {"who"} <= set(re.findall(r"\{(\w+)\}", EN[key])), key
        if key != "app.language":
            assert not re.search(r"[\u4e00-\u9fff]", EN[key]), key


def test_page_says_states_as_the_command_line_does() -> None:
    """One word for one thing, as the glossary has it."""
    for kind, prefix in (
        (LinkState, "link"),
        (RecipientState, "state"),
        (Stage, "state"),
        (AlarmKind, "kind"),
    ):
        for member in kind:
            assert ZH[f"{prefix}.{member}"] == WORDS[member], member


def test_reasons_are_the_same_on_page_and_command_line() -> None:
    """What a driver gives as reason reads the same everywhere."""
    text = SCRIPTS["texts.js"]
    begin = text.index("REASONS_ZH = {")

    assert dict(re.findall(r'^  "(.+)": "(.+)",$', text[begin:], re.MULTILINE)) == REASONS_ZH


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("no answer within 6 s", "6 秒内无应答", "no answer within 6 s"),
        ("no beam / 无波束信号", "无波束信号", "no beam"),
        ("wrong acknowledgement 应答错误", "应答错误", "wrong acknowledgement"),
        ("PD-05 孙立军：救命", "PD-05 孙立军：救命", "PD-05 孙立军：救命"),
        ("inhibit code 2 / 抑制码 2", "抑制码 2", "inhibit code 2"),
        ("sos at the bridge 桥头 3 人", "sos at the bridge 桥头 3 人", "sos at the bridge 桥头 3 人"),
        ("something new", "something new", "something new"),
        (
            "tiantong: up, first in order cellular > tiantong; pdt: down; cell: needs 90 octets, limit 77",
            "tiantong：正常，按 cellular > tiantong 的次序最先；pdt：中断；cell：需 90 字节，上限 77",
            "tiantong: up, first in order cellular > tiantong; pdt: down; cell: needs 90 octets, limit 77",
        ),
        ("pdt: bearer pdt not in the order for this precedence", "pdt：承载PDT电台不在此等级的次序内", ""),
        ("beidou: reported down by VEH-3", "beidou：VEH-3 报告此链路中断", ""),
    ],
)
def test_reasons_are_said_in_the_reader_s_language(text: str, zh: str, en: str) -> None:
    """Known reasons are translated, bilingual ones split, all others shown as they came."""
    assert (say_reason(text, "zh"), say_reason(text, "en")) == (zh, en or text)


def test_planning_is_said_by_the_same_rules_on_page_and_command_line() -> None:
    """The patterns and their Chinese stand in both alike."""
    text = SCRIPTS["texts.js"]
    rules = dict(re.findall(r'^  \[/\^(.+)\$/, "(.+)"\],$', text, re.MULTILINE))

    assert rules == {pattern.pattern: words for pattern, words in PLANNED_ZH}
    assert f"/^{PLANNED.pattern}/" in text


def test_every_word_used_is_in_the_dictionary() -> None:
    """Every literal key given to t() exists."""
    used = {key for text in SCRIPTS.values() for key in re.findall(r'\bt\("([a-z_.0-9]+)"', text)}

    assert len(used) > 60
    assert used <= ZH.keys()


def test_every_state_of_the_gateway_has_a_word() -> None:
    """Whatever the gateway can say of links, messages, roll calls and alarms is said in words."""
    wanted = {
        *(f"bearer.{one}" for one in Bearer),
        *(f"link.{one}" for one in LinkState),
        *(f"state.{one}" for one in RecipientState),
        *(f"state.{one}" for one in Stage),
        *(f"evidence.{one}" for one in Evidence),
        *(f"kind.{one}" for one in AlarmKind),
        *(f"time.{one}" for one in TimeQuality),
        *(f"precedence.{one.value}" for one in Precedence),
        *(f"roll.{one}" for one in (*COUNTED, *BESIDE, "pending", "expected")),
    }

    assert wanted <= ZH.keys()


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_scripts_never_make_markup_of_text(name: str) -> None:
    """Text from radios only becomes text nodes: nothing that parses markup or code is called."""
    banned = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|\beval\b"
    )
    banned += r"|new Function|srcdoc|setHTML|javascript:"

    assert not re.search(banned, SCRIPTS[name])


@pytest.mark.parametrize("name", sorted(FILES))
def test_page_refers_to_nothing_outside(name: str) -> None:
    """No address of another host stands in any file: it works with every cable cut."""
    text = FILES[name].replace(SVG_NAMESPACE, "")

    assert not re.search(r"https?://|//[a-z0-9-]+\.[a-z]|@import|url\(", text)


def test_html_has_no_inline_code() -> None:
    """The policy forbids inline scripts and styles, and the page has none."""
    html = FILES["index.html"]

    assert not re.search(r"\son\w+=|\sstyle=|<style|<script(?![^>]*\ssrc=)", html)


def test_every_file_is_served_and_every_reference_is_there() -> None:
    """Imports and links of the page point to files of the package of a type that is served."""
    wanted = set(re.findall(r'(?:href|src)="/page/([^"]+)"', FILES["index.html"]))
    for text in SCRIPTS.values():
        wanted |= set(re.findall(r'from "\./([^"]+)"', text))
    icons = {icon for text in SCRIPTS.values() for icon in re.findall(r'icon\("([a-z0-9-]+)"\)', text)} | set(
        LinkState
    )

    assert wanted | {"index.html"} == FILES.keys()
    assert {f".{name.rpartition('.')[2]}" for name in FILES} <= TYPES.keys()
    assert {f"i-{icon}" for icon in icons} <= set(re.findall(r'<symbol id="([^"]+)"', FILES["index.html"]))


async def test_page_is_served_with_a_strict_policy() -> None:
    """Page and parts need no token, carry the policy, and answer 304 to who has them."""
    backend = api_scene.empty(LoopClock())
    app = build(backend, api_scene.tokens(), api_scene.config(), backend.clock, api_scene.log())
    async with client_of(app) as client:
        async with client.get("/") as page:
            policy, tag = page.headers["Content-Security-Policy"], page.headers["ETag"]
            assert (page.status, page.content_type) == (200, "text/html")
        async with client.get("/page/page.js") as script:
            assert script.content_type == "text/javascript"
            assert script.headers["Content-Security-Policy"] == policy
        async with client.get("/", headers={"If-None-Match": tag}) as again:
            assert again.status == 304
        async with client.get("/page/../app.py") as outside:
            assert outside.status == 404

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


async def test_page_can_be_switched_off() -> None:
    """With `page = false` only the API answers."""
    backend = api_scene.empty(LoopClock())
    app = build(backend, api_scene.tokens(), api_scene.config(page=False), backend.clock, api_scene.log())
    async with client_of(app) as client, client.get("/") as page:
        assert page.status == 404


@pytest.mark.parametrize(("lang", "words"), [("zh", "缺席"), ("en", "absent")])
async def test_report_puts_the_absent_first(lang: str, words: str) -> None:
    """The printed record begins with who must be looked for, and marks an exercise."""
    call = await api_scene.busy(LoopClock()).roll_call("1-r4")
    assert call is not None
    lines = report.text(call, lang).splitlines()
    first = lines[next(number for number, line in enumerate(lines) if line.startswith("---")) + 1]

    assert lines[0].startswith("【演练】" if lang == "zh" else "[EXERCISE]")
    assert "PD-09" in first
    assert words in first
