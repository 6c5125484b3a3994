"""Look at the status page without radios: `python -m tests.serve_page [PORT]`, token printed."""

from __future__ import annotations

import asyncio
import sys

from gateway.api.app import build, serve
from tests import api_scene
from tests.api_backend import LoopClock


async def main(port: int) -> None:
    """Serve until interrupted."""
    backend = api_scene.busy(LoopClock())
    config = api_scene.config(bind=f"127.0.0.1:{port}")
    async with serve(
        build(backend, api_scene.tokens(), config, backend.clock, api_scene.log()), config
    ) as url:
        sys.stdout.write(f"{url}/#token={api_scene.CHIEF}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 7381))
