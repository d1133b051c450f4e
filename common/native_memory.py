"""What the C library keeps of memory that was given back."""

import ctypes
import os
from contextlib import suppress
from typing import Final

_M_ARENA_MAX: Final = -8
"""Of glibc's `mallopt`; see mallopt(3)."""
_ARENAS: Final = 2


def share_arenas() -> None:
    """Let all threads take memory from the same few places.

    Otherwise glibc gives each thread an arena of its own, up to eight for each core, and each keeps what its fullest moment took: audio
    goes through many threads, and a process would grow for hours until every one has met its longest segment. Where MALLOC_ARENA_MAX is
    set, or the C library is another one, nothing changes. Call it before threads start.
    """
    if "MALLOC_ARENA_MAX" not in os.environ:
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
