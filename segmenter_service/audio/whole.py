"""Containers that can only be read when all of them is there: m4a with its index at the end, AIFF, AMR, …

The bytes go to a temporary file, because demuxers of such formats seek. Decoding is streamed: memory does not grow.
"""

import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Final

import av
import numpy as np
from numpy.typing import NDArray

from common.errors import Permanent
from segmenter_service.audio.blocks import SAMPLE_RATE
from segmenter_service.audio.decode import PcmBlock, mixed, planar
from segmenter_service.audio.packets import MAX_CHANNELS, MAX_RATE, MIN_RATE
from segmenter_service.audio.resampling import Float, Resampler, audio_frame

MAX_FILE_BYTES: Final = 1 << 30
IN_MEMORY_BYTES: Final = 1 << 23
BLOCK_SAMPLES: Final = SAMPLE_RATE


def decode_whole(chunks: Iterable[bytes], *, from_byte: int, keep_channels: bool) -> Iterator[PcmBlock]:
    """Blocks of about 1 s of the container that begins at `from_byte` of `chunks`. Raises `Permanent` (`unsupported_codec`, `corrupt_file`, `file_too_large`)."""
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as spool:
        size_bytes = 0
        for chunk in chunks:
            before = max(0, from_byte - size_bytes)
            size_bytes += len(chunk)
            if size_bytes > MAX_FILE_BYTES:
                raise Permanent(f"the recording is longer than {MAX_FILE_BYTES} bytes", reason="file_too_large")
            spool.write(chunk[before:])
        spool.seek(0)
        yield from _numbered(_decoded(spool, keep_channels=keep_channels))


def _decoded(file: IO[bytes], *, keep_channels: bool) -> Iterator[NDArray[np.int16]]:
    """Samples (channels, n), as the decoder delivers them."""
    try:
        container = av.open(file, mode="r", metadata_errors="ignore")
    except (av.FFmpegError, ValueError) as error:
        raise Permanent(f"the file can't be opened: {_text(error)}", reason="corrupt_file") from error
    with container:
        if not container.streams.audio:
            raise Permanent("the file has no audio track", reason="no_audio")
        stream = container.streams.audio[0]
        resampling = _Resampling()
        frames = container.decode(stream)
        heard = False
        while True:
            try:
                frame = next(frames, None)
            except (av.FFmpegError, ValueError) as error:
                if heard:
                    break  # a file that is cut off is read as far as it goes
                raise Permanent(f"the file can't be decoded: {_text(error)}", reason="corrupt_file") from error
            if frame is None:
                break
            heard = True
            if not MIN_RATE <= frame.sample_rate <= MAX_RATE:
                raise Permanent(f"sample rate {frame.sample_rate}", reason="unsupported_codec")
            wave = planar(frame)
            yield resampling.samples(wave if keep_channels else mixed(wave, 1), frame.sample_rate)
        if not heard:
            raise Permanent("the file has no audio that can be decoded", reason="corrupt_file")
        yield resampling.rest()


class _Resampling:
    """To 16 kHz, frame after frame. The first frame says how many channels there are."""

    def __init__(self) -> None:
        self._rate = 0
        self._resamplers: list[Resampler] = []

    def samples(self, wave: Float, rate: int) -> NDArray[np.int16]:
        """What `wave` (channels, n) at `rate` completes."""
        before = self.rest() if rate != self._rate and self._resamplers else None
        channels = len(self._resamplers) or min(wave.shape[0], MAX_CHANNELS)
        if rate != self._rate:
            self._rate = rate
            self._resamplers = [Resampler(rate) for _ in range(channels)]
        rows = zip(self._resamplers, mixed(wave, channels), strict=True)
        now = _stacked([resampler.resample(audio_frame(row, rate)) for resampler, row in rows])
        return now if before is None else np.concatenate([before, now], axis=1)

    def rest(self) -> NDArray[np.int16]:
        """What the resamplers still hold."""
        return _stacked([resampler.resample(None) for resampler in self._resamplers])


def _stacked(rows: list[list[av.AudioFrame]]) -> NDArray[np.int16]:
    empty = np.zeros(0, np.int16)
    return np.stack([np.concatenate([empty, *(frame.to_ndarray()[0] for frame in frames)]) for frames in rows])


def _numbered(parts: Iterator[NDArray[np.int16]]) -> Iterator[PcmBlock]:
    """`parts` joined into blocks of at least a second, on the connection's clock."""
    held: list[NDArray[np.int16]] = []
    first_sample = end_sample = 0
    for part in parts:
        held.append(part)
        end_sample += part.shape[1]
        if end_sample - first_sample >= BLOCK_SAMPLES:
            yield PcmBlock(first_sample, np.concatenate(held, axis=1))
            held, first_sample = [], end_sample
    if end_sample > first_sample:
        yield PcmBlock(first_sample, np.concatenate(held, axis=1))


def _text(error: Exception) -> str:
    """What FFmpeg says is wrong, without the file's name."""
    return error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
