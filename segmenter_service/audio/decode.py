"""A block of packets into 16 kHz samples. Pure: the same block gives the same samples, bit for bit.

libavcodec decodes (through PyAV, no ffmpeg binary), libswresample resamples.
"""

from typing import Final, NamedTuple, cast

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from numpy.typing import NDArray

from segmenter_service.audio.blocks import SAMPLE_RATE, Block
from segmenter_service.audio.packets import Codec, Packet
from segmenter_service.audio.resampling import Float, resampled, step_of
from segmenter_service.audio.spares import Spares

LEFT_CONTEXT_MS: Final = 8
"""What the resampler gets to see before the first sample that is wanted of it; it looks back about 1 ms."""
_REUSED: Final = frozenset({"opus"})
"""Decoders that a flush leaves as if they were new. To make one for each block takes a tenth of the time that decoding it takes."""
_INTEGER_SCALE = {"u8": 1 << 7, "s16": 1 << 15, "s32": 1 << 31}


class PcmBlock(NamedTuple):
    """Consecutive samples."""

    first_sample: int
    """On the connection's 16 kHz clock: stream time in ms × 16."""
    samples: NDArray[np.int16]
    """Shape (channels, n)."""


def decode(block: Block, *, keep_channels: bool) -> tuple[PcmBlock, int]:
    """The samples of `block`, and how many packets libavcodec refused: in their place is silence."""
    codec = block.codec
    channels = codec.channels if keep_channels else 1
    context = _fresh(codec)
    needed_from = _needed_from(block, codec.rate)
    start = end = block.start
    heard: list[tuple[Packet, list[av.AudioFrame]]] = []
    refused = 0
    for packet in block.packets:
        frames = _frames(context, packet)
        refused += frames is None
        end += packet.samples
        if end > needed_from:  # those before only warm the decoder up
            start = start if heard else end - packet.samples
            heard.append((packet, frames or []))
    if not refused:
        _keep(codec, context)
    rate = next((frames[-1].sample_rate for _, frames in reversed(heard) if frames), codec.rate)
    parts = [_fitted(frames, packet.samples * rate // codec.rate, rate, codec.channels) for packet, frames in heard]
    if len({part.shape[0] for part in parts}) > 1:
        parts = [mixed(part, channels) for part in parts]
    wave = mixed(np.concatenate(parts, axis=1), channels) if parts else np.zeros((channels, 0), np.float32)
    return PcmBlock(block.first_sample, _resampled(wave, start * rate // codec.rate, rate, block)), refused


def planar(frame: av.AudioFrame) -> Float:
    """A frame's samples as (channels, n) floats in -1..1. They may be the frame's own: not to be written to."""
    if frame.format.name == "fltp":
        # PyAV's own way to an array takes twenty times as long, and packets are short.
        rows = [np.frombuffer(memoryview(plane), np.float32, frame.samples) for plane in frame.planes]
        return rows[0][np.newaxis] if len(rows) == 1 else np.stack(rows)
    array = frame.to_ndarray()
    if not frame.format.is_planar:
        array = array.reshape(-1, frame.layout.nb_channels).T
    scale = _INTEGER_SCALE.get(frame.format.packed.name)
    if scale is None:
        return array.astype(np.float32, copy=False)
    offset = scale if frame.format.packed.name == "u8" else 0
    return (array.astype(np.float32) - offset) / np.float32(scale)


def mixed(wave: Float, channels: int) -> Float:
    """`wave` with `channels` rows. Where the number differs, every row is the mean of all."""
    if wave.shape[0] == channels:
        return wave
    mean = wave.mean(axis=0, dtype=np.float32, keepdims=True)
    return mean if channels == 1 else np.repeat(mean, channels, axis=0)


_kept: Final = Spares[Codec, AudioCodecContext]()
"""Decoders that can be used again. One that fails in any way is not given back."""


def _fresh(codec: Codec) -> AudioCodecContext:
    """A decoder that has seen nothing, or remembers nothing of it."""
    context = _kept.take(codec)
    if context is None:
        return _open(codec)
    context.flush_buffers()
    return context


def _keep(codec: Codec, context: AudioCodecContext) -> None:
    if codec.name in _REUSED:
        _kept.give(codec, context)


def _open(codec: Codec) -> AudioCodecContext:
    context = cast("AudioCodecContext", av.CodecContext.create(codec.name, "r"))
    context.thread_count = 1  # several would deliver frames late
    if codec.extradata:
        context.extradata = codec.extradata
    context.sample_rate = codec.rate
    context.layout = f"{codec.channels} channels" if codec.channels > 2 else ("mono", "stereo")[codec.channels - 1]
    return context


def _frames(context: AudioCodecContext, packet: Packet) -> list[av.AudioFrame] | None:
    """What the decoder makes of a packet; None when it refuses it."""
    if not packet.data:  # to libavcodec an empty packet is the end of the stream
        return []
    # libavcodec reads up to 64 bytes beyond damaged packets. Of one of its own they are zero; after Python's bytes comes any memory.
    padded = av.Packet(len(packet.data))
    padded.update(packet.data)
    try:
        return context.decode(padded)
    except av.FFmpegError:
        return None


def _fitted(frames: list[av.AudioFrame], samples: int, rate: int, channels: int) -> Float:
    """Exactly `samples` long: a first packet that only primes the decoder leaves silence, a trimmed last one is cut."""
    waves = [planar(frame) for frame in frames if frame.sample_rate == rate]
    if len({wave.shape[0] for wave in waves}) > 1:
        waves = [mixed(wave, 1) for wave in waves]
    if not waves:
        return np.zeros((channels, samples), np.float32)
    wave = waves[0] if len(waves) == 1 else np.concatenate(waves, axis=1)
    missing = samples - wave.shape[1]
    return np.pad(wave, ((0, 0), (missing, 0))) if missing > 0 else wave[:, :samples]


def _needed_from(block: Block, rate: int) -> int:
    """From where on the resampler needs samples: at `rate`, after the run's origin."""
    wanted = (block.first_sample - block.origin) * rate // SAMPLE_RATE
    return wanted - LEFT_CONTEXT_MS * rate // 1_000 - step_of(rate)


def _resampled(wave: Float, start: int, rate: int, block: Block) -> NDArray[np.int16]:
    """The block's samples out of `wave`, which begins at `start` (samples at `rate` after the run's origin)."""
    wanted = block.first_sample - block.origin
    # The resampler puts its first output sample where its first input sample is: begin where both clocks have one.
    from_position = max(start, _needed_from(block, rate))
    from_position += -from_position % step_of(rate)
    first = -(-from_position * SAMPLE_RATE // rate)
    count = block.end_sample - block.first_sample
    rows = np.zeros((wave.shape[0], count), np.int16)
    for row, samples in zip(rows, wave[:, from_position - start :], strict=True):
        output = resampled(samples, rate, wanted - first, count)
        row[: output.size] = output
    return rows
