"""Runs an image's command as its container would: its environment and no other, its user, a folder that it cannot write to."""

import contextlib
import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cloudbuild.images.base_python import BasePython
from cloudbuild.images.folder_build import Image

GRACE_S: Final = 10
"""Cloud Run's, from SIGTERM to SIGKILL."""
_POLL_S: Final = 0.01
_ANSWER_S: Final = 5
_TAIL_BYTES: Final = 4_000


class NotRunning(Exception):
    """The service ended, did not answer, or answered wrong; the message has the end of its log."""


@dataclass(slots=True)
class Container:
    """An image that is run. All that it may write lies in `scratch`."""

    image: Image
    base: BasePython
    scratch: Path
    settings: Mapping[str, str]
    """Environment that it is given besides its own."""
    port: int = field(default_factory=lambda: free_port())
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def is_other_user(self) -> bool:
        """Whether it runs as the image's user, which only root can arrange."""
        return os.geteuid() == 0

    def __post_init__(self) -> None:
        for name in ("data", "tmp"):
            folder = self.scratch / name
            folder.mkdir(parents=True)
            if self.is_other_user:
                os.chown(folder, self.image.uid, self.image.gid)

    def environ(self) -> dict[str, str]:
        """Of the service. It listens to this machine alone, where in a container PORT lets it listen to the outside."""
        own = {
            **{name: value for name, value in self.image.environ.items() if name != "PORT"},
            "HOME": "/",
            "TMPDIR": str(self.scratch / "tmp"),
            "DATA_DIR": str(self.scratch / "data"),
            **self.settings,
            "API_HOST": "127.0.0.1",
            "API_PORT": str(self.port),
        }
        return self.base.environ(own)

    def run(self, command: Sequence[str], **environ: str) -> "subprocess.CompletedProcess[bytes]":
        """Another command in it, to its end."""
        return subprocess.run(  # noqa: S603 -- the image's own
            command, env={**self.environ(), **environ}, cwd=self.image.workdir, capture_output=True, check=False, **self._user()
        )  # fmt: skip

    def healthy(self) -> bool:
        """What the image's own HEALTHCHECK says."""
        return self.run(self.image.health, PORT=str(self.port)).returncode == 0

    @contextlib.contextmanager
    def started(self, limit_s: float) -> Iterator["Answer"]:
        """The service, from its first answer on; killed at the end if it still runs."""
        with (self.scratch / "log").open("ab") as log:
            began_s = time.monotonic()
            self.process = subprocess.Popen(  # noqa: S603 -- the image's own
                self.image.command, env=self.environ(), cwd=self.image.workdir, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, **self._user(),
            )  # fmt: skip
        try:
            self.wait_for("/health", limit_s)
            yield Answer(time.monotonic() - began_s, _cpu_s(self.process.pid))
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def wait_for(self, path: str, limit_s: float) -> Any:
        """The JSON that `path` answers with 200, however often it has to be asked. Raises `NotRunning`."""
        until_s = time.monotonic() + limit_s
        answer: tuple[int, bytes] | None = None
        while time.monotonic() < until_s:
            if self.process is None or self.process.poll() is not None:
                raise NotRunning(f"it ended before it answered {path}:\n{self.log()}")
            answer = _get(self.port, path)
            if answer is not None and answer[0] == 200:
                return json.loads(answer[1])
            time.sleep(_POLL_S)
        raise NotRunning(f"{path} said {answer} after {limit_s:.0f} s:\n{self.log()}")

    def stop(self) -> int:
        """Ask it to stop as the platform does, and say its exit status. Raises `NotRunning` where it takes longer than it may."""
        assert self.process is not None  # noqa: S101 -- for the type checker: it is called while the service runs
        self.process.terminate()
        try:
            return self.process.wait(GRACE_S)
        except subprocess.TimeoutExpired as error:
            raise NotRunning(f"it was still there {GRACE_S} s after SIGTERM") from error

    def log(self) -> str:
        """The end of what it wrote."""
        return (self.scratch / "log").read_text(errors="replace")[-_TAIL_BYTES:]

    def _user(self) -> dict[str, Any]:
        if not self.is_other_user:
            return {}
        return {"user": self.image.uid, "group": self.image.gid, "extra_groups": []}


@dataclass(frozen=True, slots=True)
class Answer:
    """The first one."""

    after_s: float
    """Since the process was started."""
    cpu_s: float
    """What all its processes used until then."""


def make_unwritable(folder: Path) -> None:
    """Take from everybody, its owner too, the right to write to what is below."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)


def make_removable(folder: Path) -> None:
    """Let the owner remove it."""
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(path.stat().st_mode | stat.S_IRWXU)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens to."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


def _get(port: int, path: str) -> tuple[int, bytes] | None:
    """Status and body; None where nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _cpu_s(session: int) -> float:
    """CPU time of all processes of a session so far, from /proc; 0 where there is none."""
    ticks = 0
    for stat_file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat_file.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                ticks += int(fields[11]) + int(fields[12]) + int(fields[13]) + int(fields[14])
    return ticks / os.sysconf("SC_CLK_TCK")
