"""Roll calls 点名 over the bearer cascade: who counts as what, and that nothing else counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.api.backend import RefusedError
from gateway.delivery.work import Work
from gateway.domain import Precedence
from protocols import air
from sim.devices.sat_phone import Phone
from sim.fleet import SEAT, until
from sim.people import HEAD_COUNT, LATE, NEVER, PROMPT
from tests.core_scene import BASE, CARD, HQ, ONE, PHONE, TWO, VEH, VEH2, passes, scene, texts
from tests.rollcall_board import FAST, call

LEAVE = 4006


async def test_whole_roster_over_three_bearers(tmp_path: Path) -> None:
    """Checks, texts and sealed answers from own stations and from those behind the vehicle add up."""
    async with scene(tmp_path, "pdt", "tiantong", "beidou", extra=FAST) as field:
        field.phone.person = field.person(HEAD_COUNT, "wang")
        field.handset.person = field.person(PROMPT, "zhao")
        field.two.powered = False
        board = await call(field.hq, deadline_s=300)

        shown = await board.ended()

        counts = shown["counts"]
        assert (counts["expected"], counts["answered"], counts["absent"]) == (8, 6, 2)
        assert (counts["excused"], counts["pending"]) == (1, 0)
        states = {e["station"]: e["state"] for e in shown["entries"]}
        assert states[HQ] == states[VEH] == states[BASE] == "answered"
        assert states[ONE] == states[PHONE] == states[CARD] == "relayed"
        assert states[TWO] == states[VEH2] == "absent"
        assert states[LEAVE] == "excused"


async def test_kinds_of_answers_say_how_they_are_known(tmp_path: Path) -> None:
    """A gateway's answer is sealed; a radio's check and a person's text are observed, unauthenticated."""
    async with scene(tmp_path, "pdt", "tiantong", extra=FAST) as field:
        field.phone.person = field.person(HEAD_COUNT, "wang")
        board = await call(field.hq, "VEH-3", "ZHANG", "WANG", "BASE-1")
        await board.ended()

        vehicle, radio, phone = await board.entry(VEH), await board.entry(ONE), await board.entry(PHONE)
        base = await board.entry(BASE)
        assert (vehicle["evidence"], vehicle["authenticated"], vehicle["via"]) == ("protocol", True, 0)
        assert (radio["evidence"], radio["authenticated"], radio["via"]) == ("observed", False, VEH)
        assert (phone["head_count"], phone["bearer"], phone["via"]) == (12, "tiantong", VEH)
        assert (base["bearer"], base["via"], base["authenticated"]) == ("pdt", 0, False)


async def test_cascade_goes_on_to_the_next_bearer(tmp_path: Path) -> None:
    """A station whose radio is off is asked on its satellite phone."""
    async with scene(tmp_path, "pdt", "tiantong", extra=FAST) as field:
        field.base.powered = False
        Phone("17410004005", field.fleet.sms, person=field.person(PROMPT, "base"))
        board = await call(field.hq, "BASE-1")
        await board.ended()

        entry = await board.entry(BASE)

        assert (entry["state"], entry["bearer"]) == ("answered", "tiantong")
        assert entry["tries"] >= 2


async def test_nobody_answers_is_absent(tmp_path: Path) -> None:
    """A person who never answers is absent at the end, not before."""
    async with scene(tmp_path, "tiantong", extra=FAST) as field:
        field.phone.person = field.person(NEVER, "wang")
        board = await call(field.hq, "WANG")
        await passes(60)
        assert await board.state(PHONE) == "pending"

        await board.ended()

        assert await board.state(PHONE) == "absent"


async def test_late_answer_is_late(tmp_path: Path) -> None:
    """An answer after the end makes an absent station late, and the counts still add up."""
    async with scene(tmp_path, "tiantong", extra=FAST) as field:
        field.phone.person = field.person(LATE, "wang")
        board = await call(field.hq, "WANG", deadline_s=60)
        await board.ended()
        assert await board.state(PHONE) == "absent"

        async def late() -> bool:
            return await board.state(PHONE) == "late"

        await until(late, limit_s=600)
        assert (await board.shown())["counts"]["answered"] == 1


async def test_heard_meanwhile_is_inferred(tmp_path: Path) -> None:
    """A station that did not answer but was heard during the call is inferred present, not answered."""
    async with scene(tmp_path, "pdt", extra=FAST) as field:
        field.base.in_coverage = False
        board = await call(field.hq, "BASE-1", deadline_s=240)
        await passes(230)
        field.base.in_coverage = True
        field.base.register()

        shown = await board.ended()

        assert (shown["counts"]["inferred"], shown["counts"]["answered"]) == (1, 0)
        assert (await board.entry(BASE))["evidence"] == "inferred"


async def test_present_before_the_call_does_not_count(tmp_path: Path) -> None:
    """`到` typed before anybody asked is a message, and not presence."""
    async with scene(tmp_path, "pdt", extra=FAST) as field:
        field.base.type_text("到")
        await passes(30)
        field.base.powered = False
        board = await call(field.hq, "BASE-1")
        await board.ended()

        assert await board.state(BASE) == "absent"
        assert await texts(field.hq) == ["到"]


