"""The status page: a handful of static files out of the package, allowed to talk to nobody but us."""

from __future__ import annotations

import hashlib
from importlib import resources

from aiohttp import web

from gateway.api.errors import Handler

TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy: no inline script, nothing from elsewhere, in nobody's frame."""


def add_to(app: web.Application) -> None:
    """Serve the page at `/` and its parts at `/page/`; reads the files once."""
    for item in sorted(resources.files("gateway.api").joinpath("page").iterdir(), key=lambda one: one.name):
        suffix = "." + item.name.rpartition(".")[2]
        if suffix not in TYPES:
            continue
        handler = _handler(item.read_bytes(), TYPES[suffix])
        if item.name == "index.html":
            app.router.add_get("/", handler)
        else:
            app.router.add_get(f"/page/{item.name}", handler)


def _handler(content: bytes, content_type: str) -> Handler:
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    headers = {
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
        "ETag": tag,
    }

    async def serve(request: web.Request) -> web.StreamResponse:
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=content, content_type=content_type, charset="utf-8", headers=headers)

    return serve
