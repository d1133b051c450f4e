"""Every container, cut anywhere: the same samples, and the ones that FFmpeg gives for the whole file."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import Permanent
from segmenter_service.audio.reader import AudioReader

ENCODER_PADDING_S = 0.05
"""FFmpeg cuts what encoders add at the end of some containers; a live stream's end is not known before it comes."""
LOSSLESS = ("wav", "flac", "matroska pcm", "matroska flac", "mp4 flac", "adts", "ogg vorbis")
SNIFFED_AS = {"m4a": "whole", "aiff": "whole", "caf": "whole", "matroska": "webm"}

places = st.lists(st.floats(0, 1), min_size=1, max_size=12)
no_fixture_reset = settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@no_fixture_reset
@given(places)
def test_samples_do_not_depend_on_where_the_bytes_were_cut(kit, any_format, places):
    recording = kit.encode(any_format)
    whole, pieces = kit.read([recording]), kit.read(kit.cut(recording, places))
    assert [block.first_sample for block in whole.blocks] == [block.first_sample for block in pieces.blocks]
    assert np.array_equal(whole.samples, pieces.samples)


def test_samples_are_those_of_the_whole_file(kit, any_format):
    recording = kit.encode(any_format)
    ours, theirs = kit.read(kit.cut(recording, [0.1, 0.4, 0.7])).samples[0], kit.reference(recording)
    assert -1 <= len(ours) - len(theirs) <= ENCODER_PADDING_S * 16_000
    length = min(len(ours), len(theirs))
    difference = np.abs(ours[:length].astype(np.int32) - theirs[:length])
    # FFmpeg drops encoder delay before it resamples, we after: the resampler sees another past at the very edges.
    inside = difference[32:-320]
    assert inside.max() <= (1 if any_format.startswith(LOSSLESS) else 8)


def test_container_is_told_from_the_bytes(kit, any_format):
    reading = kit.read([kit.encode(any_format)], "video/quicktime")
    kind = any_format.split()[0]
    assert reading.reader.container == SNIFFED_AS.get(any_format, SNIFFED_AS.get(kind, kind))


def test_channels_are_kept_on_demand(kit):
    kept = kit.read([kit.encode("wav s24")], keep_channels=True).samples
    mono = kit.read([kit.encode("wav s24")]).samples
    assert (kept.shape[0], mono.shape[0]) == (2, 1)
    assert np.abs(kept[0].astype(int)).sum() > np.abs(kept[1].astype(int)).sum() > 0
    assert np.abs(kept.mean(axis=0) - mono[0]).max() <= 1


@pytest.mark.parametrize(("name", "kbps", "limit"), [("webm opus", 32, 12_000), ("webm opus", 128, 40_000)])
def test_state_stays_small(kit, name, kbps, limit):
    recording = kit.encode(name, seconds=8.0, kbps=kbps)
    assert kit.read(kit.cut(recording, [n / 40 for n in range(40)])).largest_snapshot_bytes < limit


def test_end_of_the_last_packet_is_known(kit):
    reader = AudioReader.new("", keep_channels=False)
    assert reader.demuxed_end_ms is None
    reader.feed(kit.encode("webm opus file"))
    assert reader.demuxed_end_ms == 4_013


def test_empty_chunks_are_no_chunks(kit):
    recording = kit.encode("webm opus")
    pieces = [b"", *kit.cut(recording, [0.3]), b"", b""]
    assert np.array_equal(kit.read(pieces).samples, kit.read([recording]).samples)


def test_a_lost_chunk_leaves_a_hole_and_the_clock_right(kit):
    for name in ("webm opus", "ogg vorbis", "flac", "mp4 opus"):
        recording = kit.encode(name, seconds=8.0)
        chunks = kit.cut(recording, [n / 8 for n in range(8)])
        whole = kit.read([recording]).samples[0].astype(np.int32)
        reader = AudioReader.new("", keep_channels=False)
        for chunk in chunks[:3]:
            reader.feed(chunk)
        reader.lost()
        after = [block for chunk in chunks[4:] for block in reader.feed(chunk)]
        after += reader.finish(lambda: iter(()))
        resumed = after[1]
        assert resumed.first_sample > 4 * 16_000 * 0.9, name
        begin, length = resumed.first_sample, resumed.samples.shape[1]
        match = {lag: np.corrcoef(resumed.samples[0], whole[begin + lag :][:length])[0, 1] for lag in range(-40, 41)}
        best = max(match, key=lambda lag: match[lag])
        assert abs(best) <= 24, name  # containers round to milliseconds
        assert match[best] > 0.98, name


def test_a_recorder_that_starts_again_goes_on_where_the_clock_stood(kit):
    first, second = kit.encode("webm opus"), kit.encode("webm opus file")
    chunks = [*kit.cut(first, [0.5]), *kit.cut(second, [0.5])]
    reading = kit.read(chunks)
    alone = kit.read([first]).samples.shape[1], kit.read([second]).samples.shape[1]
    assert reading.samples.shape[1] == sum(alone)
    assert np.array_equal(kit.read([first + second]).samples, reading.samples)


def test_another_container_may_follow(kit):
    chunks = [kit.encode("wav"), kit.encode("webm opus"), kit.encode("flac")]
    assert kit.read(chunks).samples.shape[1] == sum(kit.read([chunk]).samples.shape[1] for chunk in chunks)


