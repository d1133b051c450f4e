"""W3C trace context of the work in hand, carried from request to event to push."""

import re
import secrets
from contextvars import ContextVar

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_current: ContextVar[str] = ContextVar("traceparent", default="")


def continue_trace(received: str | None) -> str:
    """Make `received` (a traceparent, or anything) the current one; a new one where it is not valid. Returns the trace id."""
    match = _TRACEPARENT.fullmatch(received or "")
    trace_id = match.group(1) if match else secrets.token_hex(16)
    _current.set(f"00-{trace_id}-{secrets.token_hex(8)}-01")
    return trace_id


def current_traceparent() -> str:
    """The traceparent to send along, or an empty string outside any request."""
    return _current.get()
