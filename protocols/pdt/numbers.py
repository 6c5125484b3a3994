"""PDT numbering, national rule: 24-bit air id to dial number and back (reference page, section 3.3).

Air id = NAI(9) << 15 | SSI(15). The area number NP (区号) is NAI + 296 (328..806); a dial number is NP,
then the team FGN (队号) and the number within it. Individuals and groups overlap: the type is always carried.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocols.errors import LocalProtocolError

SSI_BITS = 15
NP_OFFSET = 296
NP_MIN, NP_MAX = 328, 806
"""Area numbers in use: NAI 32..510. Below lies MPT 1327, above the all-calls."""
AIR_ID_MAX = 0xFF_FFFF
ALL_CALLS = {
    0xFF_FFFF: "network",
    0xFF_FFFE: "region",
    0xFF_FFFD: "local",
    0xFF_FFFC: "site",
    0xFF_FFFB: "custom",
}
"""Ids that call everyone; NAI << 15 | 0x7FFF or 0x7FFE calls everyone of one area."""
DIAL_ALL, DIAL_ALL_EMERGENCY = "*1987", "*1982"
"""What is dialled to call the whole network, and to do so in an emergency."""


@dataclass(frozen=True, slots=True)
class AirId:
    """A 24-bit id together with its type, without which it means two things."""

    id: int
    group: bool


@dataclass(frozen=True, slots=True)
class _Range:
    """A run of SSIs dialled in blocks: `size` numbers from `start` for each block (team) from `block`."""

    first: int
    last: int
    block: int
    block_digits: int
    size: int
    start: int
    digits: int


_INDIVIDUAL = (
    _Range(1, 15400, 20, 2, 700, 200, 3),
    _Range(15401, 32200, 42, 2, 350, 200, 3),
    _Range(32481, 32490, 0, 0, 10, 100, 3),
    _Range(32491, 32510, 0, 0, 20, 110, 3),
    _Range(32652, 32751, 0, 0, 100, 9600, 4),
)
_GROUP = (
    _Range(1, 7000, 20, 2, 100, 900, 3),
    _Range(7001, 8000, 90, 2, 1000, 0, 3),
    _Range(14001, 17000, 97, 2, 1000, 0, 3),
)


def dial_number(air: AirId) -> str | None:
    """Return the dial number, None for an id the rule gives none (all-calls and reserved runs included)."""
    np = (air.id >> SSI_BITS) + NP_OFFSET
    if not (0 <= air.id <= AIR_ID_MAX and NP_MIN <= np <= NP_MAX):
        return None
    ssi = air.id & ((1 << SSI_BITS) - 1)
    for run in _GROUP if air.group else _INDIVIDUAL:
        if run.first <= ssi <= run.last:
            block, number = divmod(ssi - run.first, run.size)
            team = f"{run.block + block:0{run.block_digits}d}" if run.block_digits else ""
            return f"{np}{team}{run.start + number:0{run.digits}d}"
    return None


def air_id(dial: str) -> AirId:
    """Return the id and its type; raise LocalProtocolError for a number the rule does not know."""
    if dial in {DIAL_ALL, DIAL_ALL_EMERGENCY}:
        return AirId(AIR_ID_MAX, group=True)
    if not (dial.isascii() and dial.isdigit()) or not NP_MIN <= int(dial[:3]) <= NP_MAX:
        raise LocalProtocolError(
            f"dial number {dial!r}: digits beginning with an area number {NP_MIN}..{NP_MAX}",
            f"拨号号码 {dial!r}：应为数字，以区号 {NP_MIN}..{NP_MAX} 开头",
        )
    base = (int(dial[:3]) - NP_OFFSET) << SSI_BITS
    for group, runs in ((False, _INDIVIDUAL), (True, _GROUP)):
        for run in runs:
            ssi = _ssi(run, dial[3:])
            if ssi is not None:
                return AirId(base | ssi, group)
    raise LocalProtocolError(
        f"dial number {dial!r}: no individual, group, dispatcher or service number of the national rule",
        f"拨号号码 {dial!r}：不是全国编号规则中的个呼、组呼、调度台或特服号码",
    )


def all_call(air: int) -> str | None:
    """Name whom an id calls when it calls everyone ("network" .. "custom", "area"), None otherwise."""
    if air in ALL_CALLS:
        return ALL_CALLS[air]
    area = NP_MIN <= (air >> SSI_BITS) + NP_OFFSET <= NP_MAX
    return "area" if area and air & 0x7FFF in {0x7FFF, 0x7FFE} else None


def _ssi(run: _Range, rest: str) -> int | None:
    if len(rest) != run.block_digits + run.digits:
        return None
    block = int(rest[: run.block_digits]) - run.block if run.block_digits else 0
    number = int(rest[run.block_digits :]) - run.start
    ssi = run.first + block * run.size + number
    return ssi if block >= 0 and 0 <= number < run.size and ssi <= run.last else None
