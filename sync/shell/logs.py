"""Structured logs on stderr: lines for people on a terminal, JSON otherwise; secrets never pass."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

_SECRET_KEY = re.compile(r"token|secret|password|passwd|authorization|cookie|api_?key|credential", re.IGNORECASE)
HIDDEN = "***"


class Redaction:
    """A processor that hides values by the name of their key, and known secrets wherever they stand."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = sorted((secret for secret in secrets if len(secret) >= 6), key=len, reverse=True)

    def __call__(self, _logger: Any, _method: str, event: EventDict) -> EventDict:
        """The event without secrets."""
        return {key: HIDDEN if _SECRET_KEY.search(key) else self._clean(value) for key, value in event.items()}

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            for secret in self._secrets:
                value = value.replace(secret, HIDDEN)
            return value
        if isinstance(value, dict):
            return {key: HIDDEN if _SECRET_KEY.search(str(key)) else self._clean(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._clean(inner) for inner in value]
        return value if isinstance(value, int | float | bool | None) else self._clean(str(value))


def configure(secrets: Iterable[str] = (), *, stream: TextIO | None = None, as_json: bool | None = None) -> None:
    """Send our logs, and the warnings of libraries, to `stream` (stderr); JSON unless it is a terminal."""
    target = stream or sys.stderr
    json = not target.isatty() if as_json is None else as_json
    redaction = Redaction(secrets)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if json
        else structlog.dev.ConsoleRenderer(colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback)
    )
    # Before the redaction: what a renderer makes of an exception by itself, nobody has read.
    excepted: list[Processor] = [structlog.processors.format_exc_info]
    last: list[Processor] = [redaction, renderer]
    structlog.configure(
        processors=[*shared, *excepted, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(target),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    strip: Processor = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[strip, *excepted, *last])
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    # It warns of every run that it skips, which is what we ask it to do.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
