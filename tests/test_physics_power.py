"""Batteries empty when they must, cells fall silent for a cause, budgets add up."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.physics.budget import LinkBudget, budget_table
from sim.physics.energy import HOUR_S, Battery
from sim.physics.outage import Cell, CellState
from sim.scenario.model import Env


def test_battery_lasts_its_hours() -> None:
    """1200 Wh at 25 W last 48 hours, exactly to the announced moment."""
    battery = Battery(1200.0, 25.0)
    assert battery.empty_in_s(0.0) == 48.0 * HOUR_S
    assert battery.left_wh(24.0 * HOUR_S) == pytest.approx(600.0)
    assert battery.alive(48.0 * HOUR_S - 1.0)
    assert not battery.alive(48.0 * HOUR_S)
    assert battery.used_wh == pytest.approx(1200.0)
    assert battery.empty_in_s(50.0 * HOUR_S) == 0.0


def test_load_changes_are_bent_lines() -> None:
    """An hour at 10 W and an hour at 50 W take 60 Wh."""
    battery = Battery(100.0, 10.0)
    battery.set_load(HOUR_S, 50.0)
    assert battery.left_wh(2.0 * HOUR_S) == pytest.approx(40.0)
    assert battery.empty_in_s(2.0 * HOUR_S) == pytest.approx(0.8 * HOUR_S)


def test_mains_feed_and_charge() -> None:
    """On mains the load costs nothing and the battery fills at its own rate, no faster."""
    battery = Battery(100.0, 10.0, charge_w=20.0, left_wh=40.0)
    battery.set_supply(0.0, inf)
    assert battery.full_in_s(0.0) == 3.0 * HOUR_S
    assert battery.left_wh(HOUR_S) == pytest.approx(60.0)
    assert battery.empty_in_s(HOUR_S) == inf
    assert battery.left_wh(10.0 * HOUR_S) == 100.0
    assert battery.used_wh == pytest.approx(100.0)


def test_weak_supply_only_stretches_the_battery() -> None:
    """A 5 W panel under a 25 W load drains 20 W; once empty it carries nothing until the load is small."""
    battery = Battery(100.0, 25.0, supply_w=5.0, charge_w=50.0)
    assert battery.empty_in_s(0.0) == 5.0 * HOUR_S
    assert not battery.alive(6.0 * HOUR_S)
    battery.set_load(6.0 * HOUR_S, 4.0)
    assert battery.alive(6.0 * HOUR_S)
    assert battery.left_wh(7.0 * HOUR_S) == pytest.approx(1.0)


def test_bursts_are_lumps() -> None:
    """Energy of single bursts is drawn at once and counted."""
    battery = Battery(10.0, 0.0)
    battery.spend(5.0, 0.5)
    assert battery.left_wh(5.0) == 9.5
    assert battery.used_wh == 0.5
    battery.spend(6.0, 20.0)
    assert not battery.alive(6.0)
    battery.swap(7.0)
    assert battery.left_wh(7.0) == 10.0


EVENT = st.tuples(st.floats(0.0, 10_000.0), st.floats(0.0, 200.0), st.floats(0.0, 200.0))


@given(st.lists(EVENT, max_size=15), st.floats(0.0, 500.0))
def test_energy_is_never_made(events: list[tuple[float, float, float]], capacity_wh: float) -> None:
    """The store stays within 0 and its capacity, and looking at it in between changes nothing."""
    seen, unseen = (Battery(capacity_wh, 5.0, charge_w=30.0) for _ in range(2))
    now = 0.0
    for wait_s, load_w, supply_w in events:
        for part in range(1, 4):
            assert 0.0 <= seen.left_wh(now + wait_s * part / 4.0) <= capacity_wh
        now += wait_s
        for battery in (seen, unseen):
            battery.set_load(now, load_w)
            battery.set_supply(now, supply_w)
        assert seen.left_wh(now) == pytest.approx(unseen.left_wh(now), abs=1e-6)


@given(st.floats(0.1, 5000.0), st.floats(0.1, 500.0), st.floats(0.0, 1e6))
def test_event_at_the_announced_moment_finds_it_empty(capacity_wh: float, load_w: float, at_s: float) -> None:
    """Whoever wakes when `empty_in_s` said, rounded to nanoseconds upwards, need not wake again."""
    battery = Battery(capacity_wh, load_w, now_s=at_s)
    assert not battery.alive(at_s + battery.empty_in_s(at_s) + 1e-9)


def test_power_cut_silences_a_cell_after_its_battery() -> None:
    """Mains, then four hours of battery, then silence; back with the mains after its start."""
    cell = Cell(4.0, start_s=180.0)
    assert cell.state(0.0) is CellState.SERVING
    assert cell.change_s(0.0) == inf
    cell.set_mains(1000.0, on=False)
    assert cell.state(1000.0) is CellState.SERVING
    assert cell.change_s(1000.0) == 4.0 * HOUR_S
    assert cell.state(1000.0 + 4.0 * HOUR_S - 1.0) is CellState.SERVING
    assert cell.state(1000.0 + 4.0 * HOUR_S) is CellState.SILENT
    assert cell.change_s(1000.0 + 4.0 * HOUR_S) == inf
    cell.set_mains(20_000.0, on=True)
    assert cell.state(20_100.0) is CellState.SILENT
    assert cell.change_s(20_100.0) == 80.0
    assert cell.state(20_180.0) is CellState.SERVING


def test_battery_charges_between_two_cuts() -> None:
    """Five hours of mains give back half of a ten-hour charge, so the second cut comes sooner."""
    cell = Cell(4.0, charge_h=10.0)
    cell.set_mains(0.0, on=False)
    cell.set_mains(4.0 * HOUR_S, on=True)
    assert cell.battery_h(9.0 * HOUR_S) == pytest.approx(2.0)
    cell.set_mains(9.0 * HOUR_S, on=False)
    assert cell.change_s(9.0 * HOUR_S) == pytest.approx(2.0 * HOUR_S)


def test_fibre_cut_isolates_a_cell() -> None:
    """The cell stays on the air and reaches nobody; without power it is silent all the same."""
    cell = Cell(1.0)
    cell.set_backhaul(10.0, on=False)
    assert cell.state(10.0) is CellState.ISOLATED
    cell.set_mains(20.0, on=False)
    assert cell.state(30.0) is CellState.ISOLATED
    assert cell.state(20.0 + HOUR_S) is CellState.SILENT
    cell.set_mains(5000.0, on=True)
    cell.set_backhaul(5000.0, on=True)
    assert cell.state(5180.0) is CellState.SERVING


def test_cell_without_battery_dies_at_once() -> None:
    """No battery: the mains are all there is."""
    cell = Cell(0.0)
    assert cell.state(0.0) is CellState.SERVING
    cell.set_mains(1.0, on=False)
    assert cell.state(1.0) is CellState.SILENT


HANDHELD = LinkBudget(
    name="hh-1 → base",
    f_mhz=370.0,
    d_km=12.52,
    tx_dbm=36.0,
    tx_h_m=1.5,
    rx_h_m=30.0,
    env=Env.URBAN,
    rx_gain_dbi=6.0,
    losses_db=6.0,
)


def test_budget_adds_up() -> None:
    """The published 12.5 km of a handheld in the city is where its level meets -119 dBm: 64 % of bursts."""
    assert HANDHELD.path_db == pytest.approx(155.0, abs=0.05)
    assert HANDHELD.rssi_dbm == pytest.approx(-119.0, abs=0.05)
    assert HANDHELD.margin_64_db == pytest.approx(0.0, abs=0.05)
    assert HANDHELD.margin_99_db == pytest.approx(-1.65, abs=0.1)
    assert HANDHELD.expected == pytest.approx(0.64, abs=0.02)


def test_expected_bursts_know_shadow_and_fading() -> None:
    """Shadows pull the chance towards a half, fading takes most at a thin margin."""
    near = {"name": "x", "f_mhz": 370.0, "tx_dbm": 36.0, "tx_h_m": 1.5, "rx_h_m": 30.0, "env": Env.SUBURBAN}
    clear = LinkBudget(d_km=15.0, **near)  # type: ignore[arg-type]
    shadowed = LinkBudget(d_km=15.0, sigma_db=7.5, **near)  # type: ignore[arg-type]
    faded = LinkBudget(d_km=15.0, sigma_db=7.5, faded=True, **near)  # type: ignore[arg-type]
    assert clear.expected > 0.999
    assert 0.6 < shadowed.expected < 0.85
    assert faded.expected < shadowed.expected - 0.02


def test_table_is_aligned_in_both_languages() -> None:
    """Columns line up on a terminal, where a Chinese letter takes two places."""
    far = LinkBudget(
        name="车 2", f_mhz=370.0, d_km=3.0, tx_dbm=44.0, tx_h_m=3.0, rx_h_m=3.0, env=Env.OPEN, extra_db=4.0
    )
    english = budget_table([HANDHELD, far]).splitlines()
    chinese = budget_table([HANDHELD, far], chinese=True).splitlines()
    assert english[0].startswith("link            km")
    assert english[1].split() == [
        *("hh-1", "→", "base", "12.52", "36.0", "6.0", "6.0", "155.0", "-119.0", "-0.0", "-1.7", "63.2%"),
    ]
    assert chinese[0].startswith("链路")
    for table in (english, chinese):
        assert len(table) == 3
        widths = {sum(2 if ord(letter) > 0x2E7F else 1 for letter in line) for line in table}
        assert len(widths) == 1
