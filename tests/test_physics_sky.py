"""Satellites stand where geometry puts them; blockage goes by metres, loss in bursts by seconds."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random
from statistics import fmean

import pytest

from sim.physics import blockage, geo
from sim.physics.gilbert import Gilbert, GilbertSpec, from_frames
from sim.physics.twostate import STRETCHES_MAX, TwoState
from sim.scenario.model import Env

CITIES = {
    "Jinan": (36.65, 117.00, 249.9, 44.4),
    "Beijing": (39.90, 116.40, 251.4, 41.3),
    "Chengdu": (30.67, 104.07, 245.7, 54.2),
    "Urumqi": (43.83, 87.60, 253.3, None),
    "Harbin": (45.80, 126.53, 256.6, 31.8),
    "Haikou": (20.04, 110.20, 242.3, None),
}


@pytest.mark.parametrize("city", CITIES)
def test_tiantong_seen_from_cities(city: str) -> None:
    """One hop and elevation towards 101.4° E, as published."""
    lat, lon, hop_ms, elevation = CITIES[city]
    assert geo.hop_s(lat, lon, geo.TIANTONG_EAST_DEG) * 1000.0 == pytest.approx(hop_ms, abs=0.1)
    if elevation is not None:
        assert geo.elevation_deg(lat, lon, geo.TIANTONG_EAST_DEG) == pytest.approx(elevation, abs=0.15)


def test_limits_of_the_hop() -> None:
    """238.7 ms under the satellite, 278.1 ms at the edge of the earth; handset-hub-handset about 500 ms."""
    edge_deg = math.degrees(math.acos(geo.EARTH_KM / geo.ORBIT_KM))
    assert geo.hop_s(0.0, 101.4, 101.4) * 1000.0 == pytest.approx(238.7, abs=0.05)
    assert geo.hop_s(edge_deg, 101.4, 101.4) * 1000.0 == pytest.approx(278.1, abs=0.05)
    assert geo.elevation_deg(edge_deg, 101.4, 101.4) == pytest.approx(0.0, abs=1e-6)
    beijing, chengdu = (39.9, 116.4), (30.67, 104.07)
    two_hops = geo.path_s(chengdu, beijing, 101.4) + geo.path_s(beijing, chengdu, 101.4)
    assert two_hops == pytest.approx(0.5, abs=0.01)


def test_lutz_ratios() -> None:
    """Highway 90 m clear, 29 m blocked: A 0.24; city 9 m and 70 m: A 0.89."""
    assert blockage.HIGHWAY.blocked_share == pytest.approx(0.24, abs=0.005)
    assert blockage.CITY.blocked_share == pytest.approx(0.89, abs=0.005)


@pytest.mark.parametrize("country", [blockage.HIGHWAY, blockage.CITY])
def test_drive_is_blocked_for_its_share_and_lengths(country: blockage.Blockage) -> None:
    """Over 60 km the blocked share is A and the stretches have their mean lengths."""
    sky, step_m, metres = blockage.Sky(Random(21), country), 0.5, 60_000  # noqa: S311
    states = [sky.blocked(number * step_m) for number in range(int(metres / step_m))]
    assert fmean(states) == pytest.approx(country.blocked_share, abs=0.02)
    changes = sum(a != b for a, b in pairwise(states))
    expected = 2.0 * metres / (country.clear_m + country.blocked_m)
    assert changes == pytest.approx(expected, rel=0.12)


def test_parked_vehicle_keeps_its_view() -> None:
    """No metres, no change, however often one looks; moving, the announced change comes exactly then."""
    sky = blockage.Sky(Random(22), blockage.HIGHWAY)  # noqa: S311
    before = sky.blocked(100.0)
    assert [sky.blocked(100.0) for _ in range(100)] == [before] * 100
    assert sky.change_s(100.0, 0.0) is None
    change_s = sky.change_s(100.0, 72.0)
    assert change_s is not None
    assert sky.blocked(100.0 + 20.0 * change_s - 1e-6) == before
    assert sky.blocked(100.0 + 20.0 * change_s + 1e-6) != before


def test_looking_more_often_changes_nothing() -> None:
    """The road is drawn, not the looks: traffic does not alter what blocks it."""
    often, seldom = blockage.Sky(Random(23), blockage.HIGHWAY), blockage.Sky(Random(23), blockage.HIGHWAY)  # noqa: S311
    for number in range(2000):
        often.gain_db(float(number))
        if number % 100 == 0:
            assert often.blocked(float(number)) == seldom.blocked(float(number))


def test_blocked_level_is_far_below_clear_level() -> None:
    """Lutz's highway: mean power about 1 in the clear, about -8.9 dB with its spread when blocked."""
    sky = blockage.Sky(Random(24), blockage.HIGHWAY)  # noqa: S311
    clear: list[float] = []
    blocked: list[float] = []
    for number in range(20_000):
        kind = blocked if sky.blocked(number * 5.0) else clear
        kind.append(sky.gain_db(number * 5.0))
    assert fmean(10.0 ** (gain / 10.0) for gain in clear) == pytest.approx(1.0, abs=0.02)
    assert fmean(blocked) == pytest.approx(-8.9 - 2.51, abs=0.4)  # -2.51 dB: mean of Rayleigh fading in dB


