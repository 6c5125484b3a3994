"""Tables of a run say what happened, in figures that add up."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from sim.record import Event, What
from sim.report.digest import digest_of, percentile
from sim.report.summary import Summary
from sim.report.tables import tables
from sim.report.writer import write_report
from tests import report_events
from tests.report_run import ten_minutes


def rows(name: str, *more: Event, summary: Summary | None = None) -> list[dict[str, str]]:
    """Read one table of the made-up run."""
    summary = summary or report_events.summary()
    made = tables(summary, digest_of(summary, [*report_events.events(), *more]))
    return list(csv.DictReader(io.StringIO(made[name].removeprefix("\ufeff"))))


def test_delivery_counts_each_message_once() -> None:
    """Of 30 accepted messages 29 arrive: the rows of the classes add up to the last one."""
    *classes, total = rows("delivery.csv")
    assert (total["precedence"], total["accepted"], total["delivered"], total["ratio"]) == (
        "ALL",
        "30",
        "29",
        "0.9667",
    )
    assert sum(int(row["accepted"]) for row in classes) == 30
    assert classes[0]["precedence"] == "SOS"


def test_latency_names_bearers_not_links() -> None:
    """The bearer of a link is told, not what somebody called the link."""
    assert {row["bearer"] for row in rows("latency.csv")} <= {"cellular", "pdt", "beidou"}


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 2.0), (0.75, 3.0), (0.76, 4.0), (1.0, 4.0), (0.0, 1.0)]
)
def test_percentile_is_a_value_that_was_measured(share: float, expected: float) -> None:
    """Nearest rank: the smallest value that the share does not exceed."""
    assert percentile([1.0, 2.0, 3.0, 4.0], share) == expected


def test_airtime_adds_up() -> None:
    """The sum of a bearer is that of its nodes, and occupancy is its share of the run."""
    found = [row for row in rows("airtime.csv") if row["bearer"] == "pdt"]
    total = found[-1]
    assert total["node"] == "ALL"
    assert float(total["airtime_s"]) == pytest.approx(
        sum(float(row["airtime_s"]) for row in found[:-1]), abs=0.01
    )
    assert float(total["occupancy"]) == pytest.approx(float(total["airtime_s"]) / 3816, rel=0.02)


def test_energy_and_dark_time() -> None:
    """The vehicle used what its battery lost, and had no power for 80 s once."""
    vehicle = rows("energy.csv")[0]
    assert (vehicle["node"], vehicle["cuts"], vehicle["off_s"]) == ("veh-3", "1", "80.0")
    assert float(vehicle["used_wh"]) == pytest.approx(1200 - 551)


def test_repeats_and_duplicates_are_told_apart() -> None:
    """One message was repeated with its mark; one that is shown twice without is a duplicate."""
    twice = Event(3_599_000_000_000, What.SHOWN, "hq", "", {"key": "m-4", "by": "screen", "text": "x"})
    found = {row["key"]: (row["repeats"], row["duplicates"]) for row in rows("copies.csv", twice)}
    assert found == {"m-9": ("1", "0"), "m-4": ("0", "1")}


def test_faults_say_why() -> None:
    """Every fault has its target, its length and its cause."""
    first = rows("faults.csv")[0]
    assert (first["fault"], first["target"], first["length_s"], first["cause"]) == (
        "cut",
        "cellular",
        "2000.0",
        "cut_network cell-3",
    )


def test_texts_are_no_formulas() -> None:
    """A text that a spreadsheet would run is made harmless."""
    facts = {"key": "k", "by": "x", "to": "hq", "text": "=1+1", "accepted": True}
    found = rows("messages.csv", Event(3_599_000_000_000, What.TYPED, "hq", "", facts))
    assert found[-1]["text"] == "'=1+1"


def test_everything_is_written(tmp_path: Path) -> None:
    """One call writes page, tables, capture, dissector, summary and diagram."""
    report = write_report(tmp_path / "out", report_events.summary(), report_events.events())
    told = json.loads(report.summary.read_text("utf-8"))
    files = {path.name for path in report.directory.iterdir()}

    assert {"report.html", "wire.pcapng", "fieldgate.lua", "sequence.mmd", "sequence.svg"} < files
    assert {path.name for path in report.tables} < files
    assert (told["holds"], told["failing"], told["probes_missed"]) == (False, "m-17", ["ledger.disk_full"])


async def test_real_gateways_have_a_report(tmp_path: Path) -> None:
    """Ten minutes of two real gateways: every message arrives and is joined with its states and its text."""
    summary, record = await ten_minutes(tmp_path / "world")
    report = write_report(tmp_path / "out", summary, record.events)
    with (report.directory / "messages.csv").open(encoding="utf-8-sig") as file:
        found = list(csv.DictReader(file))

    assert [row["key"] for row in found] == [f"m-{number}" for number in range(10)]
    assert {row["state"] for row in found} == {"delivered"}
    assert all(row["id"] and row["latency_s"] for row in found)
    assert {"cellular", "pdt"} <= {row["bearer"] for row in found}
    assert record.counts[What.FRAME] > 500
    assert json.loads(report.summary.read_text("utf-8"))["holds"] is True
