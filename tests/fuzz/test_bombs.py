"""Small files that claim hours or gigabytes: each ends in a named reason or a true account, in bounded memory, and the next stream is well.

A process of its own drains them, with 2 GiB of address space and five minutes of CPU for all of them together (`bombs_child`).
"""

import json
import os
import subprocess
import sys
from typing import Any, Final

import pytest

from tests.fuzz.bombs_child import GOOD

pytestmark = pytest.mark.timeout(900)
Found = dict[str, dict[str, Any]]
WALL_S: Final = 840
"""What hangs ends by CPU_S; this is for what would hang without using any, on a machine that gives a fortieth of a core."""
PEAK_MIB: Final = 768
"""Of resident memory, of which the libraries have 130 before anything is drained."""
STATE_BYTES: Final = 400_000
REFUSED: Final = {
    "weeks of FLAC in 60 KB": "too_much_audio",
    "five hours of one-byte Opus packets": "too_much_audio",
    "hours of one-byte AAC packets": "too_much_audio",
    "jumps of an hour, again and again": "too_much_audio",
    "a fragment of endless lists": "corrupt_chunk",
    "a box of 2 to the 62": "corrupt_chunk",
    "a table of 2 to the 32 samples of one size": "corrupt_file",
    "a table of 2 to the 32 samples": "corrupt_file",
    "255 channels of Opus": "corrupt_header",
    "FLAC at one sample a second": "corrupt_header",
    "FLAC at a million samples a second": "corrupt_header",
    "WAV without channels": "corrupt_header",
    "WAV without a rate": "corrupt_header",
    "WAV of too many samples a second": "corrupt_header",
    "a tag of 256 MB": "truncated_header",
    "a tag of 4 GB": "truncated_header",
    "silence behind gzip": "unknown_container",
}
READ: Final = {
    "ten minutes of FLAC in a kilobyte": 606_198,
    "a pause of half an hour": 1_800_120,
    "a jump of 2 to the 63": 480,
    "granule positions of 2 to the 63": 360,
    "an element of 2 to the 56": 120,
    "WAV of 4 GB": 2_000,
    "a fragment of packets without bytes": 0,
    "laces without bytes": 0,
    "a million tags": 0,
}
"""How much audio the account has, in milliseconds: what was there, and pauses that a container can mean."""


@pytest.fixture(scope="module")
def found() -> Found:
    """What became of each bomb."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.bombs_child"],
        capture_output=True,
        text=True,
        check=False,
        timeout=WALL_S,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
    )
    assert ended.returncode == 0, ended.stderr[-3_000:]
    answer: Found = json.loads(ended.stdout.splitlines()[-1])
    return answer


@pytest.mark.parametrize("name", REFUSED)
def test_what_claims_more_than_it_can_be_is_set_aside_with_its_reason(found: Found, name: str) -> None:
    assert found[name]["reasons"][-1:] == [REFUSED[name]]
    assert found[name]["audio_ms"] == 0


@pytest.mark.parametrize("name", READ)
def test_what_can_be_is_read_and_accounted_for(found: Found, name: str) -> None:
    assert (found[name]["reasons"], found[name]["audio_ms"]) == ([], READ[name])


def test_every_account_adds_up(found: Found) -> None:
    for name, became in found.items():
        assert became["segment_ms"] + became["silence_ms"] == became["audio_ms"], name


def test_a_jump_between_good_chunks_moves_nothing(found: Found) -> None:
    became = found["a jump between good chunks"]
    assert became["reasons"] == []
    assert 6_000 <= became["audio_ms"] <= 6_400
    assert became["segment_ms"] >= 5_500


def test_no_bomb_takes_much_memory_or_leaves_much_in_the_hot_state(found: Found) -> None:
    for name, became in found.items():
        assert became["peak_mib"] <= PEAK_MIB, name
        assert became["state_bytes"] <= STATE_BYTES, name


def test_the_next_good_stream_is_unharmed(found: Found) -> None:
    became = found[GOOD]
    assert (became["reasons"], became["gaps"], became["audio_ms"]) == ([], 0, 9_000)
    assert became["segment_ms"] >= 8_000
