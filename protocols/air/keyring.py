"""The keys one gateway holds: its net's, and one with every other gateway. There is no default key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from protocols.air.seal import KEY_OCTETS, StreamKeys, derive_stream_keys
from protocols.air.words import NET, STATION_MAX
from protocols.errors import LocalProtocolError


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """Station `own`'s keys of one epoch; `pairs` maps other stations to 32-octet pair keys."""

    own: int
    net_id: int
    epoch: int
    net_key: bytes = field(repr=False)
    pairs: Mapping[int, bytes] = field(repr=False)

    def __post_init__(self) -> None:
        stations = (self.own, *self.pairs)
        if not all(1 <= station <= STATION_MAX for station in stations) or self.own in self.pairs:
            raise LocalProtocolError("a key ring's stations must be in 1..65535, its own without a pair key")
        if any(len(key) != KEY_OCTETS for key in (self.net_key, *self.pairs.values())):
            raise LocalProtocolError(f"every key must have {KEY_OCTETS} octets")
        if not (0 <= self.net_id < 1 << 32 and 0 <= self.epoch < 1 << 32):
            raise LocalProtocolError("net id and epoch must fit 32 bits")

    def stream_keys(self, source: int, destination: int) -> StreamKeys | None:
        """Keys of a stream we send or receive; None for a station we share no key with."""
        peer = destination if source == self.own else source
        key = self.pairs.get(peer)
        if destination == NET:
            # Who is not in the pairs (revoked, unknown) is no member, whatever key he holds.
            key = self.net_key if source == self.own or source in self.pairs else None
        if key is None:
            return None
        return derive_stream_keys(
            key, net_id=self.net_id, epoch=self.epoch, source=source, destination=destination
        )
