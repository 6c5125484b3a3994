"""The page of a run: whole, bounded, bilingual, and deaf to whatever texts the run brought."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from hatchling.builders.wheel import WheelBuilder

from gateway.domain import RecipientState
from sim.faults.model import Kind
from sim.record import Event, What
from sim.report import payload as payload_module
from sim.report.digest import CUTS, digest_of
from sim.report.html import SCRIPTS, STYLES, page
from sim.report.land import Land, Mast
from sim.report.words import FAULTS_ZH
from sim.scenario.model import Road, Zone
from tests import report_events

NASTY = "</script><script>alert(1)</script><img src=x onerror=alert(1)>{{script}}\u2028"


def small(*more: Event, holds: bool = False) -> str:
    """Return the page of the made-up run, with more events at its end."""
    summary = report_events.summary(holds=holds)
    return page(summary, digest_of(summary, [*report_events.events(), *more]))


def data_of(html: str) -> dict[str, Any]:
    """Return the data inside a page, as the browser would read it."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def script_of(html: str) -> str:
    """Return the page's own script."""
    return html.rpartition("<script>")[2].partition("</script>")[0]


def typed(text: str) -> Event:
    """Somebody types a text, as everybody involved."""
    facts = {"key": text, "by": text, "to": text, "text": text, "accepted": True, "id": text}
    return Event(3_599_000_000_000, What.TYPED, "hq", "", facts)


def test_texts_cannot_become_markup() -> None:
    """A text with a script element in it is data: the page has its two scripts and says it back whole."""
    html = small(typed(NASTY))

    assert html.count("<script") == 2
    assert "<img" not in html
    assert NASTY in [message["text"] for message in data_of(html)["messages"]]


def test_only_our_script_may_run() -> None:
    """The policy in the head names the hash of the script that stands there, and no other source."""
    html = small(typed(NASTY))
    digest = base64.b64encode(hashlib.sha256(script_of(html).encode()).digest()).decode()

    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy
    assert policy[1].count("script-src") == 1
    assert f"script-src &#x27;sha256-{digest}&#x27;" in policy[1]
    assert "default-src &#x27;none&#x27;" in policy[1]


def test_script_sets_text_only() -> None:
    """Nothing in the script turns a text into markup or code; drawings come parsed, and they are escaped."""
    script = script_of(small())
    assert (
        re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", script)
        == []
    )


def test_drawings_are_escaped() -> None:
    """A drawing in the data holds the nasty text as text."""
    drawings = [m["svg"] for m in data_of(small(typed(NASTY)))["messages"] if "svg" in m]
    assert any("&lt;script&gt;" in drawing for drawing in drawings)
    assert [drawing for drawing in drawings if "<script" in drawing or "<img" in drawing] == []


