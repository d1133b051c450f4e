"""The Whisper server as a child process: started, watched, started again when it dies, and never left behind."""

import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Final

import urllib3

from common.errors import Retryable
from common.logs import get_logger
from local_runner.lifetime import tied_command
from local_runner.settings import WhisperChild
from local_runner.whisper_stats import WhisperStats, whisper_stats

log = get_logger(__name__)

COMMAND: Final = (sys.executable, "-m", "whisper_service")
STOP_TIMEOUT_S: Final = 10.0
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
STEADY_S: Final = 60.0
"""A child that lived so long begins again with the shortest pause."""


class WhisperProcess:
    """`python -m whisper_service` on a port of 127.0.0.1.

    One thread starts the child and waits for it: the kernel ends the child with the thread that started it, and this
    thread ends with its process.
    """

    def __init__(self, child: WhisperChild, command: Sequence[str] = COMMAND) -> None:
        self._child = child
        self._command = list(command)
        self._stopping = threading.Event()
        self._guard = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep_running, name="whisper-process", daemon=True)
        self._pool = urllib3.PoolManager(retries=False, timeout=5.0)

    def start(self) -> None:
        """Start the child; loading its model takes a while. Starts once."""
        self._thread.start()

    def stop(self) -> None:
        """End the child and start no other."""
        with self._guard:
            self._stopping.set()
            process = self._process
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
        if self._thread.is_alive():
            self._thread.join()
        self._pool.clear()

    @property
    def pid(self) -> int | None:
        """Process id of the last child that was started; None before the first."""
        process = self._process
        return None if process is None else process.pid

    def check(self) -> None:
        """Raise `Retryable` while the server does not answer (readiness)."""
        try:
            status = self._pool.request("GET", f"{self._child.url}/health/ready").status
        except urllib3.exceptions.HTTPError as error:
            raise Retryable(f"Whisper does not answer: {type(error).__name__}", reason="whisper_unreachable") from error
        if status != 200:
            raise Retryable(f"Whisper is not ready: {status}", reason="whisper_not_ready")

    def stats(self) -> WhisperStats:
        """The server's own account. Raises `Retryable` when it does not answer."""
        return whisper_stats(self._pool, self._child.url, self._child.environ.get("WHISPER_API_TOKEN", ""))

    def _keep_running(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            began_s = time.monotonic()
            with self._guard:
                if self._stopping.is_set():
                    return
                # Not in our process group: Ctrl-C in a terminal is for the runner, which then stops Whisper last.
                self._process = subprocess.Popen(  # noqa: S603 -- our own interpreter and module
                    tied_command(self._command),
                    env=dict(self._child.environ),
                    stdin=subprocess.DEVNULL,
                    stdout=sys.stderr.fileno(),
                    start_new_session=True,
                )
            log.info("whisper_started", pid=self._process.pid, port=self._child.port)
            status = self._process.wait()
            if self._stopping.is_set():
                return
            if time.monotonic() - began_s > STEADY_S:
                pause_s = FIRST_PAUSE_S
            log.error("whisper_ended", status=status, again_in_s=pause_s)
            self._stopping.wait(pause_s)
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
