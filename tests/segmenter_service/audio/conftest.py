"""Recordings made by PyAV for these tests: a few seconds of tones in noise, in every container that is read."""

import io
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from segmenter_service.audio.decode import mixed, planar
from segmenter_service.audio.reader import AudioReader, PcmBlock
from segmenter_service.audio.resampling import audio_frame


@dataclass(frozen=True)
class Format:
    """How FFmpeg writes it."""

    muxer: str
    codec: str
    rate: int
    channels: int
    kbps: int = 48
    mux_options: dict[str, str] = field(default_factory=dict)
    codec_options: dict[str, str] = field(default_factory=dict)
    sample_format: str = "s16"


_FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "400000"}
_NO_NOISE = {"aac_pns": "0"}  # noise that a decoder makes up depends on how much it made up before
FORMATS = {
    "webm opus": Format("webm", "libopus", 48_000, 2, mux_options={"live": "1", "cluster_time_limit": "500"}),
    "webm opus file": Format("webm", "libopus", 48_000, 1, codec_options={"frame_duration": "60"}),
    "webm vorbis": Format("webm", "vorbis", 44_100, 2, 96, sample_format="fltp", codec_options={"strict": "-2"}),
    "matroska pcm": Format("matroska", "pcm_s16le", 16_000, 1),
    "matroska flac": Format("matroska", "flac", 16_000, 1),
    "matroska aac": Format("matroska", "aac", 44_100, 2, sample_format="fltp", codec_options=_NO_NOISE),
    "matroska mp3": Format("matroska", "libmp3lame", 44_100, 1, sample_format="s16p"),
    "ogg opus": Format("ogg", "libopus", 48_000, 1),
    "ogg opus 5.1": Format("ogg", "libopus", 48_000, 6, 192),
    "ogg vorbis": Format("ogg", "vorbis", 44_100, 2, 96, sample_format="fltp", codec_options={"strict": "-2"}),
    "mp3": Format("mp3", "libmp3lame", 44_100, 2, 128, sample_format="s16p"),
    "mp3 16 kHz": Format("mp3", "libmp3lame", 16_000, 1, 32, sample_format="s16p"),
    "adts": Format("adts", "aac", 48_000, 1, sample_format="fltp", codec_options=_NO_NOISE),
    "flac": Format("flac", "flac", 16_000, 1),
    "flac 44.1 stereo": Format("flac", "flac", 44_100, 2),
    "wav": Format("wav", "pcm_s16le", 16_000, 1),
    "wav u8": Format("wav", "pcm_u8", 8_000, 1, sample_format="u8"),
    "wav s24": Format("wav", "pcm_s24le", 48_000, 2, sample_format="s32"),
    "wav f32": Format("wav", "pcm_f32le", 22_050, 1, sample_format="flt"),
    "wav mulaw": Format("wav", "pcm_mulaw", 8_000, 2),
    "wav alaw": Format("wav", "pcm_alaw", 8_000, 1),
    "mp4 opus": Format("mp4", "libopus", 48_000, 2, mux_options=_FRAGMENTED),
    "mp4 aac": Format("mp4", "aac", 44_100, 1, mux_options=_FRAGMENTED, sample_format="fltp", codec_options=_NO_NOISE),
    "mp4 flac": Format("mp4", "flac", 16_000, 1, mux_options=_FRAGMENTED | {"strict": "-2"}),
    "m4a": Format("ipod", "aac", 44_100, 2, sample_format="fltp"),
    "aiff": Format("aiff", "pcm_s16be", 22_050, 2),
    "caf": Format("caf", "pcm_s16le", 44_100, 1),
}


def sound(seconds: float, rate: int, channels: int) -> NDArray[np.float32]:
    """Something like speech: a voice-like tone that comes and goes, and noise. Shape (channels, n), within ±0.7."""
    time = np.arange(int(seconds * rate)) / rate
    noise = np.random.default_rng(7).normal(0, 0.01, time.size)
    voice = sum(np.sin(2 * np.pi * 140 * k * time + 0.3 * np.sin(2 * np.pi * 3 * time)) / k for k in range(1, 9))
    envelope = np.clip(np.sin(2 * np.pi * 0.9 * time), 0, 1)
    rows = [(0.2 * voice * envelope + noise) * (1 - 0.1 * channel) for channel in range(channels)]
    return np.clip(np.stack(rows), -0.7, 0.7).astype(np.float32)