def test_an_aborted_recording_does_not_swallow_the_next(kit):
    recording = kit.encode("webm opus")
    reading = kit.read([recording[: len(recording) // 2 + 77], recording])
    assert reading.samples.shape[1] > 5.5 * 16_000


def test_headerless_samples_need_their_type():
    ramp = np.arange(-16_000, 16_000, dtype=np.int16)
    for content_type, dtype in (("audio/l16;rate=16000;channels=1", ">i2"), ('audio/PCM; rate="16000"', "<i2")):
        reader = AudioReader.new(content_type, keep_channels=False)
        data = ramp.astype(dtype).tobytes()
        blocks = [*reader.feed(data[:4_001]), *reader.feed(data[4_001:]), *reader.finish(lambda: iter(()))]
        assert reader.container == "pcm"
        assert np.array_equal(np.concatenate([block.samples[0] for block in blocks]), ramp)
    with pytest.raises(Permanent, match="rate") as caught:
        AudioReader.new("audio/l16", keep_channels=False).feed(bytes(1_000))
    assert caught.value.reason == "missing_rate"


def test_each_chunk_without_a_header_says_so_until_one_has_it(kit):
    recording = kit.encode("webm opus")
    tail = recording[recording.index(b"\x1f\x43\xb6\x75", 2_000) :]
    reader = AudioReader.new("audio/webm", keep_channels=False)
    for chunk, reason in (
        (b"\x00garbage" * 99, "unknown_container"),
        (tail, "missing_header"),
        (tail[77:], "unknown_container"),
    ):
        with pytest.raises(Permanent) as caught:
            reader.feed(chunk)
        assert caught.value.reason == reason
        reader = AudioReader.restore(reader.snapshot())
    assert len(list(reader.feed(recording))) >= 3
    assert list(reader.finish(lambda: iter(())))


def test_a_whole_file_after_garbage_is_found(kit):
    reader = AudioReader.new("", keep_channels=False)
    garbage, file = b"\x00garbage" * 99, kit.encode("m4a")
    with pytest.raises(Permanent):
        reader.feed(garbage)
    assert list(reader.feed(file)) == []
    assert sum(block.samples.shape[1] for block in reader.finish(lambda: iter([garbage, file]))) > 4 * 16_000


def test_a_truncated_header_is_named_at_the_end(kit, any_format):
    reader = AudioReader.new("", keep_channels=False)
    recording = kit.encode(any_format)
    reader.feed(recording[:30])
    with pytest.raises(Permanent) as caught:
        list(reader.finish(lambda: iter([recording[:30]])))
    assert caught.value.reason == ("corrupt_file" if any_format in {"aiff", "caf"} else "truncated_header")


def test_damage_in_mid_stream_costs_a_piece_and_no_more(kit):
    recording = bytearray(kit.encode("webm opus", seconds=8.0))
    middle = len(recording) // 2
    recording[middle : middle + 300] = b"\xff" * 300
    chunks = kit.cut(bytes(recording), [n / 8 for n in range(8)])
    assert abs(kit.read(chunks).samples.shape[1] / 16_000 - 8.0) < 0.1


def test_a_chunk_of_garbage_in_mid_stream_is_refused_and_the_stream_goes_on(kit):
    recording = kit.encode("webm opus", seconds=8.0)
    cluster_at = recording.index(b"\x1f\x43\xb6\x75", len(recording) // 2)
    reader = AudioReader.new("", keep_channels=False)
    reader.feed(recording[:cluster_at])
    with pytest.raises(Permanent) as caught:
        reader.feed(b"\x00\x01garbage" * 1_000)
    assert caught.value.reason == "corrupt_chunk"
    assert list(reader.feed(recording[cluster_at:]))


@no_fixture_reset
@given(st.lists(st.binary(max_size=300), max_size=5), st.floats(0, 1), st.binary(min_size=1, max_size=40), places)
def test_nothing_but_permanent_is_raised(kit, any_format, before, where, patch, places):
    recording = bytearray(kit.encode(any_format, seconds=1.0))
    at = int(where * len(recording))
    recording[at : at + len(patch)] = patch
    chunks = [*before, *kit.cut(bytes(recording), places)]
    reader, end = AudioReader.new("", keep_channels=True), 0
    for chunk in chunks:
        with suppress(Permanent):
            for block in reader.feed(chunk):
                assert block.first_sample >= end
                end = block.first_sample + block.samples.shape[1]
        reader = AudioReader.restore(reader.snapshot())
    with suppress(Permanent):
        list(reader.finish(lambda: iter(chunks)))


def test_a_state_that_is_none_is_refused():
    for state in (b"", b"nonsense", b"\x90"):
        with pytest.raises(Permanent) as caught:
            AudioReader.restore(state)
        assert caught.value.reason == "unreadable_state"


@pytest.mark.parametrize("first_bytes", [13, 30, 63])
def test_webm_that_is_declared_as_samples_is_webm_however_short_its_first_chunk_is(kit, first_bytes):
    recording = kit.encode("webm opus")
    reader = AudioReader.new("audio/pcm;rate=16000", keep_channels=False)
    list(reader.feed(recording[:first_bytes]))
    list(reader.feed(recording[first_bytes:]))
    assert reader.container == "webm"
