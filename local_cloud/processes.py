"""Child processes that live no longer than the one that started them: started with a log, waited for, ended by pid."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Final

from local_cloud.process_times import cpu_seconds, is_stopped, resident_bytes
from local_runner.lifetime import tied_command

_STOPPED_AFTER_S: Final = 30.0


class DidNotStart(Exception):
    """A process ended or never listened. The message names its log."""


class DidNotStop(Exception):
    """A process runs on although it was frozen."""


def free_ports(count: int) -> tuple[int, ...]:
    """Different TCP ports of 127.0.0.1 that nobody listens on now."""
    with ExitStack() as held:  # all at once, or the same one may come twice
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return tuple(probe.getsockname()[1] for probe in probes)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    return free_ports(1)[0]


def check_free(port: int) -> None:
    """Raise `DidNotStart` when somebody listens on that port of 127.0.0.1."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise DidNotStart(f"port {port} of 127.0.0.1 is not to be had: {error.strerror}; name another") from error


class Child:
    """A process with its own log file, tied to this one. `start` it in a thread that stays; it may be started again."""

    def __init__(
        self, name: str, command: Sequence[str], *, port: int, log_path: Path, environ: Mapping[str, str]
    ) -> None:
        self.name = name
        self.port = port
        self.log_path = log_path
        self._command = list(command)
        self._environ = dict(environ)
        self._process: subprocess.Popen[bytes] | None = None
        self._earlier_cpu_s = 0.0

    @property
    def pid(self) -> int:
        """Process id; the leader of the group that all its children are in."""
        if self._process is None:
            raise DidNotStart(f"{self.name} was not started")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_status(self) -> int | None:
        """What it ended with, minus the signal's number where one ended it; None while it runs or before it was started."""
        return None if self._process is None else self._process.poll()

    def cpu_seconds(self) -> float:
        """CPU time of its process, of all that these started, and of those that ran before `stop` or `kill`."""
        return self._earlier_cpu_s + (cpu_seconds(self.pid) if self.is_running else 0.0)

    def resident_bytes(self) -> int:
        """Memory of its process and of all that it started; pages that they share count once for each."""
        return resident_bytes(self.pid) if self.is_running else 0

    def start(self) -> None:
        """Start it; returns at once."""
        log: IO[bytes]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 -- commands of this package
                tied_command(self._command),
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches the parent only, which ends its children in order
            )

    def wait_until_listening(self, timeout_s: float) -> None:
        """Return once its port answers. Raises `DidNotStart`."""
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            if not self.is_running:
                raise DidNotStart(f"{self.name} ended at once; its log is {self.log_path}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise DidNotStart(f"{self.name} does not listen after {timeout_s:g} s; its log is {self.log_path}")

    def ask_to_end(self) -> None:
        """SIGTERM, and return at once. Harmless when it has ended."""
        if self._process is not None and self._process.poll() is None:
            self.thaw()  # a stopped process hears nothing else
            self._process.terminate()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Ask it to end, and end it when it does not. Harmless when it has ended."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            cpu_s = self.cpu_seconds()
            self.ask_to_end()
            try:
                process.wait(timeout_s)
                self._earlier_cpu_s = cpu_s
            except subprocess.TimeoutExpired:
                self.kill()
        process.wait()

    def kill(self) -> None:
        """End it and everything that it started, without a chance to finish anything."""
        if self._process is None or self._process.poll() is not None:
            return
        self._earlier_cpu_s = self.cpu_seconds()
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def freeze(self) -> None:
        """SIGSTOP: connections stay, nothing is answered until `thaw`. Returns once it has stopped. Raises `DidNotStop`.

        The signal waits until one thread, mostly the first, gets a processor, and on a full machine the others answer meanwhile.
        """
        os.killpg(self.pid, signal.SIGSTOP)
        deadline_s = time.monotonic() + _STOPPED_AFTER_S
        while not is_stopped(self.pid):
            if time.monotonic() > deadline_s:
                raise DidNotStop(f"{self.name} has threads that still run {_STOPPED_AFTER_S:g} s after SIGSTOP")
            time.sleep(0.001)

    def thaw(self) -> None:
        """SIGCONT."""
        os.killpg(self.pid, signal.SIGCONT)
