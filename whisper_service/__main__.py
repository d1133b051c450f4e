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
FRONT_END_KEEPALIVE_S: Final = 620
"""Longer than Google's front ends keep an idle connection: the side that reuses one must be the side that closes it."""


def server_options(settings: WhisperSettings, *, behind_front_end: bool) -> dict[str, Any]:
    """Gunicorn's settings. One process, because the model is in memory once; transcriptions run outside Python's lock.

    `behind_front_end`: it runs in a container, whose only way in is the platform's front end.
    """
    host = "0.0.0.0" if behind_front_end else settings.api_host  # noqa: S104 -- in a container alone
    return {
        "bind": f"{host}:{settings.api_port}",
        "keepalive": FRONT_END_KEEPALIVE_S if behind_front_end else 2,
        "worker_class": "gthread",
        "workers": 1,
        "threads": settings.whisper_workers + settings.whisper_queue + SPARE_THREADS,
        "timeout": 0,
        "graceful_timeout": DRAIN_S,
        # Nothing here asks for scheme, host or peer; believed from a neighbour, SCRIPT_NAME would change the path that is asked for.
        "forwarded_allow_ips": "",
        "forwarder_headers": "",
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
    options = server_options(
        settings_or_exit(WhisperSettings, os.environ), behind_front_end=bool(os.environ.get("PORT"))
    )
    Server(options).run()
