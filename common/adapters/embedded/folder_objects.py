"""The `SourceObjects` port over files below a folder, `file:relative/path`; there is no `gs://` on embedded adapters.

A version of a file is its size and when it was last written.
"""

import mimetypes
import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

from common.errors import Permanent, Retryable
from common.ports.source_objects import SourceObject

SCHEME: Final = "file:"


def file_uri(name: str) -> str:
    """The URI of the file `name` (with slashes) below the folder. Pure."""
    return SCHEME + name


def generation_of(status: os.stat_result) -> str:
    """What names a version of a file. Pure."""
    return f"{status.st_size}-{status.st_mtime_ns}"


class FolderObjects:
    """The files below `root`. Links are not followed: they may lead out of it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def stat(self, uri: str, generation: str = "") -> SourceObject:
        """A file's size and version. Raises `Permanent`, `Retryable`."""
        with self._open(uri) as file:
            found = _described(uri, file)
        return _version(found, generation)

    def read(self, source: SourceObject, offset: int, length: int) -> bytes:
        """A part of the file. Raises `Permanent` (`source_not_found`) once it is another version, `Retryable`."""
        with self._open(source.uri) as file:
            try:
                file.seek(offset)
                data = file.read(length)
            except OSError as error:
                raise _unreadable(error) from error
            _version(_described(source.uri, file), source.generation)
        return data

    def _open(self, uri: str) -> BinaryIO:
        name = uri.removeprefix(SCHEME)
        if not uri.startswith(SCHEME):
            raise Permanent("uri: there are no buckets on embedded adapters", reason="no_source_objects")
        if any(part in {"", ".", ".."} for part in name.split("/")) or "\0" in name:
            raise Permanent("uri names no file below the folder", reason="invalid_uri")
        path = self._root / name
        try:
            return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise _missing() from error
        except OSError as error:
            raise _unreadable(error) from error


def _described(uri: str, file: BinaryIO) -> SourceObject:
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode):
        raise _missing()
    content_type, _ = mimetypes.guess_type(uri.rpartition("/")[2])
    return SourceObject(uri, found.st_size, generation_of(found), content_type or "")


def _version(found: SourceObject, generation: str) -> SourceObject:
    if generation and found.generation != generation:
        raise Permanent("uri: this version of the file is gone", reason="source_not_found")
    return found


def _missing() -> Permanent:
    return Permanent("uri: there is no such file", reason="source_not_found")


def _unreadable(error: OSError) -> Retryable:
    return Retryable(f"a file can't be read: {error.strerror}", reason="source_unavailable")
