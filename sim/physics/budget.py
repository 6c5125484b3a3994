"""The link budget of a radio path, and a table of several for people to check before they believe a run."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from sim.physics.burst import S5_DBM, cn_db, needed_db, p_burst, p_faded
from sim.physics.pathloss import path_loss_db
from sim.scenario.model import Env

_QUANTILES = tuple(NormalDist().inv_cdf((step + 0.5) / 40) for step in range(40))
_COLUMNS_EN = ("link", "km", "tx dBm", "gain dB", "loss dB", "path dB", "RSSI dBm", "over 64 %", "over 99 %")
_COLUMNS_ZH = ("链路", "公里", "发射dBm", "增益dB", "损耗dB", "路径dB", "电平dBm", "余量64%", "余量99%")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkBudget:
    """One path in one direction. Gains are dBi, `losses_db` cables, filters and bodies together.

    `extra_db` is loss known beside the median (the shadow of these two places, say).
    """

    name: str
    f_mhz: float
    d_km: float
    tx_dbm: float
    tx_h_m: float
    rx_h_m: float
    env: Env
    tx_gain_dbi: float = 0.0
    rx_gain_dbi: float = 0.0
    losses_db: float = 0.0
    extra_db: float = 0.0
    s5_dbm: float = S5_DBM
    sigma_db: float = 0.0
    faded: bool = False
    """Whether Rayleigh fading is to be expected (moving, or no view of each other)."""

    @property
    def path_db(self) -> float:
        """Median path loss and what is known beside it."""
        return path_loss_db(self.f_mhz, self.d_km, self.tx_h_m, self.rx_h_m, self.env) + self.extra_db

    @property
    def rssi_dbm(self) -> float:
        """Median level at the receiver."""
        return self.tx_dbm + self.tx_gain_dbi + self.rx_gain_dbi - self.losses_db - self.path_db

    @property
    def margin_64_db(self) -> float:
        """Level above sensitivity: at 0, 64 % of bursts arrive."""
        return self.rssi_dbm - self.s5_dbm

    @property
    def margin_99_db(self) -> float:
        """Level above that at which 99 % of bursts arrive without fading."""
        return self.margin_64_db - needed_db(0.99)

    @property
    def expected(self) -> float:
        """Share of bursts expected to arrive, over the places (`sigma_db`) and fading (`faded`)."""
        mean_db = cn_db(self.rssi_dbm, self.s5_dbm)
        chance = p_faded if self.faded else p_burst
        if self.sigma_db <= 0.0:
            return chance(round(mean_db, 1) if self.faded else mean_db)
        levels = (mean_db + self.sigma_db * quantile for quantile in _QUANTILES)
        return sum(chance(round(level, 1)) for level in levels) / len(_QUANTILES)


def budget_table(rows: Iterable[LinkBudget], *, chinese: bool = False) -> str:
    """Lay the budgets out as aligned text: headings, then a line each; no line end after the last."""
    lines: list[tuple[str, ...]] = [(*_COLUMNS_ZH, "预计到达") if chinese else (*_COLUMNS_EN, "expected")]
    for row in rows:
        gain_db = row.tx_gain_dbi + row.rx_gain_dbi
        numbers = (row.d_km, row.tx_dbm, gain_db, row.losses_db, row.path_db, row.rssi_dbm)
        margins = (row.margin_64_db, row.margin_99_db)
        cells = (f"{row.d_km:.2f}", *(f"{number:.1f}" for number in numbers[1:]))
        lines.append((row.name, *cells, *(f"{m:+.1f}" for m in margins), f"{row.expected:.1%}"))
    return aligned(lines)


def aligned(lines: Sequence[tuple[str, ...]]) -> str:
    """Lay cells out in columns, the first to the left, the others to the right; Chinese letters count two."""
    widths = [max(_width(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(_line(line, widths) for line in lines)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    first = cells[0] + " " * (widths[0] - _width(cells[0]))
    rest = (" " * (width - _width(cell)) + cell for cell, width in zip(cells[1:], widths[1:], strict=True))
    return "  ".join((first, *rest))


def _width(text: str) -> int:
    """Columns on a terminal: Chinese letters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in {"W", "F"} else 1 for letter in text)
