"""`python -m whisper_service`: the service under gunicorn, one worker process with threads."""

import os
from collections.abc import Callable, Iterable
from typing import Any, Final

from gunicorn.app.base import BaseApplication

from common.startup import settings_or_exit
from whisper_service.bootstrap import application
from whisper_service.settings import WhisperSettings

SPARE_THREADS: Final = 4
"""For health checks and for telling those beyond the queue that it is full."""
DRAIN_S: Final = 60
"""How long SIGTERM leaves to requests that run or wait."""


def server_options(settings: WhisperSettings) -> dict[str, Any]:
    """Gunicorn's settings. One process, because the model is in memory once; transcriptions run outside Python's lock."""
    return {
        "bind": f"{settings.api_host}:{settings.api_port}",
        "worker_class": "gthread",
        "workers": 1,
        "threads": settings.whisper_workers + settings.whisper_queue + SPARE_THREADS,
        "timeout": 0,
        "graceful_timeout": DRAIN_S,
        "control_socket_disable": True,
        "loglevel": "warning",
        "proc_name": "whisper_service",
    }


class Server(BaseApplication):
    """Gunicorn without its command line."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        """Set what this version of gunicorn knows; the control socket came with a later one."""
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Callable[..., Iterable[bytes]]:
        """Called in the worker."""
        return application()


if __name__ == "__main__":
    Server(server_options(settings_or_exit(WhisperSettings, os.environ))).run()
