"""pytest plugin: `@sim_test(seeds=…)`, and the fixtures `radio_net`, `virtual_clock` and `sim_serial`.

Installed with the package, it changes nothing in projects that do not ask: async tests get the virtual loop
only where `fieldgate_virtual_time = true` stands in the configuration. See docs/simulator.md.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, ParamSpec

import pytest

if TYPE_CHECKING:
    from sim.kit import RadioNet, Sim, SimSerial, VirtualClock
    from sim.loop import VirtualLoop
    from sim.scenario.draw import Drawn

__all__ = ["sim_test"]

P = ParamSpec("P")

LIMIT_S: Final = 30 * 86_400.0
"""Virtual seconds after which a test counts as waiting for something that never comes."""

OPTION: Final = "fieldgate_virtual_time"

GIVEN: Final = frozenset({"sim", "streams", "radio_net", "virtual_clock", "sim_serial"})
"""Arguments of a sim_test that are made anew for every seed; all others are ordinary fixtures."""


def sim_test(
    *,
    seeds: int | Iterable[int] = 10,
    limit_s: float = LIMIT_S,
    loop: Callable[[float], VirtualLoop] | None = None,
) -> Callable[[Callable[P, Coroutine[Any, Any, None]]], Callable[..., None]]:
    """Make a coroutine a plain test that plays once per seed, each in a virtual time and a world of its own.

    `seeds` is how many (0, 1, …) or which. The coroutine may ask for `sim` (see sim.kit.Sim), `streams`,
    `radio_net`, `virtual_clock` and `sim_serial`, fresh for each seed, and for any other fixture. It ends
    with VirtualTimeLimitError after `limit_s` virtual seconds, with DeadlockError as soon as nothing can
    happen any more. `loop` makes another kind of virtual loop for that limit (one with slow disks, say).
    A failure names its seed, and how to play that one again.
    """
    chosen = range(seeds) if isinstance(seeds, int) else tuple(seeds)
    if not chosen:
        raise ValueError("sim_test without a seed would prove nothing")

    def run(main: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=lambda: (loop or _virtual_loop)(limit_s)) as runner:
            runner.run(main)

    def decorate(scene: Callable[P, Coroutine[Any, Any, None]]) -> Callable[..., None]:
        wanted = inspect.signature(scene)
        given = [name for name in wanted.parameters if name in GIVEN]

        @functools.wraps(scene)
        def test(*args: Any, request: pytest.FixtureRequest, **fixtures: Any) -> None:
            only, replayed = _replay(request.config)
            for seed in _seeds(request.config, chosen) if only is None else (only,):
                _play(seed, replayed, run, given, functools.partial(scene, *args, **fixtures), request)

        others = [one for name, one in wanted.parameters.items() if name not in GIVEN | {"request"}]
        asked = inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY)
        test.__signature__ = inspect.Signature([*others, asked])  # type: ignore[attr-defined]
        if "request" in wanted.parameters:
            raise TypeError("a sim_test cannot ask for request: its seeds share one")
        return test

    return decorate


def _play(
    seed: int,
    replayed: Drawn | None,
    run: Callable[[Coroutine[Any, Any, None]], None],
    given: list[str],
    scene: Callable[..., Coroutine[Any, Any, None]],
    request: pytest.FixtureRequest,
) -> None:
    """Play one seed; whatever it raises says which seed it was."""
    from sim.kit import Sim  # noqa: PLC0415 - other people's tests need not pay for the simulator

    made = Sim(seed, replayed)
    parts = {
        "sim": made,
        "streams": made.streams,
        "radio_net": made.radio_net,
        "virtual_clock": made.clock,
        "sim_serial": made.serial,
    }
    try:
        run(scene(**{name: parts[name] for name in given}))
    except (Exception, pytest.fail.Exception) as error:
        again = request.config.getoption("--sim-replay") or seed
        error.add_note(f"种子 seed {seed}; 重放 repeat: pytest '{request.node.nodeid}' --sim-replay {again}")
        raise
    finally:
        made.close()


def _seeds(config: pytest.Config, chosen: Iterable[int]) -> Iterable[int]:
    count: int | None = config.getoption("--sim-seeds")
    return chosen if count is None else range(count)


def _replay(config: pytest.Config) -> tuple[int | None, Drawn | None]:
    """Return the one seed to play and the run of a replay file, as --sim-replay has them."""
    asked: str | None = config.getoption("--sim-replay")
    if asked is None:
        return None, None
    if asked.isdecimal():
        return int(asked), None
    from protocols.errors import FieldgateError  # noqa: PLC0415
    from sim.run.replay import read  # noqa: PLC0415

    try:
        kept = read(Path(asked))
    except FieldgateError as error:
        raise pytest.UsageError(f"--sim-replay: {error.en}\n{error.zh}") from error
    return kept.drawn.seed, kept.drawn


# --- hooks -----------------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and the one key of the configuration."""
    group = parser.getgroup("fieldgate", "fieldgate simulator")
    group.addoption(
        "--sim-seeds",
        type=_count,
        metavar="N",
        help="play every sim_test with the seeds 0..N-1 每个 sim_test 用种子 0..N-1",
    )
    group.addoption(
        "--sim-replay",
        metavar="FILE|SEED",
        help="play every sim_test with this seed, or that of a replay file 只用此种子或重放文件",
    )
    parser.addini(
        OPTION,
        "async tests run in virtual time, those marked `real` on asyncio's own loop 异步测试用虚拟时间",
        type="bool",
        default=False,
    )


def pytest_configure(config: pytest.Config) -> None:
    """Say what `real` means; where it is asked for, choose the loops of pytest-asyncio's tests."""
    config.addinivalue_line("markers", "real: runs on the real clock (processes, PTYs, sockets)")
    if config.getini(OPTION):
        config.pluginmanager.register(_Loops(), "fieldgate-loops")


class _Loops:
    """Chooses the loop of each async test."""

    @pytest.hookimpl(optionalhook=True, trylast=True)
    def pytest_asyncio_loop_factories(
        self, item: pytest.Item
    ) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
        """Real for those marked so, virtual for all others; the mark stands on the test, class or module."""
        if item.get_closest_marker("real") is not None:
            return {"real": asyncio.SelectorEventLoop}
        return {"virtual": _virtual_loop}


def _virtual_loop(limit_s: float = LIMIT_S) -> VirtualLoop:
    from sim.loop import VirtualLoop  # noqa: PLC0415 - other people's tests need not pay for the simulator

    return VirtualLoop(limit_s=limit_s)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: a count from 1 on 应为正整数")
    return int(text)


# --- fixtures --------------------------------------------------------------------------------------------


@pytest.fixture
def _sim(request: pytest.FixtureRequest) -> Iterator[Sim]:
    from sim.kit import Sim  # noqa: PLC0415 - other people's tests need not pay for the simulator

    only, replayed = _replay(request.config)
    made = Sim(only or 0, replayed)
    yield made
    made.close()


@pytest.fixture
def radio_net(_sim: Sim) -> RadioNet:
    """A PDT net: add mobiles for a driver, and handhelds with people."""
    return _sim.radio_net


@pytest.fixture
def virtual_clock(_sim: Sim) -> VirtualClock:
    """The clock of virtual time; its date can be set wrong."""
    return _sim.clock


@pytest.fixture
def sim_serial(_sim: Sim) -> SimSerial:
    """Ports to plug device models into: in memory in virtual time, PTYs in tests marked `real`."""
    return _sim.serial
