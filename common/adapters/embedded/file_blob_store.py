"""The `BlobStore` port over a folder.

    {root}/blobs/{name}       one file for each object
    {root}/incoming/{id}/     files that one process is writing; it holds `{id}.lock` while it lives

An object's file is one line, `turnscribe-blob/1 {metadata as JSON}`, and then the content. Metadata and content in one file
means that one fsync and one link make both of them durable and visible at once. The link is what makes creation exclusive:
unlike a rename it never replaces what is there. (Files without a name until they are linked, O_TMPFILE, were measured too: they cost
the same, because they must be synced once more where the file system has no journal.)
"""

import errno
import itertools
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from common.adapters.embedded.object_files import (
    MAGIC,
    checked_name,
    compared,
    header_of,
    metadata_of,
    sync_folder,
    write_synced,
)
from common.adapters.embedded.process_lock import ProcessLock
from common.errors import Permanent, Retryable
from common.ports.blob_store import BlobInfo, BlobNotFound, Created

_RACES: Final = 100
"""So often may another thread prune a folder that this one has just made, before somebody should look."""
_KNOWN_FOLDERS: Final = 4096
_LARGE_BYTES: Final = 256 * 1024
"""What is larger is compared before it is written."""


class FileBlobStore:
    """Objects below the folder `root`. Usable from any number of threads and processes of one machine; build one in each process.

    A name is made of parts joined by `/`, at most 1,024 bytes in all and 255 each; an object can't lie "below" another object.
    """

    def __init__(self, root: Path) -> None:
        self._blobs = root / "blobs"
        self._blobs_prefix = f"{self._blobs}/"
        self._incoming = root / "incoming" / secrets.token_hex(8)
        self._incoming_prefix = f"{self._incoming}/"
        self._alive = ProcessLock(self._incoming.with_suffix(".lock"))
        self._numbers = itertools.count()
        self._durable_folders: set[str] = set()
        with _file_errors("the blob store"):
            self._blobs.mkdir(parents=True, exist_ok=True)
            self._incoming.parent.mkdir(exist_ok=True)
            with ProcessLock(root / "incoming" / "starting"):
                _remove_remains(self._incoming.parent)
                self._alive.acquire()
                self._incoming.mkdir()

    def create(self, name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> Created:
        """Write an object unless one of that name exists. Durable on return; never partly visible. Raises `Retryable`, `Permanent`."""
        checked_name(name)
        path = f"{self._blobs_prefix}{name}"  # strings: here a Path would cost more than what is done with it
        with _file_errors(name):
            # What is small is mostly new: only then is it written for nothing. The link tells too.
            outcome = compared(path, data) if len(data) > _LARGE_BYTES else None
            if outcome is None:
                temporary = f"{self._incoming_prefix}{next(self._numbers)}"
                try:
                    write_synced(temporary, (header_of(metadata or {}), data))
                    outcome = Created.CREATED if self._link(temporary, path) else compared(path, data)
                finally:
                    with suppress(FileNotFoundError):
                        os.unlink(temporary)  # noqa: PTH108
            if outcome is None:
                raise Retryable(f"{name}: deleted while it was created", reason="concurrent_delete")
            self._make_durable(_folder_of(path))
        return outcome

    def read(self, name: str) -> bytes:
        """An object's content. Raises `BlobNotFound`, `Retryable`, `Permanent`."""
        path = self._path(name)
        with _file_errors(name):
            try:
                content = path.read_bytes()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                raise BlobNotFound(name) from None
        header, newline, data = content.partition(b"\n")
        metadata_of(name, header + newline)  # says whether it is an object at all
        return data

    def info(self, name: str) -> BlobInfo:
        """An object's size and metadata. Raises `BlobNotFound`, `Retryable`, `Permanent`."""
        self._path(name)
        try:
            info = self._info(name)
        except Permanent as error:
            if isinstance(error.__cause__, (IsADirectoryError, NotADirectoryError)):
                raise BlobNotFound(name) from None
            raise
        if info is None:
            raise BlobNotFound(name)
        return info

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[BlobInfo]:
        """All objects whose names begin with `prefix` and sort after `start_after`, in order of name. Reads folders as it gets to them."""
        folder, slash, _ = prefix.rpartition("/")
        if slash:
            checked_name(folder)
        return self._walk(folder + slash, prefix, start_after)

    def delete(self, name: str) -> None:
        """Delete an object, durably; deleting what is not there is no error. Folders that are empty then go too."""
        path = self._path(name)
        with _file_errors(name):
            try:
                path.unlink()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                return
            with suppress(FileNotFoundError):  # another thread has pruned it
                sync_folder(path.parent)
            for folder in path.parents:
                if folder == self._blobs or not _removed_when_empty(folder):
                    break
                self._durable_folders.discard(str(folder))

    def check(self) -> None:
        """Raise `Retryable` when nothing can be written."""
        probe = self._incoming / "check"
        with _file_errors("the blob store"):
            try:
                probe.write_bytes(MAGIC)
            finally:
                probe.unlink(missing_ok=True)

    def close(self) -> None:
        """Give up the folder for temporary files. Nothing can be created afterwards."""
        shutil.rmtree(self._incoming, ignore_errors=True)
        self._incoming.with_suffix(".lock").unlink(missing_ok=True)
        self._alive.release()

    def _path(self, name: str) -> Path:
        checked_name(name)
        return self._blobs / name

    def _link(self, temporary: str, path: str) -> bool:
        """Give the finished file its name; False when the name is taken."""
        for _ in range(_RACES):
            try:
                os.link(temporary, path)
            except FileExistsError:
                return False
            except FileNotFoundError:  # the folder was never there, or has just been pruned
                folder = _folder_of(path)
                self._durable_folders.discard(folder)
                # Pruned again in the middle of it: mkdir then takes what it found there for a file. A real one fails the link.
                with suppress(FileNotFoundError, FileExistsError):
                    Path(folder).mkdir(parents=True, exist_ok=True)
            else:
                return True
        raise Retryable("the object's folder does not stay", reason="concurrent_delete")

    def _make_durable(self, folder: str) -> None:
        """Sync the folder's entries, and once also those of the folders above it, whoever made them."""
        with suppress(FileNotFoundError):  # pruned: the object was deleted after its creation
            sync_folder(folder)
            if folder in self._durable_folders:
                return
            for above in Path(folder).relative_to(self._blobs).parents:
                sync_folder(self._blobs / above)
            if len(self._durable_folders) >= _KNOWN_FOLDERS:
                self._durable_folders.clear()
            self._durable_folders.add(folder)

    def _walk(self, folder: str, prefix: str, start_after: str) -> Iterator[BlobInfo]:
        """The objects below `folder` (empty, or ending in a slash).

        A folder sorts as the name with its slash: that is how the names of what it holds go on.
        """
        with _file_errors(folder):
            try:
                with os.scandir(self._blobs / folder) as entries:
                    found = sorted(f"{folder}{entry.name}{'/' if entry.is_dir() else ''}" for entry in entries)
            except (FileNotFoundError, NotADirectoryError):
                return
        for name in found:
            if not name.startswith(prefix):
                continue
            if name.endswith("/"):
                if name > start_after or start_after.startswith(name):
                    yield from self._walk(name, prefix, start_after)
            elif name > start_after:
                info = self._info(name)
                if info is not None:
                    yield info

    def _info(self, name: str) -> BlobInfo | None:
        with _file_errors(name):
            try:
                with (self._blobs / name).open("rb") as file:
                    header = file.readline()
                    size_bytes = os.fstat(file.fileno()).st_size - len(header)
            except FileNotFoundError:  # deleted since the folder was read
                return None
        return BlobInfo(name, size_bytes, metadata_of(name, header))


@contextmanager
def _file_errors(name: str) -> Iterator[None]:
    try:
        yield
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        raise Permanent(f"{name}: an object can't lie below another one", reason="name_conflict") from error
    except OSError as error:
        reason = "disk_full" if error.errno in {errno.ENOSPC, errno.EDQUOT} else "file_error"
        raise Retryable(f"{name}: {error.strerror}", reason=reason) from error


def _folder_of(path: str) -> str:
    return path.rpartition("/")[0]


def _removed_when_empty(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError:  # not empty, or another thread was faster
        return False
    return True


def _remove_remains(incoming: Path) -> None:
    """Delete what processes that are dead left half written."""
    for lock in incoming.glob("*.lock"):
        owner = ProcessLock(lock)
        if owner.try_acquire():
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
            lock.unlink(missing_ok=True)
            owner.release()
