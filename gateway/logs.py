"""structlog set up once, by the daemon alone: JSON for journald, or lines for a console."""

from __future__ import annotations

import logging
import sys
from typing import Any, Literal

from drivers.base import Log

MAX_TEXT_CHARS = 200
"""Longest value of a key in a log line; text from radios must not flood or forge lines."""


def configure(style: Literal["console", "json"], level: str) -> Log:
    """Set up logging to standard error and return the root log.

    structlog loads rich, where that is installed, for tracebacks that a daemon never prints: 3 MiB.
    """
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
    import structlog  # noqa: PLC0415 - after the line above

    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if style == "console"
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=False),
            structlog.processors.ExceptionRenderer(),
            _shorten,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    log: Log = structlog.get_logger()
    return log


def _shorten(_logger: object, _name: str, event: Any) -> Any:
    for key, value in event.items():
        if isinstance(value, str) and len(value) > MAX_TEXT_CHARS and key != "exception":
            event[key] = value[:MAX_TEXT_CHARS] + "…"
    return event
