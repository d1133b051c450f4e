"""The drop box of the local runner: a folder below DATA_DIR whose files become meetings, as objects below DROPBOX_PATH do in the cloud.

A file that stays as it is from one look to the next is taken in by the same code, then moved to `.taken` beside it; or, where nothing
can be made of it, to `.refused` with a file that says why. Which meeting a file becomes follows from its name, size and time, so that
whoever dies at any point in between only does again what changes nothing.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec
from structlog.contextvars import clear_contextvars

from common.adapters.embedded.folder_objects import file_uri, generation_of
from common.clock import Clock, iso_utc
from common.errors import Backpressure, Permanent, Retryable
from common.logs import get_logger
from ingest_service.pubsub.dropbox import DropBox, Dropped
from local_runner.repeating import Repeating

log = get_logger(__name__)

POLL_INTERVAL_S: Final = 2.0
TRY_AGAIN_S: Final = 30.0
"""After what may pass: a disk that is full, a file that may not be read yet."""
TAKEN: Final = ".taken"
REFUSED: Final = ".refused"
REASON_SUFFIX: Final = ".reason"
UNFINISHED: Final = frozenset({".part", ".partial", ".crdownload", ".download", ".tmp", ".filepart"})
"""What programs call a file that they still write."""


class Refusal(msgspec.Struct, frozen=True):
    """Content of a `.reason` file."""

    reason: str
    detail: str
    refused_at: str
    """ISO 8601, UTC."""


class DropFolder:
    """The folder `path` below `root`. Call `look` again and again; it keeps nothing that may not be lost."""

    def __init__(self, root: Path, path: str, box: DropBox, clock: Clock) -> None:
        self._root = root
        self._path = path
        self._box = box
        self._clock = clock
        self._seen: dict[str, str] = {}
        """Version by name, of the last look."""
        self._not_before_s: dict[str, float] = {}
        """By name, of files that failed in passing; on the monotonic clock."""
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def folder(self) -> Path:
        """Where files are put."""
        return self._root / self._path

    def look(self, stop: Callable[[], bool] = lambda: False) -> int:
        """Take in what has not changed since the last look; returns how many files were moved away. Ends early once `stop` says so."""
        now = dict(self._versions())
        steady = [name for name, version in now.items() if self._seen.get(name) == version]
        self._seen = now
        now_s = self._clock.monotonic_s()
        self._not_before_s = {name: at_s for name, at_s in self._not_before_s.items() if name in now and at_s > now_s}
        steady = [name for name in steady if name not in self._not_before_s]
        return sum(self._take(name, now[name]) for name in sorted(steady) if not stop())

    def _versions(self) -> Iterator[tuple[str, str]]:
        """Name below `root` and version of every file that may be complete. Files and folders with a dot in front are nobody's."""
        for folder, folders, files in os.walk(self.folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in files:
                path = Path(folder, name)
                if name.startswith(".") or path.suffix.lower() in UNFINISHED or path.is_symlink():
                    continue
                try:
                    status = path.stat()
                except FileNotFoundError:
                    continue
                if status.st_size:
                    yield path.relative_to(self._root).as_posix(), generation_of(status)

    def _take(self, name: str, version: str) -> bool:
        """Whether the file was moved away. What fails in passing stays for a later look, and holds up no other file."""
        clear_contextvars()
        try:
            stream = self._box.take(Dropped(name, file_uri(name), version), dropped_ms=self._clock.now_ms())
        except Permanent as error:
            if error.reason == "source_not_found":  # taken away, or written to, meanwhile
                return False
            log.warning("dropped_file_refused", reason=error.reason)
            refusal = Refusal(error.reason, str(error), iso_utc(self._clock.now_ms()))
            return self._move(name, version, REFUSED, refusal)
        except (Retryable, Backpressure) as error:
            log.warning("dropped_file_waits", reason=error.reason)
            return self._later(name)
        except Exception as error:
            log.exception("dropped_file_failed", error_type=type(error).__name__)
            return self._later(name)
        log.info("dropped_file_taken", meeting_id=stream.meeting_id, connection_id=stream.connection_id)
        return self._move(name, version, TAKEN)

    def _later(self, name: str) -> bool:
        self._not_before_s[name] = self._clock.monotonic_s() + TRY_AGAIN_S
        return False

    def _move(self, name: str, version: str, to: str, refusal: Refusal | None = None) -> bool:
        source = self._root / name
        target = self.folder / to / source.relative_to(self.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():  # another file of this name came earlier
            target = target.with_name(f"{version}-{target.name}")
        if refusal is not None:
            reason = target.with_name(target.name + REASON_SUFFIX)
            reason.write_bytes(msgspec.json.format(msgspec.json.encode(refusal), indent=2) + b"\n")
        try:
            source.replace(target)
        except FileNotFoundError:
            return False
        return True


class DropFolderWatch(Repeating):
    """Looks into the folder every `interval_s`, in a thread. When it stops, it takes nothing more but the file in hand."""

    def __init__(self, folder: DropFolder, interval_s: float = POLL_INTERVAL_S) -> None:
        super().__init__("drop-folder", interval_s, self._look)
        self._folder = folder

    def _look(self) -> None:
        try:
            self._folder.look(lambda: self.is_stopping)
        except Exception as error:
            log.exception("drop_folder_failed", error_type=type(error).__name__)
