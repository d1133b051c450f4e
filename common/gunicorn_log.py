"""What gunicorn says itself, as lines like ours: one JSON object each, and nothing that a client wrote.

It speaks of requests that never became any (and so quotes them: an address may hold a token), and of its own starting and stopping.
"""

import json
import logging
from datetime import UTC, datetime
from typing import Any, Final

from gunicorn.config import Config
from gunicorn.glogging import Logger

_QUOTES_CLIENTS: Final = ("Invalid request from ", "Error handling request")
"""How the messages begin of which no more is kept."""
_SEVERITIES: Final = {"CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG"}


class JsonLog(Logger):
    """Gunicorn's `logger_class`."""

    def setup(self, cfg: Config) -> None:
        """See the base class."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(_JsonLines())

    def warning(self, msg: object, *args: object, **kwargs: Any) -> None:
        """See the base class."""
        super().warning(*_without_quotes(msg, args), **kwargs)

    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        """See the base class."""
        super().exception(*_without_quotes(msg, args), **kwargs)


def _without_quotes(msg: object, args: tuple[object, ...]) -> tuple[Any, ...]:
    begin = next((each for each in _QUOTES_CLIENTS if str(msg).startswith(each)), None)
    return (begin.removesuffix(" from "),) if begin else (msg, *args)


class _JsonLines(logging.Formatter):
    """`detail` is gunicorn's message; ours names who speaks, as it is what lines are counted by."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "service": "gunicorn",
            "process": record.process,
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "severity": record.levelname if record.levelname in _SEVERITIES else "DEFAULT",
            "message": "gunicorn",
            "detail": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)
