"""Samples into containers as recorders, phones and files have them. PyAV encodes; what MediaRecorder writes is written as it does."""

import io
from dataclasses import dataclass, field
from fractions import Fraction

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream

from tests.chaos.pipeline.speech import RATE_HZ, Samples
from turnscribe.demo.live_webm import live_webm

LAYOUTS = {1: "mono", 2: "stereo"}


@dataclass(frozen=True)
class Encoding:
    """How FFmpeg writes it. `muxer` empty: the samples alone, as `codec` has them."""

    muxer: str
    codec: str
    rate_hz: int
    sample_format: str = "s16"
    kbps: int = 32
    mux_options: dict[str, str] = field(default_factory=dict)
    codec_options: dict[str, str] = field(default_factory=dict)


FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "500000"}
NO_NOISE = {"aac_pns": "0"}  # noise that a decoder makes up depends on how much it made up before
OGG_OPUS = Encoding("ogg", "libopus", 48_000, mux_options={"page_duration": "200000"})
OGG_VORBIS = Encoding("ogg", "vorbis", 44_100, "fltp", 64, codec_options={"strict": "-2"})
OGG_FLAC = Encoding("ogg", "flac", 16_000)
FLAC = Encoding("flac", "flac", 16_000)
WAV = Encoding("wav", "pcm_s16le", 16_000)
MU_LAW = Encoding("mulaw", "pcm_mulaw", 8_000)
PCM = Encoding("s16le", "pcm_s16le", 16_000)
MP3 = Encoding("mp3", "libmp3lame", 24_000, "s16p", 48)
ADTS = Encoding("adts", "aac", 48_000, "fltp", 48, codec_options=NO_NOISE)
MP4_OPUS = Encoding("mp4", "libopus", 48_000, mux_options=FRAGMENTED)
MP4_AAC = Encoding("mp4", "aac", 44_100, "fltp", 48, mux_options=FRAGMENTED, codec_options=NO_NOISE)
M4A = Encoding("ipod", "aac", 44_100, "fltp", 48)
AIFF = Encoding("aiff", "pcm_s16be", 22_050)


def encoded(samples: Samples, how: Encoding) -> bytes:
    """A whole file. `samples` has shape (channels, n) at RATE_HZ."""
    target = io.BytesIO()
    with av.open(target, mode="w", format=how.muxer, options=how.mux_options) as container:
        layout = LAYOUTS[len(samples)]
        stream = container.add_stream(how.codec, rate=how.rate_hz, layout=layout, options=how.codec_options)
        assert isinstance(stream, AudioStream)
        stream.codec_context.format = av.AudioFormat(how.sample_format)
        stream.bit_rate = how.kbps * 1000
        frame_size = how.rate_hz // 25 if "pcm" in how.codec else None
        resampler = av.AudioResampler(format=how.sample_format, layout=layout, rate=how.rate_hz, frame_size=frame_size)
        for frame in [*resampler.resample(_frame(samples)), *resampler.resample(None)]:
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target.getvalue()


def recorded(samples: Samples, *, packet_ms: int, cluster_ms: int, writer: str) -> bytes:
    """The WebM that a browser's MediaRecorder gives out while it records."""
    codec = AudioCodecContext.create("libopus", "w")
    codec.format, codec.layout, codec.rate = av.AudioFormat("flt"), av.AudioLayout(LAYOUTS[len(samples)]), RATE_HZ
    codec.time_base = Fraction(1, RATE_HZ)
    codec.bit_rate = 32_000
    codec.options = {"frame_duration": str(packet_ms), "application": "audio"}
    codec.open()
    resampler = av.AudioResampler(format="flt", layout=codec.layout, rate=RATE_HZ, frame_size=codec.frame_size)
    frames = [*resampler.resample(_frame(samples)), *resampler.resample(None), None]
    packets = [bytes(packet) for frame in frames for packet in codec.encode(frame)]
    return live_webm(bytes(codec.extradata or b""), packets, packet_ms=packet_ms, cluster_ms=cluster_ms, writer=writer)


def _frame(samples: Samples) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=LAYOUTS[len(samples)])
    frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, 0, Fraction(1, RATE_HZ)
    return frame
