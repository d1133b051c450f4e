"""Decoded audio of the uncut spans, kept by one instance as long as there is room.

A cache and nothing more: the audio of a connection is a pure function of its packets, so what is here is what decoding from
the bucket would give. A gap in the container's timestamps reads as digital silence.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from segmenter_service.audio.reader import PcmBlock


@dataclass
class PcmWindow:
    """Consecutive blocks of one connection. `from_sample` ≤ `to_sample`, on the connection's 16 kHz clock."""

    from_sample: int
    to_sample: int
    blocks: list[PcmBlock] = field(default_factory=list)

    @property
    def size_bytes(self) -> int:
        """Bytes of audio held."""
        return sum(block.samples.nbytes for block in self.blocks)

    def append(self, block: PcmBlock) -> None:
        """Add the next block; the time between it and the one before is silence."""
        self.blocks.append(block)
        self.to_sample = max(self.to_sample, block.first_sample + block.samples.shape[1])

    def drop_before(self, sample: int) -> None:
        """Forget blocks that end at or before `sample`."""
        self.blocks = [b for b in self.blocks if b.first_sample + b.samples.shape[1] > sample]
        self.from_sample = max(self.from_sample, min(sample, self.to_sample))

    def read(self, from_sample: int, to_sample: int, channels: int) -> NDArray[np.int16]:
        """Samples (channels, to - from). The range must lie inside the window; a block of other width is mixed to fit."""
        out = np.zeros((channels, to_sample - from_sample), dtype=np.int16)
        for block in self.blocks:
            begin = max(from_sample, block.first_sample)
            end = min(to_sample, block.first_sample + block.samples.shape[1])
            if begin < end:
                part = fitted(block.samples[:, begin - block.first_sample : end - block.first_sample], channels)
                out[:, begin - from_sample : end - from_sample] = part
        return out

    def covers(self, from_sample: int, to_sample: int) -> bool:
        """True when the whole range can be read."""
        return self.from_sample <= from_sample and to_sample <= self.to_sample


def fitted(samples: NDArray[np.int16], channels: int) -> NDArray[np.int16]:
    """`samples` with `channels` rows: a recorder that restarts may come back with more or fewer channels."""
    if samples.shape[0] == channels:
        return samples
    mono = samples.mean(axis=0, dtype=np.float32).astype(np.int16)
    return np.repeat(mono[np.newaxis], channels, axis=0)


class PcmCache:
    """Windows by connection, at most `limit_bytes` in all; the connection that was used longest ago goes first."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._held_bytes = 0
        self._windows: OrderedDict[tuple[str, str], tuple[PcmWindow, int]] = OrderedDict()
        """Each with its size, so that keeping the limit costs nothing per connection."""
        self._lock = threading.Lock()

    def get(self, key: tuple[str, str]) -> PcmWindow | None:
        """A private copy of the connection's window (blocks are shared and never changed), or None."""
        with self._lock:
            found = self._windows.get(key)
            return PcmWindow(found[0].from_sample, found[0].to_sample, list(found[0].blocks)) if found else None

    def put(self, key: tuple[str, str], window: PcmWindow) -> None:
        """Remember a window, and forget others if there is no room for it."""
        size_bytes = window.size_bytes
        with self._lock:
            self._drop(key)
            self._windows[key] = window, size_bytes
            self._held_bytes += size_bytes
            while self._held_bytes > self._limit_bytes:
                self._drop(next(iter(self._windows)))

    def forget(self, key: tuple[str, str]) -> None:
        """Drop the window of a connection that is closed."""
        with self._lock:
            self._drop(key)

    def _drop(self, key: tuple[str, str]) -> None:
        found = self._windows.pop(key, None)
        if found:
            self._held_bytes -= found[1]
