"""Gunicorn for the local runner: one process with threads, and a stop that finishes what is in hand.

The process tree: arbiter (takes signals) → worker (everything) → Whisper. Each ends when the one above it dies.
"""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.workers.gthread import ThreadWorker

from common.clock import SystemClock
from common.gunicorn_log import JsonLog
from common.server_settings import MAX_REQUEST_LINE_BYTES
from common.slow_clients import PatientWorker
from local_runner.lifetime import end_with_parent
from local_runner.settings import RunnerSettings

if TYPE_CHECKING:
    from local_runner.compose import Stack

THREADS: Final = 32
"""For everything but readers of live meetings: those hold one each and come on top, so that no number of them keeps a push waiting.
A thread is started when all others are busy, and costs next to nothing while it waits."""
GRACE_S: Final = 40
"""Time from SIGTERM to SIGKILL: draining deliveries, then requests, then Whisper."""


class DrainingWorker(PatientWorker):
    """On SIGTERM the dispatcher stops first; the server goes on answering its last pushes, and only then closes."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin the orderly stop; the second signal changes nothing."""
        if not getattr(self, "_draining", False):
            self._draining = True
            threading.Thread(target=self._drain_then_close, args=(sig, frame), name="drain").start()

    @property
    def _stack(self) -> "Stack":
        app: Any = self.app  # a LocalServer; gunicorn declares the base class
        stack: Stack = app.stack
        return stack

    def _drain_then_close(self, sig: int, frame: FrameType | None) -> None:
        self._stack.drain()
        super().handle_exit(sig, frame)

    def init_signals(self) -> None:
        """Ctrl-C reaches the whole process group; the arbiter alone decides what it means."""
        super().init_signals()
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def run(self) -> None:
        """Serve; afterwards close the stack."""
        self._stack.start()
        try:
            super().run()
        finally:
            self._stack.close()


class LocalArbiter(Arbiter):
    """Ctrl-C stops in order, as SIGTERM does; a second one at once."""

    def handle_int(self) -> None:
        """SIGINT."""
        self.handle_term()


class LocalServer(BaseApplication):
    """Serves the stack until SIGTERM or Ctrl-C. `when_listening` is called once the port is bound."""

    def __init__(self, settings: RunnerSettings, when_listening: Callable[[], None]) -> None:
        self._settings = settings
        self._when_listening = when_listening
        self._stack: Stack | None = None
        super().__init__()

    @property
    def stack(self) -> "Stack":
        """What is served; there in the worker only."""
        if self._stack is None:
            raise RuntimeError("the stack is built in the worker")
        return self._stack

    def load_config(self) -> None:
        """Set what this version of gunicorn knows; the control socket came with a later one."""
        shared = self._settings.shared

        def tie_to_arbiter(arbiter: Arbiter, _worker: ThreadWorker) -> None:
            end_with_parent(arbiter.pid, signal.SIGKILL)

        options: dict[str, Any] = {
            "bind": [f"{shared.api_host}:{shared.api_port}"],
            "worker_class": DrainingWorker,
            "workers": 1,
            "threads": THREADS + self._settings.transcribe.live_readers,
            "timeout": 0,
            "graceful_timeout": GRACE_S,
            "limit_request_line": MAX_REQUEST_LINE_BYTES,
            # By itself gunicorn believes whoever connects from this machine, such as a proxy that hands on what its clients send: a
            # header SCRIPT_NAME would make another path of the one that the proxy has looked at.
            "forwarded_allow_ips": "",
            "forwarder_headers": "",
            "control_socket_disable": True,
            "loglevel": "warning",
            "logger_class": JsonLog,
            "proc_name": "turnscribe-local",
            "post_fork": tie_to_arbiter,
            "when_ready": lambda _arbiter: self._when_listening(),
        }
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """Build the stack and give its WSGI application. Called in the worker."""
        # Not before the fork: the native libraries below start threads when they are imported, and a fork leaves them behind.
        from local_runner.compose import Stack

        os.umask(0o077)  # recordings and transcripts are their owner's
        self._stack = Stack(self._settings, SystemClock())
        return self._stack.application

    def run(self) -> None:
        """Serve until told to stop; raises SystemExit at the end."""
        LocalArbiter(self).run()
