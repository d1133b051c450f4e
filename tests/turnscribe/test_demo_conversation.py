"""The demo recording and its ground truth fit together and hold what docs/demo-conversation.md promises."""

import io
import itertools
import json
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnscribe.demo.live_webm import live_webm
from turnscribe.demo.make_conversation import LINES, VOICES, at_level, mix, trimmed

DEMO = Path(__file__).parents[2] / "turnscribe" / "demo"
RATE_HZ = 16_000
OPUS_HEAD = b"OpusHead" + bytes([1, 1]) + (312).to_bytes(2, "little") + (48_000).to_bytes(4, "little") + bytes(3)

ONE_FRAME = b"\xfc"  # a packet's first byte: one frame of 20 ms; the demuxer drops what is no Opus


@pytest.fixture(scope="module")
def recording():
    return (DEMO / "conversation.webm").read_bytes()


@pytest.fixture(scope="module")
def truth():
    return json.loads((DEMO / "conversation.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def samples(recording):
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
    with av.open(io.BytesIO(recording)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in [*frames, *resampler.resample(None)]])


def level_dbfs(samples):
    return 10 * np.log10(np.mean(samples**2))


def test_the_recording_is_small_about_a_minute_and_as_long_as_the_truth_says(recording, truth, samples):
    assert len(recording) < 1_000_000
    assert 55 <= truth["duration"] <= 70
    assert len(samples) / RATE_HZ == pytest.approx(truth["duration"], abs=0.02)


def test_the_truth_holds_the_lines_in_order_and_within_the_recording(truth):
    assert [(turn["speaker"], turn["text"]) for turn in truth["turns"]] == [(line.speaker, line.text) for line in LINES]
    assert truth["speakers"] == list(VOICES)
    assert all(0 < turn["start"] < turn["end"] < truth["duration"] for turn in truth["turns"])


def test_there_is_one_overlap_and_one_long_silence(truth):
    gaps_s = [after["start"] - before["end"] for before, after in itertools.pairwise(truth["turns"])]
    assert [round(gap, 1) for gap in gaps_s if gap < 0] == [-0.5]
    assert [round(gap, 1) for gap in gaps_s if gap > 1] == [4.0]


def test_each_turn_is_loud_where_the_truth_has_it_and_only_the_room_is_heard_between(truth, samples):
    heard = samples.copy()
    for turn in truth["turns"]:
        start, end = (round(turn[key] * RATE_HZ) for key in ("start", "end"))
        assert level_dbfs(samples[start:end]) == pytest.approx(VOICES[turn["speaker"]].level_dbfs, abs=2)
        margin = RATE_HZ // 20
        heard[start - margin : end + margin] = 0
    between = heard[heard != 0]
    assert level_dbfs(between) == pytest.approx(-60, abs=4)


def test_the_container_is_written_as_a_recorder_does(recording):
    unknown = b"\x01" + b"\xff" * 7
    assert b"\x18\x53\x80\x67" + unknown in recording
    assert recording.count(b"\x1f\x43\xb6\x75" + unknown) == 21


@given(
    packets=st.lists(st.binary(min_size=1, max_size=600).map(ONE_FRAME.__add__), min_size=1, max_size=60),
    packet_ms=st.sampled_from([20, 60]),
    cluster_ms=st.integers(1, 2_000),
)
def test_an_ordinary_demuxer_reads_back_every_packet_at_its_time(packets, packet_ms, cluster_ms):
    webm = live_webm(OPUS_HEAD, packets, packet_ms=packet_ms, cluster_ms=cluster_ms, writer="test")
    with av.open(io.BytesIO(webm)) as container:
        assert bytes(container.streams[0].codec_context.extradata) == OPUS_HEAD
        read = [packet for packet in container.demux() if packet.size]
    assert [bytes(packet) for packet in read] == packets
    delays_ms = {
        round(float(packet.pts * packet.time_base) * 1000) - index * packet_ms for index, packet in enumerate(read)
    }
    assert delays_ms <= {-7, -6, 0}  # the pre-skip, which the demuxer takes off


def test_a_cluster_longer_than_block_times_reach_is_refused():
    with pytest.raises(ValueError, match="cluster_ms"):
        live_webm(OPUS_HEAD, [], packet_ms=60, cluster_ms=33_000, writer="test")


@given(lead=st.integers(0, 50), tail=st.integers(0, 50), spoken=st.integers(1, 50))
def test_trimming_leaves_from_the_first_to_the_last_sound(lead, tail, spoken):
    window = RATE_HZ // 100
    speech = np.concatenate([np.zeros(lead * window), np.full(spoken * window, 0.5), np.zeros(tail * window)])
    assert len(trimmed(speech.astype(np.float32))) == spoken * window


@given(level=st.floats(-50, -10), loudness=st.floats(0.01, 0.9))
def test_speech_is_set_to_its_level(level, loudness):
    tone = (loudness * np.sin(np.arange(1600) / 5)).astype(np.float32)
    assert level_dbfs(at_level(tone, level)) == pytest.approx(level, abs=0.1)


def test_the_mix_lays_each_turn_where_it_says():
    spoken = [(line, np.full(RATE_HZ * (index + 1), 0.5, np.float32)) for index, line in enumerate(LINES[:3])]
    room, turns = mix(spoken)
    assert [round(turn.end - turn.start, 6) for turn in turns] == [1, 2, 3]
    assert turns[1].start == pytest.approx(turns[0].end + LINES[1].after_s)
    assert all(room[round(turn.start * RATE_HZ) : round(turn.end * RATE_HZ)].min() > 0.4 for turn in turns)
