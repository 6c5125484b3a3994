"""A process that accepts messages as fast as it can and prints each identity once it is durable."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tests.ledger_world import accept, open_ledger

WRITERS = 16


async def main(folder: Path, count: int) -> None:
    """Accept `count` messages per writer (0: until killed); each answer is one write to the output."""
    ledger = await open_ledger(folder / "ledger.db")

    async def writer() -> None:
        done = 0
        while not count or done < count:
            identity = await ledger.write(accept)
            os.write(1, f"{identity}\n".encode())
            done += 1

    async with asyncio.TaskGroup() as tasks:
        for _ in range(WRITERS):
            tasks.create_task(writer())
    await ledger.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
