"""JSON logs on standard output: a static event name plus key-values, with trace and event ids from the context.

Where the project is known, lines carry the fields that Cloud Logging and Error Reporting read besides. Never user content: no
words, no speaker names, no tokens, no query strings.
"""

import json
import logging
import sys
from typing import Any, Final, TextIO

import msgspec
import structlog
from opentelemetry.trace import format_span_id, format_trace_id, get_current_span
from structlog.typing import EventDict

from common import __version__

ID_KEYS: Final = ("tenant", "meeting_id", "connection_id", "segment_id")
"""What is bound for the log under these names names the work in hand: labels in Cloud Logging, attributes of spans."""
REQUEST_LINE: Final = "request"
"""The event name of the line that ends each HTTP request, with method, route, status and took_ms."""

_SEVERITY = {"debug": "DEBUG", "info": "INFO", "warning": "WARNING", "error": "ERROR", "critical": "CRITICAL"}
_REPORTED = {"ERROR", "CRITICAL"}


def _severity(_logger: Any, method: str, event: EventDict) -> EventDict:
    """Cloud Logging reads the level from `severity` and the text from `message`."""
    event["severity"] = _SEVERITY.get(event.pop("level", method), "DEFAULT")
    event["message"] = event.pop("event", "")
    return event


def _add_trace(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """The trace of the work in hand."""
    context = get_current_span().get_span_context()
    if context.is_valid:
        event.setdefault("trace", format_trace_id(context.trace_id))
    return event


def _add_span(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """The span of the work in hand. A line that names a span itself is about that one, which is over and was sampled."""
    if "span_id" in event:
        event["trace_sampled"] = True
        return event
    context = get_current_span().get_span_context()
    if context.is_valid:
        event["span_id"] = format_span_id(context.span_id)
        event["trace_sampled"] = context.trace_flags.sampled
    return event


class _CloudFields:
    """Cloud Logging's special fields (it takes them out of the payload), and Error Reporting's for lines at ERROR.

    Error Reporting reads the stack trace from `exception`, where it is already.
    """

    def __init__(self, project: str) -> None:
        self._traces = f"projects/{project}/traces/"

    def __call__(self, _logger: Any, _method: str, event: EventDict) -> EventDict:
        if "trace" in event:
            event["logging.googleapis.com/trace"] = self._traces + event.pop("trace")
        for ours, theirs in (("span_id", "spanId"), ("trace_sampled", "trace_sampled")):
            if ours in event:
                event[f"logging.googleapis.com/{theirs}"] = event.pop(ours)
        labels = {key: value for key in ("service", *ID_KEYS) if isinstance(value := event.get(key), str) and value}
        event["logging.googleapis.com/labels"] = labels
        if event["message"] == REQUEST_LINE and "took_ms" in event:
            event["httpRequest"] = {
                "requestMethod": event["method"],
                "requestUrl": event["route"],  # the rule, not the path: no ids, no query
                "status": event["status"],
                "latency": f"{event['took_ms'] / 1000:.4f}s",
            }
        if event["severity"] in _REPORTED:
            event["serviceContext"] = {"service": event["service"], "version": __version__}
        return event


def configure(service: str, level: str = "INFO", stream: TextIO | None = None, *, project: str = "") -> None:
    """Set up logging for the process: structlog and the standard library's loggers, one JSON object a line.

    `project` is that of Google Cloud; with it, lines get Cloud Logging's fields.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
        _add_trace,
    ]

    def add_service(_l: Any, _m: str, event: EventDict) -> EventDict:
        event.setdefault("service", service)
        return event

    shared.append(add_service)
    last: list[structlog.typing.Processor] = [_severity]
    if project:
        shared.append(_add_span)
        last.append(_CloudFields(project))
    last.append(structlog.processors.JSONRenderer(_json))
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Our own lines do not go through the standard library, which would look for the caller's file and line in each.
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        logger_factory=lambda *_names: _Lines(handler),
        cache_logger_on_first_use=False,
    )
    logging.getLogger("urllib3").setLevel(max(root.level, logging.INFO))  # its debug lines show URLs with their query


class _Lines:
    """Writes lines where a handler of the standard library writes its own."""

    def __init__(self, handler: "logging.StreamHandler[TextIO]") -> None:
        self._handler = handler

    def info(self, line: str) -> None:
        """Write a line. As with the standard library, where nothing can be written the work goes on."""
        handler = self._handler
        handler.acquire()
        try:
            handler.stream.write(f"{line}\n")
            handler.stream.flush()
        except (OSError, ValueError):
            pass
        finally:
            handler.release()

    debug = warning = error = critical = info


def _json(event: EventDict, **_options: Any) -> str:
    try:
        return msgspec.json.encode(event, enc_hook=repr).decode()
    except UnicodeEncodeError:  # half of a surrogate pair, which only escapes can carry
        return json.dumps(event, default=repr)


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger; call it as `log.info("chunk_stored", seq=3)`."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(name)
    return logger
