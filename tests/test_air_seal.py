"""The seal is built of the published parts and does what the page says, octet for octet."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from protocols.air.seal import (
    COUNTER_MAX,
    StreamKeys,
    cmac,
    derive_net_key,
    derive_pair_key,
    derive_stream_keys,
    hkdf_sha256,
    seal,
    unseal,
)
from protocols.errors import LocalProtocolError

KEYS = StreamKeys(bytes(range(16)), bytes(range(16, 32)))
RFC4493_KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
RFC4493_TEXT = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)


@pytest.mark.parametrize(
    ("size_octets", "expected"),
    [
        (0, "bb1d6929e95937287fa37d129b756746"),
        (16, "070a16b46b4d4144f79bdd9dd04a287c"),
        (40, "dfa66747de9ae63030ca32611497c827"),
        (64, "51f0bebf7e3b9d92fc49741779363cfe"),
    ],
)
def test_cmac_is_the_published_one(size_octets: int, expected: str) -> None:
    """RFC 4493 §4, examples 1 to 4."""
    assert cmac(RFC4493_KEY, RFC4493_TEXT[:size_octets]).hex() == expected


def test_hkdf_is_the_published_one() -> None:
    """RFC 5869 appendix A.1."""
    got = hkdf_sha256(b"\x0b" * 22, salt=bytes(range(13)), info=bytes(range(0xF0, 0xFA)), size_octets=42)

    assert got.hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )


@given(st.binary(max_size=100), st.binary(max_size=8), st.integers(1, COUNTER_MAX))
def test_seal_is_what_the_page_says(body: bytes, header: bytes, counter: int) -> None:
    """Tag = CMAC(counter | length | header | body)[:8]; keystream block i = AES(tag | counter | i)."""
    tag = cmac(KEYS.mac, counter.to_bytes(6, "big") + len(header).to_bytes(2, "big") + header + body)[:8]
    blocks = b"".join(
        tag + counter.to_bytes(6, "big") + index.to_bytes(2, "big") for index in range(len(body) // 16 + 1)
    )
    # One block at a time, from the page: not the mode the product uses.
    one_block = Cipher(algorithms.AES(KEYS.encryption), modes.ECB()).encryptor()  # noqa: S305
    stream = one_block.update(blocks)
    expected = bytes(a ^ b for a, b in zip(body, stream, strict=False)) + tag

    assert seal(KEYS, counter, header, body) == expected
    assert unseal(KEYS, counter, header, expected) == body


def test_a_repeated_counter_reveals_only_equal_frames() -> None:
    """Two bodies under one counter and key give unrelated octets; equal bodies give equal frames."""
    one, two = seal(KEYS, 9, b"h", b"A" * 32), seal(KEYS, 9, b"h", b"A" * 31 + b"B")

    assert seal(KEYS, 9, b"h", b"A" * 32) == one
    assert bytes(a ^ b for a, b in zip(one[:31], two[:31], strict=True)).count(0) < 8


def test_header_and_body_cannot_trade_octets() -> None:
    """The header's length is under the tag, so that no octet moves from one to the other."""
    assert seal(KEYS, 1, b"ab", b"c")[-8:] != seal(KEYS, 1, b"a", b"bc")[-8:]


def test_every_binding_changes_the_keys() -> None:
    """Net, epoch, source, destination and direction each give other keys; a pair key is symmetric."""
    base = {"net_id": 1, "epoch": 0, "source": 1, "destination": 2}
    key = derive_pair_key(b"m" * 32, 1, 2, 0)
    changed = [
        {"net_id": 2},
        {"epoch": 4},
        {"source": 3},
        {"destination": 3},
        {"source": 2, "destination": 1},
    ]

    derived = {derive_stream_keys(key, **{**base, **change}).mac for change in ({}, *changed)}

    assert len(derived) == 6
    assert key == derive_pair_key(b"m" * 32, 2, 1, 0) != derive_pair_key(b"m" * 32, 1, 2, 1)
    assert key != derive_net_key(b"m" * 32, 1, 0)


def test_keys_do_not_show_in_a_repr() -> None:
    """Whatever is logged by accident holds no key."""
    assert KEYS.mac.hex() not in repr(KEYS)
    assert repr(KEYS) == "StreamKeys()"


@pytest.mark.parametrize("counter", [0, COUNTER_MAX + 1])
def test_a_counter_at_its_end_seals_nothing(counter: int) -> None:
    """Counter 0 and 2^48 are refused: the stream needs new keys."""
    with pytest.raises(LocalProtocolError, match="counter"):
        seal(KEYS, counter, b"", b"")


def test_a_key_of_wrong_size_is_refused() -> None:
    """Thirty-one octets are no key."""
    with pytest.raises(LocalProtocolError, match="31 octets"):
        derive_net_key(b"k" * 31, 1, 0)
