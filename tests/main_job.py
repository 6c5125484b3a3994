"""What came of the demo's story in virtual time, for tests that compare it with the demo itself."""

from __future__ import annotations

from dataclasses import dataclass

from sim.demo.cast import CAST, HQ, VEHICLE
from sim.record import What
from sim.run.play import Result, play
from sim.scenario.draw import draw
from sim.scenario.library import find
from sim.scenario.read import load_scenario

SIGNS = {role.number: role.call_sign for role in CAST} | {1: HQ, 3: VEHICLE}
KEPT = frozenset({What.ROLL_CALL, What.TYPED, What.SHOWN, What.ALARM, What.FAULT, What.LINK})


@dataclass(frozen=True, slots=True)
class Outcome:
    """One performance: stations' states on the board, texts by who wrote to whom, what screens showed."""

    result: Result
    board: dict[str, str]
    texts: dict[tuple[str, str], list[str]]
    shown: list[tuple[str, str]]


def main_job(seed: int = 1) -> Outcome:
    """Play it."""
    result = play(draw(load_scenario(find("main-job")), seed), keep=KEPT)
    board: dict[str, str] = {}
    texts: dict[tuple[str, str], list[str]] = {}
    shown: list[tuple[str, str]] = []
    for event in result.events:
        facts = event.facts
        if event.what is What.ROLL_CALL and "station" in facts:
            board[SIGNS[int(str(facts["station"]))]] = str(facts["state"])
        elif event.what is What.TYPED and facts["accepted"] is None and facts["followed"]:
            texts.setdefault((str(facts["by"]), str(facts["to"])), []).append(str(facts["text"]))
        elif event.what is What.SHOWN:
            shown.append((str(facts["by"]), str(facts["text"])))
    # what is still asked for when the time is over is absent
    board = {sign: "absent" if state == "pending" else state for sign, state in board.items()}
    return Outcome(result, board, texts, shown)
