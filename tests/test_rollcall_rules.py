"""Who is asked, what counts as an answer, and as which: the rules of a roll call, one by one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.domain import AlarmKind
from gateway.ledger import roll_calls
from protocols.errors import BadInputError
from sim.devices.pdt_handheld import Handheld
from sim.devices.sat_phone import Phone
from sim.fleet import SEAT, Box, until
from sim.people import NEVER, PROMPT, Habit
from tests import core_scene
from tests.core_scene import BASE, ONE, PHONE, VEH, alarms, passes, scene, texts
from tests.rollcall_board import FAST, Board, call

BOTH = 4010
"""A handheld that both gateways can call."""

BOTH_TOML = f"""number = {BOTH}
call_sign = "BOTH"
name = "两可"
address = {{ pdt = "3010" }}
via = ["HQ", "VEH-3"]"""

HELP = Habit(roll_call="到 有人受伤 求救")


def roster_with(monkeypatch: pytest.MonkeyPatch, *stations: str) -> None:
    """Add stations to the roster of the scene."""
    added = "".join(f"[[station]]\n{station}\n" for station in stations)
    monkeypatch.setattr(core_scene, "ROSTER", core_scene.ROSTER.replace("[[group]]", f"{added}[[group]]"))


async def becomes(board: Board, station: int, state: str, *, limit_s: float) -> float:
    """Wait for the state of an entry; return how long."""

    async def there() -> bool:
        return await board.state(station) == state

    return await until(there, limit_s=limit_s)


async def test_whom_another_gateway_heard_is_relayed_and_counts_as_answered(tmp_path: Path) -> None:
    """The vehicle tells what it observed: relayed through it, unauthenticated, among the answered."""
    async with scene(tmp_path, "pdt", extra=FAST) as field:
        board = await call(field.hq, "ZHANG", "VEH-3", "BASE-1")
        shown = await board.ended()

        entry = await board.entry(ONE)
        assert (entry["state"], entry["evidence"], entry["via"]) == ("relayed", "observed", VEH)
        assert not entry["authenticated"]
        assert await board.state(VEH) == await board.state(BASE) == "answered"
        assert (shown["counts"]["relayed"], shown["counts"]["answered"]) == (1, 3)


async def test_second_poll_to_a_gateway_does_not_replace_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Polls that wait for the same dead path, for different stations: all are asked when it lives again."""
    roster_with(monkeypatch, BOTH_TOML)
    async with scene(tmp_path, "pdt", extra=FAST) as field:
        both = Handheld(3010, field.fleet.pdt, name="两可", home=2103)
        both.powered = field.veh_radio.in_coverage = False
        field.cut_ip()
        await passes(40)
        board = await call(field.hq, "ZHANG", "BOTH", deadline_s=900)
        await passes(100)
        field.hq_radio.in_coverage = False
        both.powered = field.veh_radio.in_coverage = True
        field.heal_ip()

        await becomes(board, ONE, "relayed", limit_s=120)
        await becomes(board, BOTH, "relayed", limit_s=120)


async def test_station_polled_after_the_neighbour_had_answered_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vehicle has told all it was asked; a station that headquarters cannot reach itself comes later."""
    roster_with(monkeypatch, BOTH_TOML)
    async with scene(tmp_path, "pdt", extra=FAST) as field:
        Handheld(3010, field.fleet.pdt, name="两可", home=2103)
        field.hq_radio.in_coverage = False
        await passes(40)
        board = await call(field.hq, "VEH-3", "BOTH", deadline_s=600)

        await becomes(board, VEH, "answered", limit_s=30)
        await becomes(board, BOTH, "relayed", limit_s=200)


async def test_more_stations_behind_a_gateway_than_one_frame_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty stations behind the vehicle, and only Beidou between: the polls go in frames that fit."""
    numbers = range(5001, 5041)
    roster_with(
        monkeypatch,
        *(
            f'number = {n}\ncall_sign = "S-{n}"\nname = "组{n}"\naddress = {{ pdt = "{n}" }}\nvia = ["VEH-3"]'
            for n in numbers
        ),
    )
    async with scene(tmp_path, "pdt", "beidou", extra=FAST) as field:
        field.cut_ip()
        field.hq_radio.in_coverage = False
        await passes(40)
        await call(field.hq, *(str(n) for n in numbers), deadline_s=600)
        await passes(120)

        ledger = field.veh.gateway.core.ledger
        (asked,) = await ledger.read(lambda tx: roll_calls.list_calls(tx, open_only=True))
        assert sorted(asked.entries) == list(numbers)


