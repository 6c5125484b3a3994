"""A fault is a line of data: it can be listed, shrunk, written to a file and played again."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Kind(Enum):
    """Everything that can break. `target` and the parameters (`value`, `other`) each kind takes are named."""

    # --- on a bearer: target is "bearer" or "bearer:node" or "bearer:node>other" (one direction) ------------
    CUT = "cut"
    """Nothing passes. With "node>other" only that direction: an asymmetric partition."""
    LOSS = "loss"
    """`value` 0..1 is the share lost."""
    DUPLICATE = "duplicate"
    """`value` 0..1 is the share that comes twice (IP, Beidou)."""
    REORDER = "reorder"
    """`value` seconds is the longest extra delay of a datagram (IP)."""
    CORRUPT = "corrupt"
    """`value` 0..1 is the share with one octet changed (IP, serial lines)."""
    CLOG = "clog"
    """Nothing arrives until the fault ends; then everything that waits arrives, in order."""
    SWIZZLE = "swizzle"
    """Nodes of the bearer are clogged one by one in random order, and freed in another (target: bearer)."""
    BLOCKED = "blocked"
    """An obstacle stands between a terminal and its satellite (tunnel, building)."""

    # --- on a node -----------------------------------------------------------------------------------
    CRASH = "crash"
    """The gateway's process is killed; it starts again after `for_s`. What it wrote is on the disk."""
    POWER_CUT = "power_cut"
    """The box loses power: its disk keeps what was synced. Power returns after `for_s`. `value` 1: not at
    once, but in the moment after its next frame has left."""
    TORN_WRITE = "torn_write"
    """A power cut in the middle of a commit; `value` 0..1 is the share of the write that reached the disk."""
    PAUSE = "pause"
    """The gateway's process is stopped for `for_s` (SIGSTOP, a swapping box): nothing runs, buffers fill."""
    REBOOT_LOOP = "reboot_loop"
    """Power comes and goes every `value` seconds for `for_s`."""
    DISK_FULL = "disk_full"
    """No more octets fit the disk."""
    CLOCK_STEP = "clock_step"
    """The date jumps by `value` seconds, years if need be; monotonic time does not notice."""
    RESTORED_BACKUP = "restored_backup"
    """The box starts again on its disk as it was `value` seconds ago."""
    CLONED_BOX = "cloned_box"
    """A copy of the disk runs beside the box, on the same bearers, for `for_s`."""
    BATTERY_DEATH = "battery_death"
    """The node's battery is empty at once, and mains do not help; another is in after `for_s` (0: never)."""

    # --- on a device: target is "node/link" ---------------------------------------------------------
    UNPLUG = "unplug"
    """The serial port vanishes for `for_s`."""
    HANG = "hang"
    """The device takes octets and answers nothing."""
    STUCK = "stuck"
    """The port blocks: flow control never lets go."""
    SLOW = "slow"
    """Octets take `value` times as long."""
    GARBAGE = "garbage"
    """The line brings `value` random octets a second."""
    WRONG_BAUD = "wrong_baud"
    """The device listens at another rate."""
    DEVICE_REBOOT = "device_reboot"
    """The device restarts in mid-sentence, with its boot text."""
    ERROR = "error"
    """The device answers every command with an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that breaks at `at_s` for `for_s` seconds (0: until the world is healed, or an instant).

    `cause` is the scenario action it comes from ("" for itself), so that a report can say why.
    """

    at_s: float
    kind: Kind
    target: str
    for_s: float = 0.0
    value: float = 0.0
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """All faults of one run, in order of time; what a replay file holds and what shrinking makes shorter."""

    faults: tuple[Fault, ...] = field(default=())

    def without(self, dropped: frozenset[int]) -> Schedule:
        """Return the schedule without the faults at these places."""
        return Schedule(faults=tuple(f for i, f in enumerate(self.faults) if i not in dropped))
