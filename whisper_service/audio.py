"""Reading audio of any common container and codec, through PyAV. No ffmpeg program is needed."""

import io

import av
import numpy as np
from av.audio.resampler import AudioResampler

from common.errors import Permanent
from whisper_service.transcription import SAMPLE_RATE_HZ, Samples


def read_audio(data: bytes, *, max_duration_s: float) -> Samples:
    """The first audio stream of `data`, mono at `SAMPLE_RATE_HZ`.

    Packets that are damaged are left out, as players do. Raises `Permanent`: `unreadable_audio` when nothing can be read,
    `audio_too_long` beyond `max_duration_s`; decoding stops there, so that a small file cannot fill the memory.
    """
    if not data:
        raise Permanent("The audio is empty: 0 bytes.", reason="unreadable_audio")
    try:
        pcm = _decode(data, max_samples=int(max_duration_s * SAMPLE_RATE_HZ))
    except (av.FFmpegError, UnicodeDecodeError) as error:
        raise _unreadable(data, "no known container, or a damaged header") from error
    if not len(pcm):
        raise _unreadable(data, "it holds no audio that can be decoded")
    return pcm.astype(np.float32) / np.float32(32768)


def _decode(data: bytes, *, max_samples: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    # 16-bit as faster-whisper itself reads files: the words are those that it gives for the same file.
    resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
    parts: list[np.ndarray[tuple[int], np.dtype[np.int16]]] = []
    total = 0
    with av.open(io.BytesIO(data), mode="r", metadata_errors="ignore") as container:
        if not container.streams.audio:
            return np.zeros(0, np.int16)
        for packet in container.demux(container.streams.audio[0]):
            try:
                frames = packet.decode()
            except av.InvalidDataError:
                continue
            for frame in frames:
                frame.pts = None
                for resampled in resampler.resample(frame):
                    parts.append(resampled.to_ndarray()[0])
                    total += resampled.samples
            if total > max_samples:
                raise Permanent(
                    f"The audio is longer than {max_samples / SAMPLE_RATE_HZ:g} seconds.", reason="audio_too_long"
                )
        if parts:
            parts += [resampled.to_ndarray()[0] for resampled in resampler.resample(None)]
    return np.concatenate(parts) if parts else np.zeros(0, np.int16)


def _unreadable(data: bytes, why: str) -> Permanent:
    return Permanent(f"The audio ({len(data):,} bytes) can't be read: {why}.", reason="unreadable_audio")
