"""A way whose far end is reported down is the last choice, never no choice."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.base import Bearer, LinkState, Service, TextEncoding
from gateway.delivery.far_ends import FarEnd, FarEnds
from gateway.routing import Candidate
from sim.fleet import Box, until
from tests.core_scene import VEH, link_is, scene
from tests.test_core_failover import links_used


async def reported(box: Box, station: int, link: str, *states: LinkState) -> None:
    """Wait until a gateway knows this of another's link."""

    async def known() -> bool:
        found = await box.backend.links(None)
        return any(
            report.station == station and report.link == link and report.state in states for report in found
        )

    await until(known, limit_s=900)


async def test_message_takes_the_bearer_that_the_vehicle_still_has(tmp_path: Path) -> None:
    """The vehicle told over Beidou that its Tiantong is gone: headquarters writes over Beidou at once."""
    async with scene(tmp_path, "tiantong", "beidou", ip=False) as field:
        field.ports["VEH-3"]["tiantong"].unplug()
        await reported(field.hq, VEH, "tiantong", LinkState.ABSENT)
        message = await field.hq.send("VEH-3", "隧道内注意落石")
        await field.hq.reaches(message, "delivered", limit_s=300)

        assert await links_used(field.hq, message) == ["beidou"]


async def test_all_reported_down_leaves_the_order_as_it_is(tmp_path: Path) -> None:
    """When every link of the vehicle is reported down the message is sent all the same, in PACE order."""
    async with scene(tmp_path, "tiantong", "beidou", ip=False) as field:
        core = field.hq.gateway.core
        told = FarEnd(frozenset({Bearer.TIANTONG, Bearer.BEIDOU}), age_s=0.0)
        field.hq.gateway.outbox.planner.far_ends.note(VEH, told, core.now_s())
        message = await field.hq.send("VEH-3", "仍要发送")
        await field.hq.reaches(message, "delivered", limit_s=300)

        assert await links_used(field.hq, message) == ["tiantong"]


async def test_report_survives_a_power_cut(tmp_path: Path) -> None:
    """Headquarters knows after a power cut what the vehicle had told before it."""
    async with scene(tmp_path, "tiantong", "beidou", ip=False) as field:
        field.ports["VEH-3"]["tiantong"].unplug()
        await reported(field.hq, VEH, "tiantong", LinkState.ABSENT)
        await field.hq.restart()
        await link_is(field.hq, "tiantong", LinkState.UP)
        await link_is(field.hq, "beidou", LinkState.UP)
        message = await field.hq.send("VEH-3", "隧道内注意落石")
        await field.hq.reaches(message, "delivered", limit_s=300)

        assert await links_used(field.hq, message) == ["beidou"]


def way(link: str, bearer: Bearer) -> Candidate:
    """One way to the vehicle."""
    return Candidate(
        link=link,
        bearer=bearer,
        service=Service.DATA,
        next_hop=VEH,
        address="",
        state=LinkState.UP,
        limit_octets=100,
        encoding=TextEncoding.UTF16,
    )


FIRST, SECOND = way("tiantong", Bearer.TIANTONG), way("beidou", Bearer.BEIDOU)
TOLD = FarEnd(frozenset({Bearer.TIANTONG}), age_s=10.0)


@pytest.mark.parametrize(
    ("now_s", "expected"), [(100.0, ["beidou"]), (989.0, ["beidou"]), (991.0, ["tiantong", "beidou"])]
)
def test_old_report_counts_for_nothing(now_s: float, expected: list[str]) -> None:
    """A report, 10 s old when it was read, puts a way last until it is as old as the lost-contact limit."""
    ends = FarEnds(limit_s=900.0)
    ends.note(VEH, TOLD, now_s=100.0)

    living, last = ends.living_first((FIRST, SECOND), lambda _way, _since_s: False, now_s)

    assert [w.link for w in living] == expected
    assert len(living) + len(last) == len((FIRST, SECOND))


def test_what_was_heard_on_the_link_since_is_newer_than_the_report() -> None:
    """A frame heard over a link after the report was made shows that its far end lives."""
    ends = FarEnds(limit_s=900.0)
    ends.note(VEH, TOLD, now_s=100.0)

    living, last = ends.living_first((FIRST, SECOND), lambda _way, since_s: since_s == 90.0, 110.0)

    assert ([w.link for w in living], last) == (["tiantong", "beidou"], [])
