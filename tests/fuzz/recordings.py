"""Seeds of sound: short recordings by the audio tests' own encoder, the same bytes each time."""

from dataclasses import replace
from functools import cache
from typing import Final

from tests.segmenter_service.audio.conftest import FORMATS, encode

SECONDS: Final = 0.12
_REPEATABLE: Final = {"fflags": "+bitexact"}
"""Without it, muxers draw numbers for files and tracks."""


@cache
def recording(name: str) -> bytes:
    """A recording of a tenth of a second in one of the tests' formats."""
    made, again = FORMATS[name], f"{name}, repeatable"
    FORMATS[again] = replace(made, mux_options=made.mux_options | _REPEATABLE)
    try:
        return encode(again, seconds=SECONDS)
    finally:
        del FORMATS[again]


def recordings(*kinds: str) -> list[bytes]:
    """Those whose name begins with one of `kinds`."""
    return [recording(name) for name in list(FORMATS) if name.startswith(kinds)]
