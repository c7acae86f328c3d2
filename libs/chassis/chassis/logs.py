"""Structured logs, one JSON object a line, and the trace (W3C Trace Context) that ties a request to its events."""

import logging
import secrets
import sys
from contextvars import ContextVar

import structlog

_traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)


def configure(service: str) -> None:
    """Log to standard output as JSON, each line with the service's name and the current trace."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format="%(levelname)s %(name)s %(message)s")


def _trace_id(header: str | None) -> str:
    """The trace id of a `traceparent` header (version 00), a new one where it is absent or malformed."""
    parts = (header or "").split("-")
    if len(parts) == 4 and [len(part) for part in parts] == [2, 32, 16, 2]:
        try:
            if int(parts[1], 16):
                return parts[1].lower()
        except ValueError:
            pass
    return secrets.token_hex(16)


def enter_trace(header: str | None) -> str:
    """Take up the trace of `header`, or start one; its id is bound to the logs and answered."""
    trace_id = _trace_id(header)
    _traceparent.set(f"00-{trace_id}-{secrets.token_hex(8)}-01")
    structlog.contextvars.bind_contextvars(request_id=trace_id)
    return trace_id


def traceparent() -> str | None:
    """The current trace as a `traceparent` header, for what this request or message causes."""
    return _traceparent.get()
