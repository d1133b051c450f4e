"""What demuxers speak: the codec, its packets, and what may happen between them. No parsing and no decoding here."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from common.errors import Permanent

MAX_CHANNELS: Final = 64
MIN_RATE: Final = 1_000
MAX_RATE: Final = 768_000
MAX_SAMPLES_PER_S: Final = 64 * 96_000
"""Of all channels: what a second takes in memory while it is decoded."""
MAX_CLOCK_US: Final = 1 << 53
"""285 years."""


class Malformed(ValueError):
    """Bytes that can't be what the container says they are. Stays inside this package."""


class Unreadable(Permanent):
    """A container that can't be read from here on. Its demuxer is spent; the next one begins with a new header."""


class Codec(msgspec.Struct, frozen=True, array_like=True):
    """How to decode packets."""

    name: str
    """Name of libavcodec's decoder."""
    rate: int
    """Samples per second that packet durations are counted in."""
    channels: int
    extradata: bytes = b""
    delay: int = 0
    """Samples at the start of the stream that the encoder put there and nobody recorded (pre-skip)."""

    def checked(self) -> "Codec":
        """Itself, if rate and channels make sense. Raises `Malformed`."""
        if not MIN_RATE <= self.rate <= MAX_RATE:
            raise Malformed(f"sample rate {self.rate}")
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise Malformed(f"{self.channels} channels")
        if self.rate * self.channels > MAX_SAMPLES_PER_S:
            raise Malformed(f"{self.channels} channels at a sample rate of {self.rate}")
        return self


def clock_us(ticks: int, ticks_per_s: int) -> int | None:
    """A container's time in µs; None for one at which nothing can have been recorded: damage, or a way of not saying it."""
    at_us = ticks * 1_000_000 // ticks_per_s
    return at_us if abs(at_us) <= MAX_CLOCK_US else None


class Packet(msgspec.Struct, frozen=True, array_like=True):
    """One codec packet, as the encoder made it."""

    data: bytes
    samples: int
    """Duration in samples at the codec's rate."""
    at_us: int | None = None
    """When it begins on the container's clock, µs; None: right after the one before."""


@dataclass(frozen=True)
class Start:
    """A recording begins (again): a header was read. The container's clock may begin anew."""

    codec: Codec


@dataclass(frozen=True)
class Lost:
    """Bytes here could not be read; what comes next does not follow on what came before. `problem` is for a person."""

    problem: str


@dataclass(frozen=True)
class NeedsWholeFile:
    """The container is sound, but can only be read when all of it is there."""


Item = Start | Packet | Lost | NeedsWholeFile


class Demuxer(Protocol):
    """Takes a byte stream apart. All that it must remember are the fields of the (msgspec) struct that implements it.

    However the bytes are split over `feed`s, the items are the same.
    """

    def feed(self, data: bytes) -> Iterator[Item]:
        """Items that `data` completes. To be exhausted. Raises `Unreadable` when a header makes no sense."""
        ...

    def lost(self) -> None:
        """Bytes are missing here: drop what is incomplete and look for the next place to go on from."""
        ...

    def finish(self) -> Iterator[Item]:
        """Items that only the end of the stream completes. Raises `Unreadable` when the header never came to its end."""
        ...
