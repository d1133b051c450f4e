"""Groups packets into blocks, and places them on the connection's clock. Pure.

A block is the unit of decoding: its packets, and before them enough others to warm the decoder up. It closes at the first
packet boundary past 960 ms, so blocks depend on the packets alone and never on how their bytes were cut into chunks; that is
what makes the PCM of a connection a pure function of its packets.

The clock counts 16 kHz samples from the first sample of the connection. Samples are counted as long as the container's
timestamps agree to within a packet; a jump forward becomes a hole, and nothing ever goes back.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from segmenter_service.audio.packets import Codec, Packet

SAMPLE_RATE: Final = 16_000
HELD_BACK_SAMPLES: Final = 160
"""Output (10 ms) at the right edge of a block that the next block delivers, because a resampler needs to see beyond it."""
BLOCK_MS: Final = 960
BLOCK_BYTES: Final = 16_384
"""A block of uncompressed audio closes earlier: its packets lie in the hot state until then."""
MAX_BLOCK_PACKETS: Final = 2_000
MAX_WARM_UP_BYTES: Final = 1 << 18
"""What a warm-up may hold before its first packet: more than any encoder makes, and it lies in the hot state."""
MIN_TOLERANCE_US: Final = 20_000
MAX_LAG_US: Final = 1_000_000
"""Timestamps may lag behind the samples by so much before the two clocks are taken to be different ones."""
MAX_HOLE_US: Final = 3_600_000_000


@dataclass(frozen=True)
class WarmUp:
    """What a decoder, the held-back output and the resampler's left side need of earlier packets."""

    min_ms: int
    min_packets: int


_WARM_UP: Final = {
    "opus": WarmUp(500, 1),  # 480 ms for the decoder: 80 ms, which the specification asks for, is far from enough
    "mp3float": WarmUp(25, 11),  # 10 frames for the bit reservoir
    "aac": WarmUp(25, 3),
    "vorbis": WarmUp(25, 3),
}
_DEFAULT_WARM_UP: Final = WarmUp(25, 1)


@dataclass(frozen=True)
class Block:
    """Everything that the samples `first_sample`..`end_sample` (16 kHz, on the connection's clock) depend on."""

    codec: Codec
    packets: tuple[Packet, ...]
    """The warm-up first, then the block's own."""
    start: int
    """Where the first packet begins: samples at the codec's rate after the run's origin; negative inside a pre-skip."""
    origin: int
    """Where the run of uninterrupted packets that the block belongs to begins on the connection's clock."""
    first_sample: int
    end_sample: int


