"""The contract kit passes a driver that keeps its promises, and finds each broken one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from drivers.base import Handle, Precedence, Service, Transmission
from tests.contract import ContractCase, DriverContract, InMemoryContract, Place, SerialCase
from tests.line_driver import Flaw, LineConfig, LineDevice, LineDriver

TEXT = Transmission(
    handle=Handle(0), service=Service.TEXT, destination="1", precedence=Precedence.ROUTINE, text="到"
)


def _case(place: Place, folder: Path, *flaws: Flaw) -> SerialCase:
    device = LineDevice()
    return SerialCase(
        place,
        folder,
        driver=LineDriver(*flaws),
        device=device,
        config=lambda path: LineConfig(device=path),
        transmissions=(TEXT,),
        peer_sends=lambda: device.write("到\n".encode()),
    )


class TestContractInMemory(InMemoryContract):
    def make_case(self, folder: Path) -> ContractCase:
        return _case(Place.MEMORY, folder)


@pytest.mark.real
class TestContractOnPty(DriverContract):
    def make_case(self, folder: Path) -> ContractCase:
        return _case(Place.PTY, folder)


KIT = TestContractInMemory()


@pytest.mark.parametrize(
    ("flaw", "promise"),
    [
        (Flaw.DIES_WHEN_ABSENT, KIT.test_a_missing_port_is_a_state_until_it_appears),
        (Flaw.DIES_WHEN_ABSENT, KIT.test_a_port_in_use_is_a_state),
        (Flaw.KEEPS_THE_PORT, KIT.test_leaving_frees_port_and_tasks),
        (Flaw.KEEPS_THE_PORT, KIT.test_leaving_by_an_error_frees_too),
        (Flaw.SENDS_OVERSIZE, KIT.test_oversize_is_refused_before_anything_is_written),
        (Flaw.HOLDS_ALL_EVENTS, KIT.test_events_nobody_reads_are_bounded),
        (Flaw.DIES_OF_GARBAGE, KIT.test_garbage_does_not_kill_the_link),
        (Flaw.NEVER_REOPENS, KIT.test_unplugging_while_sending_is_survived),
        (Flaw.NEVER_REOPENS, KIT.test_a_port_that_comes_and_goes_is_followed),
        (Flaw.SILENT_WHEN_DOWN, KIT.test_sending_while_the_port_is_gone_says_down),
    ],
    ids=lambda value: value.name if isinstance(value, Flaw) else value.__name__.removeprefix("test_"),
)
async def test_a_broken_promise_is_found(
    flaw: Flaw, promise: Callable[[ContractCase], Awaitable[None]], tmp_path: Path
) -> None:
    """The kit's test fails on a driver that breaks what the test is about."""
    case = _case(Place.MEMORY, tmp_path, flaw)
    broken: BaseException | None = None

    try:
        await promise(case)
    except (AssertionError, BaseExceptionGroup) as error:
        broken = error

    assert broken is not None
