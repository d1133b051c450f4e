"""What the C library keeps of memory that was given back."""

import ctypes
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

_M_ARENA_MAX: Final = -8
"""Of glibc's `mallopt`; see mallopt(3)."""
_ARENAS: Final = 2


def share_arenas(environ: Mapping[str, str]) -> None:
    """Let all threads take memory from the same few places.

    Otherwise glibc gives each thread an arena of its own, up to eight for each core, and each keeps what its fullest moment took: audio
    goes through many threads, and a process would grow for hours until every one has met its longest segment. Where `environ` has
    MALLOC_ARENA_MAX, or the C library is another one, nothing changes. Call it before threads start; processes that are forked have it too.
    """
    if "MALLOC_ARENA_MAX" not in environ:
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