@pytest.mark.parametrize("caller", ["hq", "veh"])
async def test_excused_is_never_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caller: str) -> None:
    """Nobody on leave is called, neither by the caller nor by a gateway it polls."""
    monkeypatch.setattr(
        core_scene, "ROSTER", core_scene.ROSTER.replace('via = ["HQ"]\nexcused', 'via = ["VEH-3"]\nexcused')
    )
    async with scene(tmp_path, "pdt", extra=FAST) as field:
        leave = Handheld(3006, field.fleet.pdt, name="休假", home=2103)
        box: Box = getattr(field, caller)
        board = await call(box, "LEAVE", "ZHANG", deadline_s=60)
        shown = await board.ended()

        entry = await board.entry(4006)
        assert (entry["state"], entry["tries"], entry["called_unix_ms"]) == ("excused", 0, 0)
        assert (shown["counts"]["expected"], shown["counts"]["excused"]) == (1, 1)
        assert leave.texts() == []


async def test_gateway_that_knows_of_leave_does_not_ask_for_its_neighbour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Headquarters' roster is older than the vehicle's: the vehicle says excused and calls nobody."""
    async with scene(tmp_path, "tiantong", extra=FAST) as field:
        stations = field.veh.gateway.core.roster.stations
        monkeypatch.setitem(stations, PHONE, replace(stations[PHONE], excused="住院"))
        board = await call(field.hq, "WANG", deadline_s=120)

        await board.ended()

        assert await board.state(PHONE) == "excused"
        assert field.phone.screen == []


async def test_present_while_the_poll_has_not_left_does_not_count(tmp_path: Path) -> None:
    """`到` heard directly while the poll for that station waits for a way out is no answer to it."""
    async with scene(tmp_path, "pdt", extra=FAST) as field:
        field.cut_ip()
        await field.hq.quiet("pdt", on=True)
        await passes(60)
        board = await call(field.hq, "ZHANG", deadline_s=60)
        await passes(5)
        field.one.type_text("到", 2101)
        await passes(20)
        assert (await board.entry(ONE))["asked"] == ["ip"]

        await board.ended()

        assert await board.state(ONE) == "inferred"


async def test_distress_in_an_answer_raises_an_alarm(tmp_path: Path) -> None:
    """Somebody answers a roll call with a cry for help: both gateways ring, and the words arrive."""
    async with scene(tmp_path, "tiantong", extra=FAST) as field:
        field.phone.person = field.person(HELP, "wang")
        board = await call(field.hq, "WANG", deadline_s=120)
        await board.ended()

        key = f"sos:{PHONE}"
        assert await alarms(field.veh, AlarmKind.SOS) == await alarms(field.hq, AlarmKind.SOS) == [key]
        assert any("有人受伤" in text for text in await texts(field.hq))
        assert await board.state(PHONE) == "inferred"


@pytest.mark.parametrize("deadline_s", [30, 60])
async def test_late_answer_to_the_caller_itself_is_late(tmp_path: Path, deadline_s: int) -> None:
    """Absent at the deadline, answered after it, on our own link: late, with the time of the answer."""
    async with scene(tmp_path, "tiantong", extra=FAST) as field:
        base = Phone("17410004005", field.fleet.sms, person=field.person(NEVER, "base"))
        board = await call(field.hq, "BASE-1", deadline_s=deadline_s)
        ended = await board.ended()
        assert await board.state(BASE) == "absent"
        base.type_text("到", field.hq_modem.number)
        await becomes(board, BASE, "late", limit_s=60)

        entry = await board.entry(BASE)
        assert entry["answered_unix_ms"] > ended["ended_unix_ms"]
        assert (await board.shown())["counts"]["answered"] == 1


async def test_second_answer_changes_nothing(tmp_path: Path) -> None:
    """Who has answered stays answered with the first words; more words are a message."""
    async with scene(tmp_path, "tiantong", extra=FAST) as field:
        base = Phone("17410004005", field.fleet.sms, person=field.person(PROMPT, "base"))
        board = await call(field.hq, "BASE-1", deadline_s=300)
        await becomes(board, BASE, "answered", limit_s=200)
        before = await board.entry(BASE)
        base.type_text("到 9人", field.hq_modem.number)
        await passes(30)

        assert await board.entry(BASE) == before
        assert "到 9人" in await texts(field.hq)


async def test_what_has_an_end_cannot_be_pending_again(tmp_path: Path) -> None:
    """An operator cannot open an entry again; the states that can be set are named."""
    async with scene(tmp_path, extra=FAST) as field:
        board = await call(field.hq, "VEH-3")
        await board.ended()
        with pytest.raises(BadInputError) as refused:
            await field.hq.backend.mark_entry(board.call_id, "VEH-3", "pending", "", SEAT)

        assert "substitute" in refused.value.limit
        assert await board.state(VEH) == "answered"


async def test_radio_plugged_in_while_the_call_runs_is_used(tmp_path: Path) -> None:
    """A device that was not there when the call began is one more way as soon as it is."""
    async with scene(tmp_path, "pdt", extra=FAST) as field:
        field.ports["HQ"]["pdt"].unplug()
        await passes(30)
        board = await call(field.hq, "BASE-1", deadline_s=300)
        await passes(30)
        field.ports["HQ"]["pdt"].replug()

        await becomes(board, BASE, "answered", limit_s=120)
