"""What ingest may turn away: only what certainly begins no recording."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.audio_signatures import HEADERLESS_TYPES, SIGNATURES, begins_no_recording, is_headerless
from segmenter_service.audio.raw_pcm import declared_pcm


@given(st.sampled_from(SIGNATURES), st.binary(max_size=64))
def test_every_known_beginning_is_let_pass(signature: tuple[int, bytes, str], rest: bytes) -> None:
    at, begin, _ = signature
    assert not begins_no_recording(bytes(at) + begin + rest)


@given(st.binary(max_size=15))
def test_a_few_bytes_tell_nothing(data: bytes) -> None:
    assert not begins_no_recording(data)


@pytest.mark.parametrize(
    "data", [b"ID3" + bytes(40), bytes(20) + b"\xff\xfb" + bytes(20), bytes(20) + b"\xff\xf1" + bytes(9)]
)
def test_mpeg_audio_is_let_pass(data: bytes) -> None:
    assert not begins_no_recording(data)


@pytest.mark.parametrize(
    "data", [b"<html>" * 9, b"\x00garbage" * 9, b"PK\x03\x04" + bytes(40), b"%PDF-1.7" + bytes(40)]
)
def test_other_files_are_not(data: bytes) -> None:
    assert begins_no_recording(data)


@pytest.mark.parametrize("media_type", sorted(HEADERLESS_TYPES))
def test_headerless_types_are_those_that_the_segmenter_reads(media_type: str) -> None:
    assert is_headerless(f"{media_type.upper()} ; rate=16000")
    assert declared_pcm(f"{media_type};rate=16000") is not None


def test_other_types_have_headers() -> None:
    assert not is_headerless("audio/webm;codecs=opus")
    assert not is_headerless("")
