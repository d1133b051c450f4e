import contextlib
import io

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import Permanent
from whisper_service.audio import read_audio
from whisper_service.transcription import SAMPLE_RATE_HZ

FORMATS = [
    ("wav", "pcm_s16le", 44_100),
    ("flac", "flac", 16_000),
    ("mp3", "libmp3lame", 44_100),
    ("ogg", "libopus", 48_000),
    ("webm", "libopus", 48_000),
    ("mp4", "aac", 44_100),
]


def encoded(container_format, codec, rate_hz, seconds=2):
    """A stereo tone."""
    tone = (8000 * np.sin(np.arange(rate_hz * seconds) / 20)).astype(np.int16)
    stereo = np.stack([tone, tone]).T.reshape(1, -1).copy()
    out = io.BytesIO()
    with av.open(out, "w", format=container_format) as container:
        stream = container.add_stream(codec, rate=rate_hz)
        stream.layout = "stereo"
        frame = av.AudioFrame.from_ndarray(stereo, format="s16", layout="stereo")
        frame.sample_rate = rate_hz
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return out.getvalue()


@pytest.mark.parametrize(("container_format", "codec", "rate_hz"), FORMATS)
def test_any_common_format_is_read_as_mono_at_the_model_s_rate(container_format, codec, rate_hz):
    samples = read_audio(encoded(container_format, codec, rate_hz), max_duration_s=10)
    assert samples.dtype == np.float32
    assert len(samples) / SAMPLE_RATE_HZ == pytest.approx(2, abs=0.1)
    middle = samples[SAMPLE_RATE_HZ // 2 : -SAMPLE_RATE_HZ // 2]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(8000 / 32768 / np.sqrt(2), rel=0.1)


def test_sixteen_bit_audio_at_the_model_s_rate_is_not_changed(as_wav, conversation):
    part = conversation[SAMPLE_RATE_HZ : 3 * SAMPLE_RATE_HZ]
    assert np.array_equal(read_audio(as_wav(part), max_duration_s=10) * 32768, part)


def test_the_reading_is_that_of_faster_whisper(conversation):
    from faster_whisper.audio import decode_audio

    data = encoded("ogg", "libopus", 48_000)
    ours, theirs = read_audio(data, max_duration_s=10), decode_audio(io.BytesIO(data))
    assert len(ours) == len(theirs)
    assert np.abs(ours - theirs).max() < 2 / 32768


def test_a_recording_that_was_cut_off_is_read_as_far_as_it_goes():
    whole = encoded("ogg", "libopus", 48_000, seconds=8)
    samples = read_audio(whole[: len(whole) // 2], max_duration_s=10)
    assert 1 < len(samples) / SAMPLE_RATE_HZ < 7


@pytest.mark.parametrize("data", [b"", b"hello", b"RIFF", b"\0" * 5000, b"<html>busy</html>" * 100])
def test_what_is_no_audio_is_refused(data):
    with pytest.raises(Permanent) as refused:
        read_audio(data, max_duration_s=10)
    assert refused.value.reason == "unreadable_audio"


def test_a_picture_is_refused():
    out = io.BytesIO()
    with av.open(out, "w", format="mjpeg") as container:
        stream = container.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuvj420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    with pytest.raises(Permanent, match="no audio"):
        read_audio(out.getvalue(), max_duration_s=10)


def test_what_is_longer_than_allowed_is_refused():
    with pytest.raises(Permanent) as refused:
        read_audio(encoded("flac", "flac", 16_000, seconds=3), max_duration_s=2)
    assert refused.value.reason == "audio_too_long"


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=300), st.sampled_from([b"", b"RIFF", b"fLaC", b"OggS", b"ID3", b"\x1aE\xdf\xa3"]))
def test_any_bytes_are_audio_or_refused_with_a_reason(data, magic):
    with contextlib.suppress(Permanent):
        assert read_audio(magic + data, max_duration_s=10).ndim == 1
