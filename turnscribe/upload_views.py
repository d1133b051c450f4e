"""How uploads are shown: a bar for each file on a terminal, lines otherwise. Always on standard error: standard output is for what was asked for."""

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TextIO

from turnscribe.upload import UploadProgress
from turnscribe.upload_batch import BatchView, Outcome

if TYPE_CHECKING:
    from rich.progress import TaskID

LINE_EVERY_S: Final = 10.0


class UploadView(BatchView, Protocol):
    """Shows a batch and what comes after it."""

    def say(self, text: str) -> None:
        """One line that stays."""
        ...

    def close(self) -> None:
        """Nothing changes any more."""
        ...


def size_text(size_bytes: int) -> str:
    """A size for people, such as `12.3 MB`. Pure."""
    if size_bytes < 1000:
        return f"{size_bytes} {'byte' if size_bytes == 1 else 'bytes'}"
    power = min(3, (len(str(size_bytes)) - 1) // 3)
    return f"{size_bytes / 1000**power:.1f} {('', 'kB', 'MB', 'GB')[power]}"


def outcome_text(outcome: Outcome) -> str:
    """What became of a file, in one line. Pure."""
    done = outcome.uploaded
    if done is None:
        # Errors of the file name it already.
        return outcome.error if outcome.error.startswith(f"{outcome.path}: ") else f"{outcome.path}: {outcome.error}"
    if done.resumed_from_bytes == done.size_bytes:
        how = f"{size_text(done.size_bytes)} were there already"
    elif done.resumed_from_bytes:
        how = f"{size_text(done.size_bytes)} uploaded, going on at {size_text(done.resumed_from_bytes)}"
    else:
        how = f"{size_text(done.size_bytes)} uploaded"
    return f"{outcome.path}: {how}; meeting {done.meeting_id}, connection {done.connection_id}"


class PlainUploads:
    """Lines: where each file is now and then, why it waits, and what became of it."""

    def __init__(self, out: TextIO, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._last_s: dict[Path, float] = {}

    def say(self, text: str) -> None:
        """One line."""
        print(text, file=self._out, flush=True)

    def progress(self, path: Path, at: UploadProgress) -> None:
        """A line when it begins to wait, and one every LINE_EVERY_S."""
        with self._lock:
            now_s = self._monotonic_s()
            is_due = now_s - self._last_s.setdefault(path, now_s) >= LINE_EVERY_S
            if is_due:
                self._last_s[path] = now_s
        if at.state == "waiting":
            self.say(f"{path}: {at.detail}")
        elif is_due and at.state == "sending":
            self.say(f"{path}: {size_text(at.at_bytes)} of {size_text(at.size_bytes)}")

    def finished(self, outcome: Outcome) -> None:
        """One line."""
        self.say(outcome_text(outcome))

    def close(self) -> None:
        """Nothing to end."""


class UploadBars:
    """A terminal: a bar for each file in work, and a line above them for each that is done with."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self._lock = threading.Lock()
        self._tasks: dict[Path, TaskID] = {}
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(None),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[detail]}", markup=False),
            console=Console(stderr=True),
            expand=True,
            transient=True,
        )
        self._bars.start()

    def say(self, text: str) -> None:
        """One line above the bars."""
        self._bars.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def progress(self, path: Path, at: UploadProgress) -> None:
        """Move the file's bar."""
        with self._lock:
            task = self._tasks.get(path)
            if task is None:
                task = self._tasks[path] = self._bars.add_task(path.name, total=at.size_bytes, detail="")
        detail = {"reading": "reading", "waiting": at.detail}.get(at.state, "")
        self._bars.update(task, completed=at.at_bytes, detail=detail)

    def finished(self, outcome: Outcome) -> None:
        """Replace the bar by a line."""
        with self._lock:
            task = self._tasks.pop(outcome.path, None)
        if task is not None:
            self._bars.remove_task(task)
        self.say(outcome_text(outcome))

    def close(self) -> None:
        """Take the bars away."""
        self._bars.stop()


def choose_upload_view() -> UploadView:
    """Bars on a terminal that can; lines otherwise."""
    if sys.stderr.isatty():
        try:
            return UploadBars()
        except ImportError:
            pass  # without rich, lines do
    return PlainUploads(sys.stderr)
