"""Suite 1, AES-SIV-8: tag = CMAC(counter, header, text) cut to 8 octets; the keystream starts from the tag.

Docs/air-protocol.md §4 gives every octet and the argument why a repeated counter does no harm.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocols.air.frame import TAG_OCTETS
from protocols.air.words import NET, STATION_MAX
from protocols.errors import LocalProtocolError

SUITE_AES_SIV_8 = 1
"""The only suite of this version; part of every key derivation, never sent."""

KEY_OCTETS = 32
"""Octets of a master, net or pair key."""

COUNTER_MAX = (1 << 48) - 1
"""Greatest frame counter; a stream that reaches it needs new keys."""

KEYS_KEPT = 1_024
"""Keys whose schedule is kept: both directions of every pair of a headquarters; others are made anew."""

_AES_OCTETS = 16


@dataclass(frozen=True, slots=True)
class StreamKeys:
    """MAC and encryption key of one direction between two stations, or from one station to the net."""

    mac: bytes = field(repr=False)
    encryption: bytes = field(repr=False)


def derive_pair_key(master: bytes, a: int, b: int, epoch: int) -> bytes:
    """Return the 32-octet key two stations share, in either order; only headquarters holds `master`."""
    if a == b or not 1 <= min(a, b) <= max(a, b) <= STATION_MAX:
        raise LocalProtocolError(f"a pair key needs two stations in 1..{STATION_MAX}: {a}, {b}")
    low, high = sorted((a, b))
    return _hkdf(master, b"fieldgate air pair" + _u16(low) + _u16(high) + _u32(epoch), KEY_OCTETS)


def derive_net_key(master: bytes, net_id: int, epoch: int) -> bytes:
    """Return the 32-octet key all members of a net share."""
    return _hkdf(master, b"fieldgate air net" + _u32(net_id) + _u32(epoch), KEY_OCTETS)


def derive_stream_keys(key: bytes, *, net_id: int, epoch: int, source: int, destination: int) -> StreamKeys:
    """Bind suite, tag length, net, epoch, source and destination (0: the net) to a pair or net key."""
    if not NET <= destination <= STATION_MAX:
        raise LocalProtocolError(f"destination {destination} outside 0..{STATION_MAX}")
    info = b"fieldgate air stream" + bytes([SUITE_AES_SIV_8, TAG_OCTETS])
    info += _u32(net_id) + _u32(epoch) + _u16(source) + _u16(destination)
    both = _hkdf(key, info, 2 * _AES_OCTETS)
    return StreamKeys(both[:_AES_OCTETS], both[_AES_OCTETS:])


def seal(keys: StreamKeys, counter: int, header: bytes, body: bytes) -> bytes:
    """Return sealed body and tag; `counter` 1..2^48-1 is authenticated, not sent."""
    if not 1 <= counter <= COUNTER_MAX:
        raise LocalProtocolError(f"counter {counter} outside 1..{COUNTER_MAX}")
    tag = _tag(keys, counter, header, body)
    return _keystream(keys, tag, counter, body) + tag


def unseal(keys: StreamKeys, counter: int, header: bytes, sealed: bytes) -> bytes | None:
    """Return the body if the tag holds for this counter and header, else None."""
    if not 1 <= counter <= COUNTER_MAX or len(sealed) < TAG_OCTETS:
        return None
    text, tag = sealed[:-TAG_OCTETS], sealed[-TAG_OCTETS:]
    body = _keystream(keys, tag, counter, text)
    return body if hmac.compare_digest(tag, _tag(keys, counter, header, body)) else None


def cmac(key: bytes, data: bytes) -> bytes:
    """Return AES-CMAC, 16 octets (RFC 4493)."""
    mac = _keyed_cmac(key).copy()
    mac.update(data)
    return mac.finalize()


def hkdf_sha256(key: bytes, *, salt: bytes, info: bytes, size_octets: int) -> bytes:
    """Return HKDF with SHA-256 (RFC 5869)."""
    return HKDF(hashes.SHA256(), size_octets, salt, info).derive(key)


def _tag(keys: StreamKeys, counter: int, header: bytes, body: bytes) -> bytes:
    # Fixed-size counter, counted header, rest: no two triples give the same octets.
    return cmac(keys.mac, counter.to_bytes(6, "big") + _u16(len(header)) + header + body)[:TAG_OCTETS]


def _keystream(keys: StreamKeys, tag: bytes, counter: int, data: bytes) -> bytes:
    # The last two octets count blocks, so that no two (tag, counter) pairs ever share a block below 1 MiB.
    start = tag + counter.to_bytes(6, "big")
    size = len(data)
    counted = b"".join([start + block.to_bytes(2, "big") for block in range(-(-size // _AES_OCTETS))])
    stream = _blocks(keys.encryption).update(counted)[:size]
    # CTR is what SIV is made of; the tag authenticates.
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")


@lru_cache(KEYS_KEPT)
def _keyed_cmac(key: bytes) -> CMAC:
    return CMAC(algorithms.AES(key))


@lru_cache(KEYS_KEPT)
def _blocks(key: bytes) -> CipherContext:
    # Block by block it has no state between calls; it only ever sees the counters of CTR.
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - see above


def _hkdf(key: bytes, info: bytes, size_octets: int) -> bytes:
    if len(key) != KEY_OCTETS:
        raise LocalProtocolError(f"a key of {len(key)} octets, need {KEY_OCTETS}")
    return hkdf_sha256(key, salt=b"", info=info, size_octets=size_octets)


def _u16(value: int) -> bytes:
    return value.to_bytes(2, "big")


def _u32(value: int) -> bytes:
    if not 0 <= value < 1 << 32:
        raise LocalProtocolError(f"{value} does not fit 32 bits")
    return value.to_bytes(4, "big")
