"""Which shared libraries an image's packages need, read from their ELF headers: this machine has more of them than the base image."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

IN_THE_BASE: Final = frozenset(
    {
        # libc6
        *("ld-linux-aarch64.so.1", "ld-linux-x86-64.so.2", "libc.so.6", "libdl.so.2", "libm.so.6", "libmvec.so.1"),
        *("libpthread.so.0", "libresolv.so.2", "librt.so.1", "libutil.so.1"),
        # libgcc-s1, libstdc++6 and zlib1g, without which Debian has no apt and no dpkg
        *("libgcc_s.so.1", "libstdc++.so.6", "libz.so.1"),
    }
)
"""What every slim image of Debian has, and so `python:3.12-slim`."""

_HEADER: Final = struct.Struct("<16xHHIQQQIHHHHHH")
_PROGRAM: Final = struct.Struct("<IIQQQQQQ")
_DYNAMIC: Final = struct.Struct("<qQ")
_LOAD, _DYNAMIC_SEGMENT = 1, 2
_NEEDED, _STRINGS = 1, 5
_ELF_64_LITTLE: Final = b"\x7fELF\x02\x01"


def needed(path: Path) -> list[str]:
    """The libraries that a program or library asks the loader for; none where it is no 64-bit little-endian ELF file."""
    data = path.read_bytes()
    if not data.startswith(_ELF_64_LITTLE):
        return []
    header = _HEADER.unpack_from(data)
    at, size, count = header[4], header[8], header[9]
    segments = [_PROGRAM.unpack_from(data, at + index * size) for index in range(count)]
    loaded = [(address, offset, length) for kind, _, offset, address, _, length, *_ in segments if kind == _LOAD]
    entries = [
        _DYNAMIC.unpack_from(data, offset + place)
        for kind, _, offset, _, _, length, *_ in segments
        if kind == _DYNAMIC_SEGMENT
        for place in range(0, length, _DYNAMIC.size)
    ]
    strings = next((value for tag, value in entries if tag == _STRINGS), None)
    if strings is None:
        return []
    base = next(
        offset + strings - address for address, offset, length in loaded if address <= strings < address + length
    )
    return [_string(data, base + value) for tag, value in entries if tag == _NEEDED]


def without_library(folder: Path, base: frozenset[str] = IN_THE_BASE) -> Iterator[str]:
    """A line for each library that something below `folder` needs, and that neither lies there itself nor in the base image."""
    libraries = [path for path in folder.rglob("*") if ".so" in path.suffixes and path.is_file()]
    there = {path.name for path in libraries} | base
    for path in sorted(libraries):
        for name in needed(path):
            if name not in there:
                yield f"{path.relative_to(folder)} needs {name}, which is neither there nor in the base image"


def _string(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode()
