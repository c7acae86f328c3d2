"""Structured logs, one JSON object a line, and the trace (W3C Trace Context) that ties a request to its events."""

import logging
import re
import secrets
import sys
from contextvars import ContextVar

import structlog

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
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
