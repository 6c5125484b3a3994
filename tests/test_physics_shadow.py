"""Shadows belong to places, fades to moments."""

from __future__ import annotations

import math
from random import Random
from statistics import correlation, fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.physics import fading
from sim.physics.ground import PAIRS_MAX, Ground, Place
from sim.physics.pathloss import free_space_db, path_loss_db
from sim.physics.shadow import CORNERS_MAX, Shadow, correlation_m, sigma_db
from sim.scenario.model import Env

KM = st.floats(-50.0, 50.0)
DRAWS = 4000


def _ground(*, seed: int = 1, sigma: float = 7.5, flat: bool = False) -> Ground:
    return Ground(f_mhz=370.0, env=Env.SUBURBAN, sigma_db=sigma, shadow_m=100.0, seed=seed, flat=flat)


def test_spread_by_environment() -> None:
    """370 MHz: 6.1 dB in the city, 7.55 dB in the suburb; shadows in the city are short."""
    assert sigma_db(370.0, Env.URBAN) == pytest.approx(6.1, abs=0.05)
    assert sigma_db(370.0, Env.SUBURBAN) == pytest.approx(7.55, abs=0.05)
    assert correlation_m(Env.URBAN) == 20.0
    assert correlation_m(Env.SUBURBAN) == 500.0


@given(KM, KM, KM, KM)
def test_shadow_is_a_fact_of_two_places(ax: float, ay: float, bx: float, by: float) -> None:
    """Another instance with the same seed says the same, in both directions, to the last bit."""
    there = Shadow(7, 100.0).at(ax, ay, bx, by)
    assert there == Shadow(7, 100.0).at(ax, ay, bx, by) == Shadow(7, 100.0).at(bx, by, ax, ay)
    assert there != Shadow(8, 100.0).at(ax, ay, bx, by)


def _pairs(shadow: Shadow, apart_m: float, random: Random) -> tuple[list[float], list[float]]:
    here: list[float] = []
    there: list[float] = []
    for _ in range(DRAWS):
        ax, ay, bx, by = (random.uniform(-40.0, 40.0) for _ in range(4))
        turn = random.uniform(0.0, 2.0 * math.pi)
        here.append(shadow.at(ax, ay, bx, by))
        moved = ax + apart_m / 1000.0 * math.cos(turn), ay + apart_m / 1000.0 * math.sin(turn)
        there.append(shadow.at(*moved, bx, by))
    return here, there


@pytest.mark.parametrize(
    ("apart_m", "low", "high"),
    [(1.0, 0.998, 1.0), (10.0, 0.97, 0.995), (50.0, 0.6, 0.82), (100.0, 0.3, 0.45), (300.0, -0.05, 0.08)],
)
def test_shadow_fades_with_distance(apart_m: float, low: float, high: float) -> None:
    """Mean 0, spread 1; one end moved by 1 % of the correlation distance keeps it, by 100 % leaves 1/e."""
    here, there = _pairs(Shadow(3, 100.0), apart_m, Random(9))  # noqa: S311
    assert abs(fmean(here)) < 4.0 / math.sqrt(DRAWS)
    assert pstdev(here) == pytest.approx(1.0, abs=0.05)
    assert low < correlation(here, there) < high


def test_neighbours_have_shadows_of_the_same_spread() -> None:
    """Two places in one lattice cell still get mean 0 and spread 1."""
    shadow, random = Shadow(3, 100.0), Random(4)  # noqa: S311
    values = []
    for _ in range(DRAWS):
        x, y = random.uniform(0.0, 40.0), random.uniform(0.0, 40.0)
        values.append(shadow.at(x, y, x + random.uniform(0.0, 0.05), y))
    assert abs(fmean(values)) < 4.0 / math.sqrt(DRAWS)
    assert pstdev(values) == pytest.approx(1.0, abs=0.06)


