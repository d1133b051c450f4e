"""What is uploaded: twenty recordings of a few seconds, each in another format or with another fault, cut as its recorder cuts.

All of them are made here from the shipped conversation, once for each run, and are the same each time on one machine.
"""

import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
import numpy as np

from tests.chaos.pipeline import encoding
from tests.chaos.pipeline.encoding import Encoding, encoded, recorded
from tests.chaos.pipeline.speech import RATE_HZ, Speech, joined, said, side_by_side, silence
from turnscribe.demo.recording import cut_by_time, read_packets
from turnscribe.demo.speakers import GroundTruth, MaskWindow, Turn, mask_windows

PIECE_MS = 1_000
SPEAKER_DELAY_MS = 1_000
"""How far masks trail the audio: the installations' SPEAKER_DELAY_SEC."""
RAW = frozenset({"mulaw", "s16le"})
"""Samples without a container."""
CLUSTER = b"\x1f\x43\xb6\x75"


@dataclass(frozen=True)
class Piece:
    """Bytes of one chunk, and where the audio is once it has come (ms since the first sample)."""

    data: bytes
    end_ms: int


@dataclass(frozen=True)
class Recording:
    """One recording as its uploader has it."""

    name: str
    content_type: str
    pieces: tuple[Piece, ...]
    duration_ms: int | None
    """Of all of it, as libavcodec decodes the whole file; None where it is no audio."""
    turns: tuple[Turn, ...]
    channels: int = 1
    lost: frozenset[int] = frozenset()
    """Chunks that never come."""

    @property
    def data(self) -> bytes:
        """The whole file."""
        return b"".join(piece.data for piece in self.pieces)

    @property
    def windows(self) -> tuple[MaskWindow, ...]:
        """Who was shown to speak, second by second, until everything has been shown. Where nobody is known to, none."""
        if not self.turns or self.duration_ms is None:
            return ()
        return mask_windows(self.truth, self.duration_ms, delay_ms=SPEAKER_DELAY_MS)

    @property
    def truth(self) -> GroundTruth:
        """Who speaks when."""
        return GroundTruth(self.turns)


@cache
def recordings() -> dict[str, Recording]:
    """All of them by name."""
    made = [
        _browser("chromium", said(0.0, 8.0), packet_ms=60, cluster_ms=30_000),
        _browser("firefox", said(5.0, 8.0), packet_ms=20, cluster_ms=1_000),
        _browser("lost chunk", said(14.0, 9.0), packet_ms=60, cluster_ms=2_000, lost=frozenset({4})),
        _browser("pause", joined([said(22.0, 3.0), silence(4.0), said(25.3, 3.0)]), packet_ms=60, cluster_ms=30_000),
        _browser("two channels", side_by_side(said(0.5, 7.0), said(12.2, 7.0)), packet_ms=20, cluster_ms=1_000),
        _browser("first of two", said(45.0, 8.0), packet_ms=60, cluster_ms=30_000),
        _browser("second of two", said(45.4, 7.6), packet_ms=20, cluster_ms=1_000),
        _file("ogg opus", "audio/ogg", said(12.0, 8.0), encoding.OGG_OPUS),
        _file("ogg vorbis", "audio/ogg", _twice(said(17.0, 7.0)), encoding.OGG_VORBIS),
        _file("ogg flac", "audio/ogg", said(16.0, 6.0), encoding.OGG_FLAC),
        _file("flac", "audio/flac", said(25.0, 7.0), encoding.FLAC),
        _file("wav", "audio/wav", said(32.0, 7.0), encoding.WAV),
        _file("pcm", "audio/pcm;rate=16000;channels=1", said(35.0, 6.0), encoding.PCM),
        _file("mu-law", "audio/pcmu;rate=8000", said(38.0, 3.0), encoding.MU_LAW),
        _file("mp3", "audio/mpeg", said(49.0, 7.0), encoding.MP3),
        _file("adts", "audio/aac", said(53.0, 7.0), encoding.ADTS),
        _file("mp4 opus", "audio/mp4", said(55.0, 7.0), encoding.MP4_OPUS),
        _file("mp4 aac", "audio/mp4", said(28.0, 7.0), encoding.MP4_AAC),
        _file("m4a", "audio/mp4", said(2.0, 7.0), encoding.M4A),
        _file("aiff", "audio/aiff", said(19.0, 6.0), encoding.AIFF),
        _no_audio(),
    ]
    return {each.name: each for each in made}


def decoded_ms(data: bytes) -> int:
    """How long a whole file is, in milliseconds of samples that libavcodec decodes."""
    with av.open(io.BytesIO(data), "r") as container:
        frames = [(frame.samples, frame.sample_rate) for frame in container.decode(audio=0)]
    return sum(samples for samples, _ in frames) * 1000 // frames[0][1]


def _browser(
    name: str, speech: Speech, *, packet_ms: int, cluster_ms: int, lost: frozenset[int] = frozenset()
) -> Recording:
    """As Chromium gives it out (chunks begin inside an element), or as Firefox does (chunks begin with a Cluster)."""
    data = recorded(speech.samples, packet_ms=packet_ms, cluster_ms=cluster_ms, writer=name)
    pieces = _at_clusters(data, cluster_ms) if packet_ms == 20 else _by_time(data)
    content_type = "audio/webm;codecs=opus"
    return Recording(name, content_type, pieces, decoded_ms(data), speech.turns, len(speech.samples), lost)


def _file(name: str, content_type: str, speech: Speech, how: Encoding) -> Recording:
    """Cut by size alone, as somebody does who does not know the format."""
    data = encoded(speech.samples, how)
    seconds = speech.samples.shape[1] / RATE_HZ
    count = round(seconds * 1000 / PIECE_MS)
    cuts = [len(data) * at // count for at in range(count + 1)]
    pieces = [Piece(data[cuts[at] : cuts[at + 1]], round(seconds * 1000 * (at + 1) / count)) for at in range(count)]
    duration_ms = round(seconds * 1000) if how.muxer in RAW else decoded_ms(data)
    return Recording(name, content_type, tuple(pieces), duration_ms, speech.turns)


def _twice(speech: Speech) -> Speech:
    """The same on two channels, for an encoder that knows no other number; they are mixed again."""
    return Speech(np.repeat(speech.samples, 2, axis=0), speech.turns)


def _no_audio() -> Recording:
    text = "".join(f"{minute:02d} These are the minutes of a meeting, in words.\n" for minute in range(60)).encode()
    half = len(text) // 2
    return Recording("no audio", "audio/webm", (Piece(text[:half], 1_000), Piece(text[half:], 2_000)), None, ())


def _by_time(data: bytes) -> tuple[Piece, ...]:
    with tempfile.NamedTemporaryFile(suffix=".webm") as file:
        file.write(data)
        file.flush()
        packets = read_packets(Path(file.name)) or ()
    cuts = cut_by_time(data, packets, PIECE_MS)
    return tuple(Piece(data[each.from_byte : each.to_byte], each.end_ms or 0) for each in cuts)


def _at_clusters(data: bytes, cluster_ms: int) -> tuple[Piece, ...]:
    first, *others = data.split(CLUSTER)
    parts: Sequence[bytes] = [first + CLUSTER + others[0], *(CLUSTER + other for other in others[1:])]
    ends_ms = [cluster_ms * at for at in range(1, len(parts))] + [decoded_ms(data)]
    return tuple(Piece(part, end_ms) for part, end_ms in zip(parts, ends_ms, strict=True))
