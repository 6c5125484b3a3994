"""Async tests run in virtual time; those marked `real` run on asyncio's own loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

import pytest

from sim.loop import VirtualLoop

pytest.register_assert_rewrite("tests.contract", "tests.contract_case")

VIRTUAL_LIMIT_S: Final = 30 * 86_400.0
"""A test that gets this far waits for something that never comes, with a timer that never ends."""


def _virtual_loop() -> asyncio.AbstractEventLoop:
    return VirtualLoop(limit_s=VIRTUAL_LIMIT_S)


@pytest.hookimpl
def pytest_asyncio_loop_factories(
    config: pytest.Config,  # noqa: ARG001 - the hook's signature
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Choose the loop of one test; the mark stands on the test, its class or its module, not on a param."""
    if item.get_closest_marker("real") is not None:
        return {"real": asyncio.SelectorEventLoop}
    return {"virtual": _virtual_loop}


@pytest.hookimpl
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what may take longest: two workers then end together instead of one waiting for the demo."""
    items.sort(key=_limit_s, reverse=True)


def _limit_s(item: pytest.Item) -> float:
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark and mark.args else 0.0
