"""The twenty recordings are what they say they are, and are the same each time."""

import io

import av
import pytest

from common.audio_signatures import begins_no_recording, is_headerless
from tests.chaos.pipeline.recordings import CLUSTER, recordings
from tests.chaos.pipeline.streams import planned_streams

NAMES = sorted(recordings())


def test_every_recording_goes_some_way_in_and_every_stack_has_twenty_streams() -> None:
    for stack in ("embedded", "runner", "cloud"):
        names = [each.name for each in planned_streams(stack)]
        assert sorted(names) == NAMES
        assert len(names) >= 20


@pytest.mark.parametrize("name", NAMES)
def test_each_is_small_and_is_cut_into_several_chunks_of_bytes(name: str) -> None:
    recording = recordings()[name]
    assert 1 < len(recording.pieces) <= 12
    assert len(recording.data) < 300_000
    assert all(piece.data for piece in recording.pieces)
    ends = [piece.end_ms for piece in recording.pieces]
    assert ends == sorted(ends)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "no audio"])
def test_each_can_be_read_as_audio_of_its_length(name: str) -> None:
    recording = recordings()[name]
    assert recording.duration_ms is not None
    assert 3_000 <= recording.duration_ms <= 10_100
    if is_headerless(recording.content_type):
        return
    with av.open(io.BytesIO(recording.data), "r") as container:
        assert container.streams.audio


def test_what_is_no_audio_is_none() -> None:
    assert begins_no_recording(recordings()["no audio"].data)


def test_chromium_cuts_inside_an_element_and_firefox_before_a_cluster() -> None:
    for piece in recordings()["firefox"].pieces[1:]:
        assert piece.data.startswith(CLUSTER)
    inside = [piece.data[:1] for piece in recordings()["chromium"].pieces[1:]]
    assert b"\xa3" not in inside
    assert len(recordings()["chromium"].data.split(CLUSTER)) == 2


def test_a_chunk_that_is_lost_is_none_of_the_first_or_last() -> None:
    recording = recordings()["lost chunk"]
    assert recording.lost
    assert all(0 < seq < len(recording.pieces) - 1 for seq in recording.lost)