@cache
def encode(name: str, seconds: float = 4.0, kbps: int | None = None) -> bytes:
    """A recording in the format `name` of `FORMATS`."""
    made = FORMATS[name]
    target = io.BytesIO()
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[made.channels]
    with av.open(target, mode="w", format=made.muxer, options=made.mux_options) as container:
        stream = container.add_stream(made.codec, rate=made.rate, layout=layout, options=made.codec_options)
        stream.codec_context.format = av.AudioFormat(made.sample_format)
        stream.bit_rate = (kbps or made.kbps) * 1000
        frame = av.AudioFrame.from_ndarray(sound(seconds, made.rate, made.channels), format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = made.rate, 0, Fraction(1, made.rate)
        convert = av.AudioResampler(
            format=made.sample_format,
            layout=layout,
            rate=made.rate,
            frame_size=made.rate // 25 if "pcm" in made.codec else None,
        )
        for part in [*convert.resample(frame), *convert.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return target.getvalue()


@dataclass(frozen=True)
class Reading:
    """What a reader made of a recording."""

    reader: AudioReader
    blocks: list[PcmBlock]
    largest_snapshot_bytes: int

    @property
    def samples(self) -> NDArray[np.int16]:
        """All blocks on one clock (channels, n); holes are silence."""
        end = max(block.first_sample + block.samples.shape[1] for block in self.blocks)
        joined = np.zeros((self.blocks[0].samples.shape[0], end), np.int16)
        for block in self.blocks:
            joined[:, block.first_sample : block.first_sample + block.samples.shape[1]] = block.samples
        return joined


def read_chunks(chunks: list[bytes], content_type: str = "", *, keep_channels: bool = False) -> Reading:
    """Feed `chunks`, through a snapshot after each, and finish."""
    reader, blocks, largest = AudioReader.new(content_type, keep_channels=keep_channels), [], 0
    for chunk in chunks:
        blocks += reader.feed(chunk)
        snapshot = reader.snapshot()
        largest = max(largest, len(snapshot))
        reader = AudioReader.restore(snapshot)
    blocks += reader.finish(lambda: iter(chunks))
    return Reading(reader, blocks, largest)


def cut(data: bytes, places: list[float]) -> list[bytes]:
    """`data` in pieces, cut at these fractions of its length."""
    at = sorted({0, len(data), *(int(place * len(data)) for place in places)})
    return [data[begin:end] for begin, end in itertools.pairwise(at)]


def reference(recording: bytes) -> NDArray[np.int16]:
    """What PyAV makes of the whole file: mixed to one channel, 16 kHz."""
    with av.open(io.BytesIO(recording)) as container:
        frames = list(container.decode(audio=0))
    wave = np.concatenate([mixed(planar(frame), 1) for frame in frames], axis=1)
    resampler = av.AudioResampler(format="s16", layout="mono", rate=16_000)
    parts = [*resampler.resample(audio_frame(wave[0], frames[0].sample_rate)), *resampler.resample(None)]
    return np.concatenate([part.to_ndarray()[0] for part in parts])


class Kit(NamedTuple):
    """What the tests of this package share."""

    encode: Callable[..., bytes] = encode
    read: Callable[..., Reading] = read_chunks
    cut: Callable[[bytes, list[float]], list[bytes]] = cut
    reference: Callable[[bytes], NDArray[np.int16]] = reference


@pytest.fixture(scope="session")
def kit() -> Kit:
    """Recordings, and ways to read them."""
    return Kit()


@pytest.fixture(params=sorted(FORMATS))
def any_format(request: pytest.FixtureRequest) -> str:
    """Each format by name."""
    return str(request.param)
