"""Named streams of randomness: one seed, and nobody's draws depend on who else draws."""

from __future__ import annotations

import random
from hashlib import blake2b


class Streams:
    """Gives each purpose its own generator, seeded by `blake2b(seed|name)`.

    The same name gives the same generator object for the life of this instance, so that two users of one
    name share its draws; a new name, or more draws elsewhere, shifts nobody.
    """

    def __init__(self, seed: int | str) -> None:
        self.seed = seed
        self._streams: dict[str, random.Random] = {}

    def stream(self, name: str) -> random.Random:
        """Return the generator of `name`, by custom `"node/purpose"`."""
        found = self._streams.get(name)
        if found is None:
            digest = blake2b(f"{self.seed}|{name}".encode(), digest_size=16).digest()
            found = random.Random(int.from_bytes(digest, "big"))  # noqa: S311 - repeatable on purpose
            self._streams[name] = found
        return found
