"""Structured logs, one JSON object a line, and the trace (W3C Trace Context) that ties a request to its events."""

import logging
import re
import secrets
import sys
from contextvars import ContextVar
from typing import Any

import structlog

from chassis.trouble import traced

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)


class _Formatter(logging.Formatter):
    def formatException(self, ei: Any) -> str:  # noqa: N802 -- the standard library's name
        return traced(ei[1])


def formatter() -> logging.Formatter:
    """For what libraries log: a traceback tells no value either."""
    return _Formatter("%(levelname)s %(name)s %(message)s")


def configure(service: str) -> None:
    """Log to standard output as JSON, each line with the service's name and the current trace."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(lambda exc_info: traced(exc_info[1])),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    for client in ("aiormq", "aio_pika"):  # they tell of a lost connection with tracebacks; who uses it tells too
        logging.getLogger(client).setLevel(logging.CRITICAL)


def _trace_id(header: str | None) -> str:
    """The trace id of a `traceparent` header (version 00), a new one where it is absent or malformed."""
    known = _TRACEPARENT.fullmatch(header or "")
    return known[1] if known else secrets.token_hex(16)


def enter_trace(header: str | None) -> str:
    """Take up the trace of `header`, or start one; its id is bound to the logs and answered."""
    trace_id = _trace_id(header)
    _traceparent.set(f"00-{trace_id}-{secrets.token_hex(8)}-01")
    structlog.contextvars.bind_contextvars(request_id=trace_id)
    return trace_id


def traceparent() -> str | None:
    """The current trace as a `traceparent` header, for what this request or message causes."""
    return _traceparent.get()