def test_open_sky_never_changes() -> None:
    """Where nothing stands in the way the view is always clear."""
    sky = blockage.Sky(Random(25), blockage.OPEN_SKY)  # noqa: S311
    assert not any(sky.blocked(number * 1000.0) for number in range(100))
    assert sky.change_s(1e6, 100.0) is None


def test_clear_view_by_elevation() -> None:
    """TR 38.811: the rows the reference names, straight between, flat beyond; typical country fits them."""
    tens = range(10, 100, 10)
    dense = [round(100 * blockage.clear_share(Env.URBAN_LARGE, float(e))) for e in tens]
    assert dense == [28, 33, 40, 47, 54, 61, 74, 82, 98]
    assert [round(100 * blockage.clear_share(Env.URBAN, float(e))) for e in tens][:5] == [25, 39, 49, 61, 73]
    suburban = [78.2, 86.9, 91.9, 92.9, 93.5, 94.0, 94.9, 95.2, 99.8]
    assert [100.0 * blockage.clear_share(Env.OPEN, float(e)) for e in tens] == pytest.approx(suburban)
    assert blockage.clear_share(Env.URBAN, 25.0) == pytest.approx(0.4395)
    assert blockage.clear_share(Env.URBAN, -5.0) == pytest.approx(0.246)
    for env in Env:
        for elevation in (10.0, 44.4, 90.0):
            country = blockage.typical(env, elevation)
            assert 1.0 - country.blocked_share == pytest.approx(blockage.clear_share(env, elevation))


def test_losses_come_in_bursts() -> None:
    """Gilbert-Elliott: the long-run loss is the spec's, and a lost frame makes the next loss far likelier."""
    spec = GilbertSpec(good_s=30.0, bad_s=2.0, loss_good=0.01, loss_bad=0.7)
    link = Gilbert(Random(31), spec)  # noqa: S311
    lost = [link.lost(number * 0.1) for number in range(150_000)]
    assert fmean(lost) == pytest.approx(spec.mean_loss, rel=0.1)
    after = fmean(second for first, second in pairwise(lost) if first)
    assert after > 5.0 * spec.mean_loss


def test_chain_by_frames() -> None:
    """A chain with chances p and r per frame loses p/(p+r) in runs of 1/r frames on average."""
    spec = from_frames(0.02, 0.25, 0.06)
    assert spec.mean_loss == pytest.approx(0.02 / 0.27)
    link = Gilbert(Random(32), spec)  # noqa: S311
    lost = [link.lost(number * 0.06) for number in range(100_000)]
    assert fmean(lost) == pytest.approx(spec.mean_loss, rel=0.08)
    runs = sum(second and not first for first, second in pairwise(lost))
    assert sum(lost) / runs == pytest.approx(4.0, abs=0.75)


def test_long_silence_costs_no_long_walk() -> None:
    """Across a gap of millions of stretches the state is drawn anew, in bounded work."""
    shares = []
    for seed in range(200):
        state = TwoState(Random(seed), 0.003, 0.001)  # noqa: S311
        shares.append(state.bad(STRETCHES_MAX * 0.01))
        assert state.next_change > STRETCHES_MAX * 0.01
    assert fmean(shares) == pytest.approx(0.25, abs=0.12)


@pytest.mark.parametrize(("good", "bad"), [(0.0, 0.0), (-1.0, 2.0)])
def test_impossible_means_are_refused(good: float, bad: float) -> None:
    """Nothing to walk through is said, not divided by."""
    with pytest.raises(ValueError, match="means must be 0 or more, one above 0"):
        TwoState(Random(1), good, bad)  # noqa: S311
