"""The meshes a world may have behind its bearer "mesh": what their radios are, and who stands in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from sim.physics.gilbert import GilbertSpec
from sim.radio.flood import FloodMesh, Pace
from sim.radio.medium import Medium, Timing
from sim.radio.mesh import Mesh
from sim.radio.reception import Propagation, Threshold
from sim.radio.routed import RoutedMesh
from sim.record import Record
from sim.rng import Streams
from sim.scenario.model import Area
from sim.world.masts import Figures, Mast
from sim.world.unit import Unit

MESH_BPS: Final = 3e6
"""A 5 MHz channel at its most robust rates."""

LORA_PACE: Final = Pace(spreading=7, bandwidth_hz=250e3, slot_s=0.008)
"""The fastest usual setting: 11 kbit/s on the air. Slower ones reach further and cannot carry heartbeats."""

LOSS_BAD: Final = 0.7
BAD_S: Final = 2.0
"""Of a bad stretch this share is lost, and it lasts so long on average."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of mesh radio. `noise_dbm` its own included; `send_w` what it draws while it sends."""

    f_mhz: float
    noise_dbm: float
    cn_db: float
    ci_db: float
    timing: Timing
    power_dbm: float
    gain_db: float
    send_w: float

    @property
    def floor_dbm(self) -> float:
        """Level from which a hop works."""
        return self.noise_dbm + self.cn_db

    def figures(self, antenna_m: float) -> Figures:
        """Return what a node radiates."""
        return Figures(self.power_dbm, self.gain_db, antenna_m)


KINDS: Final = {
    "ip": Kind(
        f_mhz=1440.0,
        noise_dbm=-100.0,
        cn_db=7.0,
        ci_db=10.0,
        timing=Timing(detect_s=20e-6, turnaround_s=5e-6),
        power_dbm=37.0,
        gain_db=4.0,
        send_w=20.0,
    ),
    "lora": Kind(
        f_mhz=490.0,
        noise_dbm=-114.0,
        cn_db=-7.5,
        ci_db=6.0,
        timing=Timing(detect_s=0.003, turnaround_s=0.001),
        power_dbm=22.0,
        gain_db=2.0,
        send_w=0.6,
    ),
}
"""ip: the band of private meshes for emergencies (1430 to 1444 MHz), 5 MHz wide with a noise figure of 7 dB,
QPSK 1/2, 5 W and a whip on the roof; two antennas and many carriers level out the fading of a burst, so that
a hop works or does not: some 2 km among suburban houses and 7 km over open land, between roofs.
lora: 470 to 510 MHz, spreading factor 7 in 250 kHz (-121.5 dBm), 160 mW and a short whip."""


def make_mesh(
    area: Area,
    streams: Streams,
    land: Callable[[float], Propagation],
    units: Iterable[Unit],
    record: Record,
) -> Mesh:
    """Make the area's mesh with a station for each unit, at its mast; `land` gives the way at a frequency."""
    kind = KINDS[area.mesh]
    medium = Medium(
        "mesh",
        streams,
        land(kind.f_mhz),
        reception=Threshold(noise_dbm=kind.noise_dbm, cn_db=kind.cn_db, ci_db=kind.ci_db),
        timing=kind.timing,
        record=record,
    )
    losses = _losses(area.mesh_loss)
    mesh: Mesh
    if area.mesh == "lora":
        mesh = FloodMesh(medium, pace=LORA_PACE, losses=losses)
    else:
        mesh = RoutedMesh(medium, rate_bps=MESH_BPS, losses=losses)
    for unit in units:
        mesh.add(unit.id, Mast(unit.id, unit.mover.place, kind.figures(unit.node.antenna_m)))
    return mesh


def _losses(share: float) -> GilbertSpec | None:
    """Return stretches good and bad that lose so much in the long run."""
    if share <= 0.0:
        return None
    return GilbertSpec(BAD_S * (LOSS_BAD - share) / share, BAD_S, loss_good=0.0, loss_bad=LOSS_BAD)
