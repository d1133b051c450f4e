"""How an object of the embedded store lies in its file: what it may be called, the line before its content, and how it gets there."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from common.errors import Permanent
from common.ports.blob_store import Created

MAGIC: Final = b"turnscribe-blob/1 "
_NAME_BYTES: Final = 1024
_PART_BYTES: Final = 255
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f\\]")
_METADATA: Final = msgspec.json.Decoder(dict[str, str])


def checked_name(name: str) -> None:
    """Raise `Permanent` unless `name` can be an object's: it comes from ids, and must stay in its folder whatever they hold."""
    try:
        parts = [part.encode() for part in name.split("/")]
    except UnicodeEncodeError:
        raise Permanent("object name is no valid Unicode", reason="invalid_object_name") from None
    if any(part in {b"", b".", b".."} or len(part) > _PART_BYTES for part in parts):
        raise Permanent("object name has an empty, relative or too long part", reason="invalid_object_name")
    if _FORBIDDEN.search(name) or sum(map(len, parts)) + len(parts) - 1 > _NAME_BYTES:
        raise Permanent("object name is too long or has a forbidden character", reason="invalid_object_name")


def metadata_of(name: str, header: bytes) -> dict[str, str]:
    """The metadata in an object's first line."""
    try:
        if header.startswith(MAGIC) and header.endswith(b"\n"):
            return _METADATA.decode(header[len(MAGIC) :])
    except msgspec.DecodeError:
        pass
    raise Permanent(f"{name}: the file is no object of this store", reason="corrupt_object")


def header_of(metadata: Mapping[str, str]) -> bytes:
    """An object's first line."""
    return b"%s%s\n" % (MAGIC, msgspec.json.encode(metadata))


def compared(path: str, data: bytes) -> Created | None:
    """How `data` compares with the object at `path`; None when there is none."""
    try:
        with Path(path).open("rb") as file:
            header = file.readline()
            same = os.fstat(file.fileno()).st_size == len(header) + len(data) and file.read() == data
    except FileNotFoundError:
        return None
    return Created.ALREADY_SAME if same else Created.ALREADY_DIFFERENT


def write_synced(path: str, parts: Sequence[bytes]) -> None:
    """A new file of these bytes, synced."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        written = os.writev(descriptor, parts)
        if written < sum(map(len, parts)):  # the system writes at most 2 GiB at a time
            rest = memoryview(b"".join(parts))[written:]
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: str | Path) -> None:
    """Make the folder's entries durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
