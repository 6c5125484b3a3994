"""Who plays: the twelve stations of the roll call, and what each of them is expected to do in it. Data."""

from __future__ import annotations

from dataclasses import dataclass

HQ, VEHICLE = "HQ", "VEH-3"

HQ_TIANTONG, VEHICLE_TIANTONG = "17401000001", "17401000003"
HQ_BEIDOU, VEHICLE_BEIDOU = 300_001, 300_003
CARD_PERIOD_S = 10.0
"""What both cards say in their ICI. Usual cards say 60 s; ten keep the story short."""

MOBILE_RADIO = 300
"""The vehicle's own PDT mobile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One station that knows nothing of us. `answer` is what its person says to a roll call, "" nothing.

    `checked`: its set answers an online check by itself. `expect`: what an honest roll call says of it.
    """

    number: int
    call_sign: str
    name: str
    path: str
    via: str
    bearer: str
    address: str
    expect: str
    answer: str = ""
    late: bool = False
    checked: bool = False
    off: bool = False
    excused: str = ""


FIRE, RESCUE = "示范市/消防救援支队/一大队", "示范市/应急救援队"

CAST = (
    Role(
        number=301,
        call_sign="T-301",
        name="一大队一组",
        path=FIRE,
        via=VEHICLE,
        bearer="pdt",
        address="301",
        checked=True,
        expect="answered",
    ),
    Role(
        number=302,
        call_sign="T-302",
        name="一大队二组",
        path=FIRE,
        via=VEHICLE,
        bearer="pdt",
        address="302",
        checked=True,
        expect="answered",
    ),
    Role(
        number=303,
        call_sign="T-303",
        name="一大队三组",
        path=FIRE,
        via=VEHICLE,
        bearer="pdt",
        address="303",
        answer="到 12人",
        expect="answered",
    ),
    Role(
        number=304,
        call_sign="T-304",
        name="救援队堤防组",
        path=RESCUE,
        via=VEHICLE,
        bearer="pdt",
        address="304",
        answer="到",
        expect="answered",
    ),
    Role(
        number=305,
        call_sign="T-305",
        name="救援队舟艇组",
        path=RESCUE,
        via=VEHICLE,
        bearer="pdt",
        address="305",
        expect="inferred",
    ),
    Role(
        number=306,
        call_sign="T-306",
        name="救援队医疗组",
        path=RESCUE,
        via=VEHICLE,
        bearer="pdt",
        address="306",
        off=True,
        expect="absent",
    ),
    Role(
        number=307,
        call_sign="T-307",
        name="救援队后勤组",
        path=RESCUE,
        via=VEHICLE,
        bearer="pdt",
        address="307",
        excused="设备检修 under repair",
        expect="excused",
    ),
    Role(
        number=201,
        call_sign="S-201",
        name="水库值守点",
        path="示范市/水务局",
        via=HQ,
        bearer="tiantong",
        address="17401000201",
        answer="到 3人",
        expect="answered",
    ),
    Role(
        number=202,
        call_sign="S-202",
        name="山口观察哨",
        path="示范市/水务局",
        via=HQ,
        bearer="tiantong",
        address="17401000202",
        answer="到",
        late=True,
        expect="late",
    ),
    Role(
        number=401,
        call_sign="B-401",
        name="林区巡护员",
        path="示范市/林业局",
        via=HQ,
        bearer="beidou",
        address="300401",
        answer="到",
        expect="answered",
    ),
)
"""With headquarters and the vehicle, which answer for themselves: twelve."""

EXPECTED = {HQ: "answered", VEHICLE: "answered"} | {
    role.call_sign: "relayed" if (role.via, role.expect) == (VEHICLE, "answered") else role.expect
    for role in CAST
}
"""What headquarters' roll call must say of every station: whom the vehicle heard is `relayed`.

`late` and `relayed` count among the answered as well.
"""


def counts() -> dict[str, int]:
    """The counts that follow from EXPECTED."""
    states = list(EXPECTED.values())
    return {
        "expected": len(states) - states.count("excused"),
        "answered": sum(states.count(state) for state in ("answered", "late", "relayed")),
        "late": states.count("late"),
        "inferred": states.count("inferred"),
        "absent": states.count("absent"),
        "excused": states.count("excused"),
    }
