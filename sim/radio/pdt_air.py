"""Who hears whom on a PDT net: loss, shadow and fading for each receiver, directly or through a relay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sim.devices.pdt_net import BURST_S, Station
from sim.radio.physics import FourFsk
from sim.radio.reception import Antenna, Propagation, Reception
from sim.radio.station import Fate
from sim.radio.timing import NS, running_timeline
from sim.record import Record, What
from sim.rng import Streams

BEARER: Final = "pdt"


class RelaySite:
    """A repeater on a hill: what it hears it sends at once on its own frequency. `on` is its power."""

    def __init__(self, antenna: Antenna) -> None:
        self.antenna = antenna
        self.on = True


class PdtAir:
    """An Ether with geometry. A station without a place is heard everywhere and hears everything.

    A transmission of n bursts arrives if all of them do, each with the chance of its mean level, averaged
    over fading. With `direct` handhelds also hear each other without the relay. Each pair draws from its own
    stream: one number for each transmission that could be meant for the receiver.
    """

    def __init__(
        self,
        streams: Streams,
        propagation: Propagation,
        *,
        reception: Reception | None = None,
        direct: bool = True,
        record: Record | None = None,
    ) -> None:
        self.relays: list[RelaySite] = []
        self.direct = direct
        self._streams = streams
        self._propagation = propagation
        self._reception = reception or FourFsk()
        self._record = record
        self._places: dict[int, Antenna] = {}

    def place(self, station_id: int, antenna: Antenna) -> None:
        """Say where a station is; the antenna may move later."""
        self._places[station_id] = antenna

    def rssi_dbm(self, tx: Antenna, rx: Antenna) -> float:
        """Return the mean level of one antenna at another now."""
        return self._propagation.rssi_dbm(tx, rx, running_timeline().now_ns / NS)

    def chance(self, tx: Antenna, rx: Antenna, bursts: int) -> float:
        """Return how likely a transmission of so many bursts arrives whole."""
        mean_cn_db = self.rssi_dbm(tx, rx) - self._reception.noise_dbm
        return float(self._reception.p_noise(mean_cn_db) ** bursts)

    def sent(self, source: Station, bursts: int, octets: int) -> Callable[[Station], bool]:
        """Let the relays hear it; return what decides for each station."""
        tx = self._places.get(source.id)
        if tx is None:
            return lambda _: True
        ways = [relay.antenna for relay in self.relays if self._draw(tx, relay.antenna, bursts) and relay.on]

        def heard(station: Station) -> bool:
            rx = self._places.get(station.id)
            if rx is None:
                return True
            direct = self._draw(tx, rx, bursts) and self.direct
            relayed = [self._draw(way, rx, bursts) for way in ways]
            found = direct or any(relayed)
            if self._record is not None and self._record.wants(What.AIR):
                fate = Fate.CARRIED if found else Fate.FADED
                levels_dbm = [self.rssi_dbm(way, rx) for way in ([tx, *ways] if self.direct else ways)]
                self._record.note(
                    What.AIR,
                    tx.name,
                    bearer=BEARER,
                    to=rx.name,
                    octets=octets,
                    airtime_s=round(bursts * BURST_S, 3),
                    fate=fate.value,
                    rssi_dbm=round(max(levels_dbm), 1) if levels_dbm else None,
                )
            return found

        return heard

    def _draw(self, tx: Antenna, rx: Antenna, bursts: int) -> bool:
        luck = self._streams.stream(f"{BEARER}/{tx.name}>{rx.name}").random()
        return luck < self.chance(tx, rx, bursts)
