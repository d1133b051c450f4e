"""JSON logs on standard output: a static event name plus key-values, with trace and event ids from the context.

Never user content: no words, no speaker names, no tokens, no query strings.
"""

import logging
import sys
from typing import Any, TextIO

import structlog

_SEVERITY = {"debug": "DEBUG", "info": "INFO", "warning": "WARNING", "error": "ERROR", "critical": "CRITICAL"}


def _severity(_logger: Any, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Cloud Logging reads the level from `severity` and the text from `message`."""
    event["severity"] = _SEVERITY.get(event.pop("level", method), "DEFAULT")
    event["message"] = event.pop("event", "")
    return event


def configure(service: str, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Set up logging for the process: structlog and the standard library's loggers, one JSON object a line."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
    ]

    def add_service(_l: Any, _m: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event.setdefault("service", service)
        return event

    shared.append(add_service)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _severity,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("urllib3").setLevel(max(root.level, logging.INFO))  # its debug lines show URLs with their query


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger; call it as `log.info("chunk_stored", seq=3)`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