async def test_present_before_being_asked_does_not_count(tmp_path: Path) -> None:
    """`到` typed during the call, before this station was asked, is heard and no answer."""
    async with scene(tmp_path, "pdt", extra=FAST) as field:
        await field.hq.quiet("pdt", on=True)
        board = await call(field.hq, "BASE-1", deadline_s=60)
        await passes(5)
        field.base.type_text("到")

        await board.ended()

        assert await board.state(BASE) == "inferred"


async def test_sealed_answer_with_a_wrong_nonce_does_not_count(tmp_path: Path) -> None:
    """An authentic answer to another poll than the one asked changes nothing."""
    async with scene(tmp_path, "tiantong", extra=FAST) as field:
        field.phone.person = field.person(NEVER, "wang")
        board = await call(field.hq, "WANG")
        await passes(20)
        running = field.hq.gateway.roll_calls.running()
        assert running is not None
        for number, nonce in ((running.number, running.nonce ^ 1), (running.number ^ 1, running.nonce)):
            answer = air.RollCallAnswer(
                call_id=number, nonce=nonce, station=PHONE, result=air.RollCallResult.ANSWERED
            )
            field.veh.gateway.outbox.add_control(
                Work(
                    key=("c", "lie", str(nonce)),
                    station=HQ,
                    precedence=Precedence.PRIORITY,
                    born_s=0.0,
                    element=lambda _now_s, answer=answer: answer,  # type: ignore[misc]
                )
            )
        await passes(10)
        assert await board.state(PHONE) == "pending"

        await board.ended()

        assert await board.state(PHONE) == "absent"


async def test_one_call_at_a_time(tmp_path: Path) -> None:
    """A second call is refused while one runs, naming it; after the end another begins."""
    async with scene(tmp_path, "tiantong", extra=FAST) as field:
        field.phone.person = field.person(NEVER, "wang")
        board = await call(field.hq, "WANG", deadline_s=30)
        with pytest.raises(RefusedError) as refused:
            await call(field.hq, "WANG")
        assert refused.value.found == board.call_id
        await board.ended()

        await call(field.hq, "WANG")


async def test_poll_needs_the_echo_of_a_restarted_vehicle(tmp_path: Path) -> None:
    """A vehicle whose stream is new to headquarters still answers within seconds: the echo comes between."""
    async with scene(tmp_path) as field:
        board = await call(field.hq, "VEH-3")

        async def answered() -> bool:
            return await board.state(VEH) == "answered"

        assert await until(answered, limit_s=60) < 30


@pytest.mark.parametrize("restarted", ["hq", "veh"])
async def test_call_survives_a_restart(tmp_path: Path, restarted: str) -> None:
    """Either gateway loses power in mid-call: the call goes on, ends in time, and the answer counts."""
    async with scene(tmp_path, "pdt", "tiantong", extra=FAST) as field:
        field.phone.person = field.person(PROMPT, "wang")
        field.phone.powered = False
        board = await call(field.hq, "ZHANG", "WANG", "BASE-1", "VEH-3", deadline_s=300)
        await passes(15)
        box = field.hq if restarted == "hq" else field.veh
        await box.restart(off_s=5)
        await field.up("ip", "pdt", "tiantong")
        field.phone.switch_on()

        shown = await board.ended(limit_s=400)

        states = {e["station"]: e["state"] for e in shown["entries"]}
        assert states == {VEH: "answered", ONE: "relayed", PHONE: "relayed", BASE: "answered"}


async def test_call_during_the_cut_goes_over_what_lives(tmp_path: Path) -> None:
    """With the IP path cut the poll and its answers go over Beidou, within five minutes."""
    async with scene(tmp_path, "pdt", "beidou", extra=FAST) as field:
        field.cut_ip()
        field.hq_radio.in_coverage = False
        await passes(20)
        board = await call(field.hq, "ZHANG", "LI", "VEH-3", deadline_s=300)

        shown = await board.ended(limit_s=400)

        assert shown["counts"]["answered"] == 3


async def test_operator_marks_an_entry(tmp_path: Path) -> None:
    """What an operator sets stands, with the operator's name."""
    async with scene(tmp_path, "tiantong", extra=FAST) as field:
        field.phone.person = field.person(NEVER, "wang")
        board = await call(field.hq, "WANG")
        await field.hq.backend.mark_entry(board.call_id, "WANG", "substitute", "由李四代", SEAT)
        await board.ended(limit_s=300)

        entry = await board.entry(PHONE)

        assert (entry["state"], entry["by"], entry["evidence"]) == ("substitute", "seat", "operator")


async def test_record_is_sealed_after_the_late_window(tmp_path: Path) -> None:
    """Half an hour after its end the record is sealed with a hash, restart or not."""
    async with scene(tmp_path, extra=FAST) as field:
        board = await call(field.hq, "VEH-3")
        await board.ended()
        await field.hq.restart()
        assert (await board.shown())["hash"] == ""
        await passes(1900)

        assert len((await board.shown())["hash"]) == 64


async def test_answer_counts_for_the_newest_call(tmp_path: Path) -> None:
    """Absent in the last call, asked again in this one: the answer is for this one."""
    async with scene(tmp_path, "tiantong", extra=FAST) as field:
        field.phone.person = field.person(NEVER, "wang")
        first = await call(field.hq, "WANG", deadline_s=30)
        await first.ended()
        second = await call(field.hq, "WANG", deadline_s=120)
        await passes(30)
        field.phone.type_text("到", field.veh_modem.number)

        await second.ended()

        assert await second.state(PHONE) == "relayed"
        assert await first.state(PHONE) == "absent"
