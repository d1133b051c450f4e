"""The first seconds of the shipped conversation in every container that is taken."""

from fractions import Fraction
from pathlib import Path

import av

from turnscribe.demo.command import CONVERSATION

EXCERPT_S = 16
FORMATS = {
    "webm": ("webm", "libopus", 48_000),
    "ogg": ("ogg", "libopus", 48_000),
    "wav": ("wav", "pcm_s16le", 16_000),
    "mp3": ("mp3", "libmp3lame", 24_000),
    "flac": ("flac", "flac", 16_000),
    "m4a": ("ipod", "aac", 44_100),
}


def write_excerpt(path: Path, kind: str) -> None:
    """Write the first seconds of the conversation to `path`."""
    container, codec, rate_hz = FORMATS[kind]
    with av.open(str(CONVERSATION)) as source, av.open(str(path), "w", format=container) as target:
        encoded = target.add_stream(codec, rate=rate_hz, layout="mono")
        resampler = av.AudioResampler(format=encoded.format, layout="mono", rate=rate_hz, frame_size=encoded.frame_size)
        written = 0
        for frame in source.decode(audio=0):
            for resampled in resampler.resample(frame):
                if written >= EXCERPT_S * rate_hz:
                    break
                resampled.pts, resampled.time_base = written, Fraction(1, rate_hz)
                written += resampled.samples
                target.mux(encoded.encode(resampled))
        target.mux(encoded.encode(None))
