"""What a serial receiver reads when the sender's rate is another one."""

from __future__ import annotations

from collections.abc import Iterator

BITS_PER_OCTET = 10
"""Start bit, eight data bits, stop bit: 8N1."""


def octet_time_s(baud_bps: int) -> float:
    """Seconds that one octet takes on the line, 8N1."""
    return BITS_PER_OCTET / baud_bps


def resample(data: bytes, *, sent_bps: int, read_bps: int) -> bytes:
    """Return what a receiver at `read_bps` makes of octets sent back to back at `sent_bps`, both 8N1.

    The line's levels are sampled in the middle of the receiver's bits, from the edge of each start bit on;
    equal rates, and rates within some 5 %, read what was sent. A bad stop bit is read as it falls, as a
    terminal without parity marking does.
    """
    if sent_bps == read_bps:
        return data
    return bytes(_sampled(data, sent_bps / read_bps))


def _sampled(data: bytes, sent_bits_per_read_bit: float) -> Iterator[int]:
    end = len(data) * BITS_PER_OCTET

    def level(sent_bit: int) -> int:
        octet, bit = divmod(sent_bit, BITS_PER_OCTET)
        if sent_bit >= end or bit == BITS_PER_OCTET - 1:
            return 1
        return 0 if bit == 0 else data[octet] >> (bit - 1) & 1

    at = 0
    while at < end:
        if level(at):
            at += 1
            continue
        samples = (level(int(at + (n + 0.5) * sent_bits_per_read_bit)) for n in range(1, 9))
        yield sum(bit << n for n, bit in enumerate(samples))
        # the receiver looks for the next start bit from the middle of its stop bit on
        at = int(at + 9.5 * sent_bits_per_read_bit) + 1
        while at < end and not level(at - 1):
            at += 1  # still low: a start bit is an edge, not a level
