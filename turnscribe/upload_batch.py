"""Uploading several files at once: each fails by itself, and stopping stops them all where they are. Prints nothing."""

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from turnscribe.errors import TurnscribeClientError
from turnscribe.upload import ToldProgress, UploadedRecording, UploadProgress

STOPPING_S: Final = 2.0
"""How long a stopped upload may take to notice. One that waits for the server does not; it ends with the process."""
INTERRUPTED: Final = "interrupted"
UploadOne = Callable[[Path, ToldProgress], UploadedRecording]


@dataclass(frozen=True)
class Outcome:
    """What became of one file: uploaded, or the reason why not."""

    path: Path
    uploaded: UploadedRecording | None
    error: str = ""


class BatchView(Protocol):
    """Shows a batch. Called from several threads."""

    def progress(self, path: Path, at: UploadProgress) -> None:
        """A file moves, or waits."""
        ...

    def finished(self, outcome: Outcome) -> None:
        """A file is done with."""
        ...


class _Stopped(Exception):
    """Raised in an upload's thread to end it between two blocks."""


def upload_all(
    paths: Sequence[Path], upload: UploadOne, view: BatchView, *, parallel: int
) -> tuple[list[Outcome], bool]:
    """Upload the files, `parallel` at a time, and say what became of each, in their order; True where Ctrl-C stopped it."""
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, Outcome | BaseException]] = queue.SimpleQueue()
    stop = threading.Event()
    for number in range(len(paths)):
        waiting.put(number)

    def one(path: Path) -> Outcome:
        def progress(at: UploadProgress) -> None:
            if stop.is_set():
                raise _Stopped
            view.progress(path, at)

        try:
            return Outcome(path, upload(path, progress))
        except _Stopped:
            return Outcome(path, None, INTERRUPTED)
        except TurnscribeClientError as error:
            return Outcome(path, None, str(error))

    def work() -> None:
        while not stop.is_set():
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((number, one(paths[number])))
            except BaseException as error:  # noqa: BLE001 -- raised again where the outcomes are waited for
                done.put((number, error))

    threads = [threading.Thread(target=work, name=f"upload-{n}", daemon=True) for n in range(min(parallel, len(paths)))]
    outcomes: dict[int, Outcome] = {}

    def take() -> Outcome:
        number, outcome = done.get()
        if isinstance(outcome, BaseException):
            raise outcome
        outcomes[number] = outcome
        return outcome

    interrupted = False
    try:
        for thread in threads:
            thread.start()
        while len(outcomes) < len(paths):
            view.finished(take())
    except KeyboardInterrupt:
        interrupted = True
        stop.set()
        for thread in threads:
            thread.join(STOPPING_S)
        while not done.empty():
            take()
    return [outcomes.get(number, Outcome(path, None, INTERRUPTED)) for number, path in enumerate(paths)], interrupted
