"""A recording on disk that is to be uploaded: read in pieces, known by its content, and watched for changes. Sends nothing."""

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from turnscribe.errors import UnusableFile

BLOCK_BYTES: Final = 64 * 1024
"""What is read at once: the most that is in memory of a file."""
_HASHED_AT_ONCE: Final = 1024**2


@dataclass(frozen=True)
class _Stamp:
    """What changes when somebody writes to the file. The time is 0 for what has none."""

    size_bytes: int
    modified_ns: int


class RecordingFile:
    """An open file of at least one byte. Close it, or use it as a context manager; a file object that was handed in stays open."""

    def __init__(self, source: Path | str | BinaryIO) -> None:
        self._is_own = isinstance(source, (str, Path))
        self.path = str(source if isinstance(source, (str, Path)) else getattr(source, "name", "recording"))
        try:
            self._file = _opened(Path(source)) if isinstance(source, (str, Path)) else source
            self._stamp = self._current_stamp()
        except OSError as error:
            raise UnusableFile(f"{self.path}: {error.strerror or error}") from error
        if not self._stamp.size_bytes:
            self.close()
            raise UnusableFile(f"{self.path}: is empty")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file if it was opened here."""
        if self._is_own:
            self._file.close()

    @property
    def name(self) -> str:
        """The last part of the path."""
        return Path(self.path).name

    @property
    def size_bytes(self) -> int:
        """The size when it was opened; `blocks` refuses to go on once it is another."""
        return self._stamp.size_bytes

    def head(self) -> bytes:
        """The first bytes, which tell the container."""
        return next(self.blocks(0, min(16, self.size_bytes)))

    def sha256(self, progress: Callable[[int], None] | None = None) -> str:
        """Hash of the content, in hex; `progress` is told how many bytes are read. Raises `UnusableFile`."""
        digest, read_bytes = hashlib.sha256(), 0
        for block in self.blocks(0, self.size_bytes, _HASHED_AT_ONCE):
            digest.update(block)
            read_bytes += len(block)
            if progress is not None:
                progress(read_bytes)
        return digest.hexdigest()

    def blocks(self, from_byte: int, to_byte: int, block_bytes: int = BLOCK_BYTES) -> Iterator[bytes]:
        """The bytes of that range. Raises `UnusableFile` before it gives any that may be from another version of the file."""
        at = from_byte
        while at < to_byte:
            try:
                self._file.seek(at)
                block = self._file.read(min(block_bytes, to_byte - at))
                changed = self._current_stamp() != self._stamp
            except OSError as error:
                raise UnusableFile(f"{self.path}: {error.strerror or error}") from error
            if changed or not block:
                raise UnusableFile(
                    f"{self.path}: was changed while it was being uploaded; upload it again once it is complete"
                )
            at += len(block)
            yield block

    def _current_stamp(self) -> _Stamp:
        try:
            status = os.fstat(self._file.fileno())
        except (AttributeError, OSError):  # nothing that the system knows, such as bytes in memory
            return _Stamp(self._file.seek(0, os.SEEK_END), 0)
        return _Stamp(status.st_size, status.st_mtime_ns)


def _opened(path: Path) -> BinaryIO:
    """Raises `OSError`, also for what is no file: opening a pipe could wait for ever."""
    if path.exists() and not path.is_file():
        raise OSError(
            errno.EINVAL, "is a folder" if path.is_dir() else "is no file; live audio goes through `turnscribe stream`"
        )
    return path.open("rb")


def content_type_of(data: bytes) -> str | None:
    """The media type that the first bytes tell, or None. Pure."""
    match data[:4]:
        case b"\x1aE\xdf\xa3":
            return "audio/webm"
        case b"OggS":
            return "audio/ogg"
        case b"RIFF" if data[8:12] == b"WAVE":
            return "audio/wav"
        case b"fLaC":
            return "audio/flac"
    if data[4:8] == b"ftyp":
        return "audio/mp4"
    is_mpeg_frame = len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0
    return "audio/mpeg" if data[:3] == b"ID3" or is_mpeg_frame else None