class BlockBuilder(msgspec.Struct, array_like=True):
    """The open block, its warm-up, and the clock. The fields are all that is carried from chunk to chunk."""

    codec: Codec | None = None
    origin: int = 0
    """16 kHz samples at `position` 0."""
    base_us: int | None = None
    """Container time at `position` 0; None until a timestamp was seen."""
    position: int = 0
    """End of the last packet in samples at the codec's rate, counted from the start of the run."""
    covered: int = 0
    """16 kHz samples that the blocks so far end at."""
    warm_up: list[Packet] = []
    packets: list[Packet] = []
    packets_from: int = 0
    """`position` where the open block begins."""
    packets_bytes: int = 0
    interrupted: bool = False
    """Packets are missing before the next one."""
    at_start: bool = True
    """No packet has come since the codec was named."""
    holes: int = 0
    rebased: int = 0
    """How often the container's clock jumped to where it can't be."""

    @property
    def end_sample(self) -> int:
        """End of the last packet on the connection's clock, 16 kHz samples."""
        return max(self.origin, self._sample_at(self.position))

    def copied(self) -> "BlockBuilder":
        """As it is now, to go back to."""
        return msgspec.structs.replace(self, warm_up=list(self.warm_up), packets=list(self.packets))

    def start(self, codec: Codec) -> Iterator[Block]:
        """A recording begins (again), where the last one ended."""
        yield from self.flush()
        self._begin_run(self.end_sample, None)
        self.codec = codec
        self.position = self.packets_from = -codec.delay
        self.interrupted, self.at_start = False, True

    def lost(self) -> None:
        """Packets are missing before the next one."""
        self.interrupted = True

    def add(self, packet: Packet) -> Iterator[Block]:
        """The next packet, and the block that it closes, if it does."""
        if self.codec is None:
            return
        hole_us = self._hole_us(packet)
        if hole_us or (self.interrupted and not self.at_start):
            yield from self.flush()
            resumed = self._sample_at(self.position) + hole_us * SAMPLE_RATE // 1_000_000
            self._begin_run(max(self.covered, resumed), packet.at_us)
            self.holes += 1
        self.interrupted = self.at_start = False
        self.packets.append(packet)
        self.packets_bytes += len(packet.data)
        self.position += packet.samples
        if self._is_full(self.codec.rate):
            yield from self._close(self.end_sample - HELD_BACK_SAMPLES)

    def flush(self) -> Iterator[Block]:
        """Close the open block to its very end. What comes next does not continue it."""
        yield from self._close(self.end_sample)

    def _sample_at(self, position: int) -> int:
        return self.origin + (position * SAMPLE_RATE // self.codec.rate if self.codec else 0)

    def _begin_run(self, origin: int, base_us: int | None) -> None:
        self.origin = self.covered = origin
        self.base_us = base_us
        self.position = self.packets_from = self.packets_bytes = 0
        self.warm_up, self.packets = [], []

    def _hole_us(self, packet: Packet) -> int:
        """How long nothing was recorded before `packet`, µs, by the container's clock."""
        if self.codec is None or packet.at_us is None:
            return 0
        elapsed_us = self.position * 1_000_000 // self.codec.rate
        if self.base_us is None and not packet.samples:
            return 0  # it only primes the decoder
        if self.base_us is None:
            # Recordings begin at 0. Where the first packets were lost, that tells how many.
            lost_us = packet.at_us if self.at_start and self.interrupted and 0 < packet.at_us <= MAX_HOLE_US else 0
            self.base_us = packet.at_us - elapsed_us - lost_us
        ahead_us = packet.at_us - self.base_us - elapsed_us
        tolerance_us = max(MIN_TOLERANCE_US, packet.samples * 1_000_000 // self.codec.rate)
        if -MAX_LAG_US <= ahead_us <= tolerance_us:
            return 0
        if 0 < ahead_us <= MAX_HOLE_US:
            return ahead_us
        self.base_us = packet.at_us - elapsed_us
        self.rebased += 1
        return 0

    def _is_full(self, rate: int) -> bool:
        return (
            (self.position - self.packets_from) * 1_000 >= BLOCK_MS * rate
            or self.packets_bytes >= BLOCK_BYTES
            or len(self.packets) >= MAX_BLOCK_PACKETS
        )

    def _close(self, end_sample: int) -> Iterator[Block]:
        everything = [*self.warm_up, *self.packets]
        if self.codec is not None and end_sample > self.covered:
            start = self.position - sum(packet.samples for packet in everything)
            yield Block(self.codec, tuple(everything), start, self.origin, self.covered, end_sample)
            self.covered = end_sample
        self.warm_up, self.packets = _tail(everything, self.codec), []
        self.packets_from, self.packets_bytes = self.position, 0


def _tail(packets: list[Packet], codec: Codec | None) -> list[Packet]:
    """The last of `packets`, as many as warm up a decoder of `codec`."""
    if codec is None:
        return []
    warm_up = _WARM_UP.get(codec.name, _DEFAULT_WARM_UP)
    needed_samples, count, held_bytes = warm_up.min_ms * codec.rate // 1_000, 0, 0
    for packet in reversed(packets):
        is_warm = needed_samples <= 0 and count >= warm_up.min_packets
        if is_warm or count >= MAX_BLOCK_PACKETS or held_bytes >= MAX_WARM_UP_BYTES:
            break
        needed_samples -= packet.samples
        held_bytes += len(packet.data)
        count += 1
    return packets[len(packets) - count :]
