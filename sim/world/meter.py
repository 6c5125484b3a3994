"""What goes over the air of a world: counted for metrics and batteries, told to the record when it asks."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from sim.record import Record, What

SEND_W: Final = {"pdt": 60.0, "tiantong": 8.0, "beidou": 25.0, "vsat": 40.0}
"""What a gateway's transmitter draws beside its load while it sends: 25 W of radio frequency from 60 W, a
satellite handset's 2 W from 8 W, a Beidou terminal's 5 to 10 W from 25 W, an on-the-move terminal's from
40 W; a mesh's radios have their own. Data sheets differ by a factor of two."""

SKY_BPS: Final = {"tiantong": 2_400.0, "beidou": 15_625.0}
"""What short messages travel at: a signalling channel (our figure), and Beidou's inbound link."""

HOUR_S: Final = 3600.0


class Meter:
    """Airtime and octets by bearer, and the energy that a node's transmitters took."""

    def __init__(self, record: Record) -> None:
        self.airtime_s: defaultdict[str, float] = defaultdict(float)
        self._sent_j: defaultdict[str, float] = defaultdict(float)
        self._record = record

    @property
    def watched(self) -> bool:
        """Whether somebody wants each burst told."""
        return self._record.wants(What.AIR)

    def sent(self, bearer: str, node: str, airtime_s: float) -> None:
        """Count a transmission of a node (or a person: then nobody's battery is kept)."""
        self.airtime_s[bearer] += airtime_s
        if watts := SEND_W.get(bearer):
            self._sent_j[node] += watts * airtime_s

    def drew(self, node: str, joules: float) -> None:
        """Count what a transmitter took that is metered elsewhere."""
        self._sent_j[node] += joules

    def drawn_wh(self, node: str) -> float:
        """Return what a node's transmitters took since this was asked last."""
        return self._sent_j.pop(node, 0.0) / HOUR_S

    def tell(self, bearer: str, node: str, to: str, octets: int, airtime_s: float, fate: str) -> None:
        """Tell the record of one thing on the air; the caller asks first whether it is `watched`."""
        self._record.note(
            What.AIR,
            node,
            bearer=bearer,
            to=to,
            octets=octets,
            airtime_s=round(airtime_s, 6),
            fate=fate,
        )
