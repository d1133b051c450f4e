"""What a fuzz target is: a function of bytes that raises nothing, whatever the bytes are, and what to begin with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from zlib import crc32


@dataclass(frozen=True)
class Target:
    """`run` raises for a broken invariant, or lets out an error that the code under test does not declare."""

    name: str
    run: Callable[[bytes], None]
    seeds: Callable[[], Sequence[bytes]]
    max_bytes: int = 4_096
    tokens: Sequence[bytes] = ()
    """What the format is made of, for mutations that would take long to find it."""


def chance(data: bytes) -> Random:
    """Decisions that follow from the input alone, so that a kept input shows the same again."""
    return Random(crc32(data))


def pieces(data: bytes) -> list[bytes]:
    """`data` cut at a few places, or after each byte."""
    draw = chance(data)
    if len(data) < 600 and draw.random() < 0.1:
        return [data[at : at + 1] for at in range(len(data))]
    edges = sorted(draw.randrange(len(data) + 1) for _ in range(draw.randint(1, 6)))
    return [data[a:b] for a, b in zip([0, *edges], [*edges, len(data)], strict=True)]
