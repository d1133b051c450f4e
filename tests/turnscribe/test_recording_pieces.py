from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnscribe.demo.recording import (
    Packet,
    UnreadableRecording,
    cut_by_size,
    cut_by_time,
    load_recording,
)
from turnscribe.recording_file import content_type_of

CONVERSATION = Path(__file__).parents[2] / "turnscribe/demo/conversation.webm"


@pytest.mark.parametrize(
    ("head", "content_type"),
    [
        (b"\x1aE\xdf\xa3rest", "audio/webm"),
        (b"OggS\0\x02", "audio/ogg"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "audio/wav"),
        (b"fLaC\0\0\0\x22", "audio/flac"),
        (b"\0\0\0\x20ftypM4A ", "audio/mp4"),
        (b"ID3\x04\0\0", "audio/mpeg"),
        (b"\xff\xfb\x90\x64", "audio/mpeg"),
        (b"RIFF\x24\0\0\0AVI LIST", None),
        (b"hello", None),
        (b"", None),
    ],
)
def test_the_first_bytes_tell_the_type(head: bytes, content_type: str | None) -> None:
    assert content_type_of(head) == content_type


@st.composite
def packets_of_a_file(draw: st.DrawFn) -> tuple[bytes, tuple[Packet, ...]]:
    data = draw(st.binary(min_size=1, max_size=400))
    offsets = sorted(draw(st.lists(st.integers(0, len(data) - 1), max_size=40)))
    length_ms = draw(st.integers(1, 2000))
    return data, tuple(Packet(at, n * length_ms, (n + 1) * length_ms) for n, at in enumerate(offsets))


@given(packets_of_a_file(), st.integers(1, 4000))
def test_pieces_by_time_are_contiguous_and_cover_the_file(
    file: tuple[bytes, tuple[Packet, ...]], piece_ms: int
) -> None:
    data, packets = file
    pieces = cut_by_time(data, packets, piece_ms)
    assert b"".join(data[piece.from_byte : piece.to_byte] for piece in pieces) == data
    assert [piece.seq for piece in pieces] == list(range(len(pieces)))
    assert all(piece.from_byte < piece.to_byte for piece in pieces)
    ends_ms = [piece.end_ms or 0 for piece in pieces]
    assert ends_ms == sorted(ends_ms)


@given(st.integers(1, 10_000), st.integers(1, 3_000))
def test_pieces_by_size_are_contiguous_and_cover_the_file(size_bytes: int, piece_bytes: int) -> None:
    pieces = cut_by_size(size_bytes, piece_bytes)
    assert pieces[0].from_byte == 0
    assert pieces[-1].to_byte == size_bytes
    assert all(one.to_byte == two.from_byte for one, two in pairwise(pieces))
    assert {piece.end_ms for piece in pieces} == {None}


def test_the_conversation_is_cut_as_chromium_cuts() -> None:
    recording = load_recording(CONVERSATION, 3000)
    assert recording.content_type == "audio/webm"
    assert len(recording.pieces) == 21
    assert recording.duration_ms == pytest.approx(62_400, abs=100)
    for number, piece in enumerate(recording.pieces[:-1], start=1):
        assert piece.end_ms == pytest.approx(number * 3000, abs=70)
        # The piece ends with the first byte of an element's id, as Chromium's do.
        assert recording.bytes_of(piece)[-1:] == b"\xa3"


@pytest.mark.parametrize("content", [b"", b"hello", b"OggS but not really"])
def test_a_file_that_is_no_recording_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.webm"
    path.write_bytes(content)
    with pytest.raises(UnreadableRecording, match=r"file\.webm"):
        load_recording(path, 3000)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRecording, match="No such file"):
        load_recording(tmp_path / "missing.webm", 3000)
