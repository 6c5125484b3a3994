"""The order of the tests, and helpers whose assertions are explained; the loops are the plugin's."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.contract", "tests.contract_case")


@pytest.hookimpl
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what may take longest: two workers then end together instead of one waiting for the demo."""
    items.sort(key=_limit_s, reverse=True)


def _limit_s(item: pytest.Item) -> float:
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark and mark.args else 0.0