def test_memory_is_bounded_and_forgetting_changes_nothing() -> None:
    """More places than fit are forgotten and found again with the same value."""
    shadow, random = Shadow(5, 100.0), Random(6)  # noqa: S311
    first = shadow.at(0.3, 0.4, 5.0, 6.0)
    for _ in range(CORNERS_MAX // 4):
        shadow.at(*(random.uniform(0.0, 900.0) for _ in range(4)))
    assert len(shadow._corners) <= CORNERS_MAX
    assert shadow.at(0.3, 0.4, 5.0, 6.0) == first
    ground = _ground(flat=True)
    for number in range(PAIRS_MAX + 10):
        ground.loss_db(Place(0.0, 0.0, 1.5), Place(float(number), 0.0, 1.5))
    assert len(ground._pairs) <= PAIRS_MAX


def test_correlation_distance_must_be_positive() -> None:
    """A distance of 0 is refused, not divided by."""
    with pytest.raises(ValueError, match="correlation_m must be above 0, found 0"):
        Shadow(1, 0.0)


def test_parked_vehicle_keeps_its_loss() -> None:
    """The loss of two places is the same in every world of a seed, both ways; half a metre changes little."""
    a, b = Place(3.0, 4.0, 3.0), Place(8.0, 9.0, 30.0)
    loss = _ground().loss_db(a, b)
    assert loss == _ground().loss_db(b, a)
    assert loss != _ground(seed=2).loss_db(a, b)
    assert abs(_ground().loss_db(Place(3.0005, 4.0, 3.0), b) - loss) < 0.5


def test_ground_spreads_around_the_median() -> None:
    """Over many places the loss scatters by sigma around the path loss; without sigma it is the path loss."""
    ground, random = _ground(), Random(8)  # noqa: S311
    base = Place(0.0, 0.0, 30.0)
    over = []
    for _ in range(DRAWS):
        turn = random.uniform(0.0, 2.0 * math.pi)
        place = Place(5.0 * math.cos(turn), 5.0 * math.sin(turn), 1.5)
        over.append(ground.loss_db(base, place) - path_loss_db(370.0, 5.0, 30.0, 1.5, Env.SUBURBAN))
    assert abs(fmean(over)) < 1.5  # a circle of 31 km holds some 200 independent shadows
    assert pstdev(over) == pytest.approx(7.5, abs=0.8)
    plain = _ground(sigma=0.0).loss_db(base, Place(5.0, 0.0, 1.5))
    assert plain == path_loss_db(370.0, 5.0, 30.0, 1.5, Env.SUBURBAN)
    assert _ground(flat=True).loss_db(base, Place(5.0, 0.0, 1.5)) == 0.0


@given(KM, KM, st.floats(0.0, 0.2), st.integers(0, 1000))
def test_no_shadow_lifts_above_free_space(x: float, y: float, d_km: float, seed: int) -> None:
    """However lucky the place, the loss is at least free space."""
    loss = _ground(seed=seed).loss_db(Place(x, y, 1.5), Place(x + d_km, y, 1.5))
    apart_km = max((x + d_km) - x, 0.001)
    assert loss >= free_space_db(370.0, apart_km) - 1e-9


def test_doppler_and_coherence() -> None:
    """17.1 Hz at 50 km/h, 1.7 Hz walking; coherence 25 ms and 247 ms."""
    assert fading.doppler_hz(50.0, 370.0) == pytest.approx(17.1, abs=0.05)
    assert fading.doppler_hz(5.0, 370.0) == pytest.approx(1.7, abs=0.02)
    assert fading.coherence_s(fading.doppler_hz(50.0, 370.0)) == pytest.approx(0.025, abs=0.0005)
    assert fading.coherence_s(fading.doppler_hz(5.0, 370.0)) == pytest.approx(0.247, abs=0.001)


@pytest.mark.parametrize("x", [0.0, 0.5, 1.0, 2.404826, 3.0, 5.0, 10.0, 40.0])
def test_bessel_function(x: float) -> None:
    """J0 agrees with its integral, which the trapezoid rule gives to machine accuracy."""
    steps = 400
    integral = sum(math.cos(x * math.sin(2.0 * math.pi * step / steps)) for step in range(steps)) / steps
    assert fading.bessel_j0(x) == pytest.approx(integral, abs=1.5e-7)


def _power(gain_db: float) -> float:
    return math.pow(10.0, gain_db / 10.0)


def test_rayleigh_blocks() -> None:
    """Mean power 1; 10 dB below the mean 9.5 % of the time (1 - e^-0.1), within 4 sigma."""
    random = Random(12)  # noqa: S311
    gains = [fading.rayleigh_db(random) for _ in range(20_000)]
    assert fmean(_power(gain) for gain in gains) == pytest.approx(1.0, abs=0.03)
    share = sum(gain < -10.0 for gain in gains) / len(gains)
    assert share == pytest.approx(1.0 - math.exp(-0.1), abs=4.0 * math.sqrt(0.095 * 0.905 / len(gains)))


def test_rice_blocks() -> None:
    """Mean power 1; with a direct path 10 dB above the rest, 10 dB fades all but vanish."""
    random = Random(13)  # noqa: S311
    gains = [fading.rice_db(random, 10.0) for _ in range(20_000)]
    assert fmean(_power(gain) for gain in gains) == pytest.approx(1.0, abs=0.02)
    assert sum(gain < -10.0 for gain in gains) / len(gains) < 0.002


def _walk(doppler: float, step_s: float) -> list[float]:
    fader = fading.Fader(Random(14))  # noqa: S311
    return [_power(fader.gain_db(number * step_s, doppler)) for number in range(20_000)]


@pytest.mark.parametrize("step_s", [0.03, 0.06, 0.12])
def test_walker_fades_with_clarkes_correlation(step_s: float) -> None:
    """Powers of successive bursts correlate by J0², and the marginal stays Rayleigh."""
    powers = _walk(1.7, step_s)
    rho = fading.correlation(1.7, step_s)
    assert correlation(powers[:-1], powers[1:]) == pytest.approx(rho * rho, abs=0.05)
    assert fmean(powers) == pytest.approx(1.0, abs=0.12)


def test_vehicle_fades_afresh_and_parked_one_slowly() -> None:
    """At 17 Hz a burst tells little of the next; at rest it tells nearly all, but not for ever."""
    assert abs(fading.correlation(17.1, 0.06)) < 0.3
    fader = fading.Fader(Random(15))  # noqa: S311
    first = fader.gain_db(1.0, 0.0)
    assert fader.gain_db(1.0, 0.0) == first
    assert abs(_power(fader.gain_db(1.06, 0.0)) - _power(first)) < 0.2
    later = [fader.gain_db(1.0 + 10.0 * number, 0.0) for number in range(1, 30)]
    assert pstdev(later) > 2.0
