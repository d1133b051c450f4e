"""Seeds of sound: short recordings by the audio tests' own encoder, as whole files and without what begins them."""

from functools import cache

from tests.segmenter_service.audio.conftest import FORMATS, encode

SECONDS = 0.12


@cache
def recording(name: str) -> bytes:
    """A recording of a tenth of a second in one of the tests' formats."""
    return encode(name, seconds=SECONDS)


def recordings(*kinds: str) -> list[bytes]:
    """Those whose name begins with one of `kinds`."""
    return [recording(name) for name in FORMATS if name.startswith(kinds)]