def test_page_asks_no_network() -> None:
    """The page names no address: nothing to load, nothing to call."""
    html = small().replace("http://www.w3.org/2000/svg", "")
    assert re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}|url\(|@import|fetch\(|XMLHttp", html) == []


def test_verdict_counts_broken_promises() -> None:
    """A run whose expectations all hold but in which a checker found a promise broken does not hold."""
    meta = data_of(small(holds=True))["meta"]
    assert [one[2] for one in meta["expectations"]] == [True, True, True]
    assert meta["holds"] is False


def test_failing_message_is_named() -> None:
    """The message the broken promise names is the one to look at first."""
    failing = [m["key"] for m in data_of(small())["messages"] if m["failing"]]
    assert failing == ["m-17"]


def test_big_run_stays_small() -> None:
    """50 nodes, 6 hours, 100 000 frames: under 4 MiB; what is left out is said, charts count all."""
    summary, events = report_events.large()
    html = page(summary, digest_of(summary, events))
    data = data_of(html)

    assert len(html.encode()) < 4 * 1024 * 1024
    assert len(data["frames"]["lane"]) == payload_module.MAX_FRAMES
    assert data["left_out"]["frames"] == [payload_module.MAX_FRAMES, 100_000]
    assert sum(data["charts"]["density"]) == 100_000
    assert data["charts"]["delivery"]["typed"][-1][1] == 2500


def test_frames_keep_their_instant() -> None:
    """Steps between frames add up to the microsecond of the last one."""
    data = data_of(small())
    last_ns = max(event.at_ns for event in report_events.events() if event.what is What.FRAME)
    assert sum(data["frames"]["dt"]) == last_ns // 1000


def test_both_languages_say_the_same_things() -> None:
    """Chinese and English have the same keys, and the scripts ask for no other."""
    folder = resources.files("sim.report").joinpath("page")
    source = folder.joinpath("texts.js").read_text("utf-8")
    chinese, english = source.split("\n  en: {")
    keys = [set(re.findall(r"(?:^|[\s{,])(\w+): \"", half)) for half in (chinese, english)]
    asked = {
        key
        for name in SCRIPTS
        for key in re.findall(r'\bsay\("(\w+)"', folder.joinpath(name).read_text("utf-8"))
    }
    assert keys[0] == keys[1]
    assert asked - keys[0] == set()


def test_every_state_and_fault_has_its_chinese() -> None:
    """No state of a message and no kind of fault is shown to Chinese readers in English."""
    words = data_of(small())["words"]
    assert [state.value for state in RecipientState if state.value not in words["zh"]] == []
    assert {kind.value for kind in Kind} | CUTS == set(FAULTS_ZH) == set(words["faults_zh"])


def test_wheel_ships_the_page_and_the_dissector() -> None:
    """What the report needs beside its modules is in the wheel."""
    root = Path(report_events.__file__).resolve().parent.parent
    files = {one.distribution_path for one in WheelBuilder(str(root)).recurse_included_files()}
    needed = {f"sim/report/page/{name}" for name in (*SCRIPTS, *STYLES, "report.html", "sequence_file.css")}
    assert needed | {"sim/report/fieldgate.lua"} <= files


def test_empty_run_has_a_page() -> None:
    """A run in which nothing happened still makes a page."""
    summary = report_events.summary(holds=True)
    data = data_of(page(summary, digest_of(summary, [])))
    assert data["messages"] == []
    assert data["meta"]["holds"] is True


LAND = Land(
    roads=(Road(id="valley", points=((0.0, 0.0), (4.0, 0.0), (4.0, 4.0)), tunnels=((3.0, 5.0),)),),
    zones=(Zone(id="east", box=(3.0, 0.0, 5.0, 5.0)),),
    masts=(Mast(id="cell-1", kind="cell", at=(0.5, 0.5), range_km=2.0),),
    rides={"张三": report_events.VEH},
    breaks=(("valley", (2.0, 0.0)),),
)


def moved(at_s: float, node: str, x_km: float, y_km: float) -> Event:
    """Somebody is told to be at a place."""
    return Event(round(at_s * 1e9), What.MOVED, node, "", {"x_km": x_km, "y_km": y_km})


def test_map_has_everybody_s_places_in_time() -> None:
    """Tracks in order of time, riders with their vehicle, tunnels bent as their road is."""
    told = [
        *(moved(0.0, node, x, 0.0) for node, x in ((report_events.HQ, 0.0), (report_events.VEH, 1.0))),
        moved(0.0, "张三", 1.1, 0.0),
        moved(60.0, report_events.VEH, 2.0, 0.0),
    ]
    summary = replace(report_events.summary(), land=LAND)
    data = data_of(page(summary, digest_of(summary, [*told, *report_events.events()])))
    land, lanes = data["land"], [lane["id"] for lane in data["lanes"]]
    tracks = {lanes[lane]: track for lane, track in land["tracks"]}
    assert tracks[report_events.VEH] == [0, 1.0, 0.0, 60_000_000, 2.0, 0.0]
    assert [[lanes[who], lanes[on]] for who, on in land["rides"]] == [["张三", report_events.VEH]]
    assert land["roads"][0]["tunnels"][0][0] == [3.0, 0.0]
    assert land["roads"][0]["tunnels"][0][-1] == [4.0, 1.0]
    assert land["breaks"] == [{"road": "valley", "at": [2.0, 0.0]}]


def test_cut_of_an_area_touches_who_is_there() -> None:
    """A power cut in one area is no band over the whole world; one of everything is."""
    places = [moved(0.0, report_events.HQ, 1.0, 1.0), moved(0.0, report_events.VEH, 4.0, 1.0)]
    cuts = [
        Event(at_ns, What.FAULT, "", "", {"name": "cut_power", "target": target, "state": "begins"})
        for at_ns, target in ((10, "east"), (20, "all"))
    ]
    summary = replace(report_events.summary(), land=LAND)
    data = data_of(page(summary, digest_of(summary, [*places, *cuts])))
    lanes = [lane["id"] for lane in data["lanes"]]
    assert [fault["at"] for fault in data["faults"]] == [[[lanes.index(report_events.VEH), -1]], [[-1, -1]]]


def test_world_without_distances_has_no_map() -> None:
    """Where everybody stands at one place there is nothing to draw."""
    summary = replace(report_events.summary(), land=LAND)
    events = [moved(0.0, node, 0.0, 0.0) for node in (report_events.HQ, report_events.VEH)]
    assert data_of(page(summary, digest_of(summary, events)))["land"] is None
    assert data_of(small())["land"] is None


def test_cuts_end_when_the_world_is_healed() -> None:
    """Nobody tells the end of a cut then: the page ends it there, other faults where they are told to."""
    told = [
        Event(10_000, What.FAULT, "", "", {"name": "cut_power", "target": "all", "state": "begins"}),
        Event(10_000, What.FAULT, "", "", {"name": "quiet", "target": "hq", "state": "begins"}),
        Event(90_000, What.PHASE, "", "", {"name": "heal"}),
    ]
    summary = report_events.summary()
    data = data_of(page(summary, digest_of(summary, told)))
    assert {fault["name"]: fault["end"] for fault in data["faults"]} == {"cut_power": 90, "quiet": -1}
