"""Seeded mutation without coverage: for Pythons and machines that atheris has no wheel for. The same seed gives the same inputs."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from tests.fuzz.target import Target

_BIG_ENDIAN: Final = tuple(
    number.to_bytes(width, "big")
    for width in (2, 4, 8)
    for number in (0, 1, (1 << 8 * width - 1) - 1, 1 << 8 * width - 1, (1 << 8 * width) - 1)
)
_NUMBERS: Final = (*_BIG_ENDIAN, *(number[::-1] for number in _BIG_ENDIAN))


def inputs(target: Target, seed: int, runs: int) -> Iterator[bytes]:
    """The seeds as they are, and then `runs` mutations of them."""
    seeds = [*target.seeds(), b""]
    yield from seeds
    draw = Random(f"{target.name} {seed}")
    for _ in range(runs):
        data = bytearray(draw.choice(seeds)[: target.max_bytes])
        for _ in range(draw.randint(1, 4)):
            _mutate(data, draw, seeds, target.tokens)
        yield bytes(data[: target.max_bytes])


def _mutate(data: bytearray, draw: Random, seeds: list[bytes], tokens: Sequence[bytes]) -> None:
    at = draw.randrange(len(data) + 1)
    until = min(len(data), at + draw.choice((1, 2, 4, 8, 64)))
    match draw.randrange(7):
        case 0 if data:
            data[at % len(data)] ^= 1 << draw.randrange(8)
        case 1 if data:
            data[at % len(data)] = draw.randrange(256)
        case 2:
            del data[at:until]
        case 3:
            data[at:at] = data[at:until] * draw.choice((1, 1, 8))
        case 4:
            number = draw.choice(_NUMBERS)
            data[at : at + len(number)] = number
        case 5:
            other = draw.choice(seeds)
            begin = draw.randrange(len(other) + 1)
            data[at:until] = other[begin : begin + draw.choice((1, 8, 64, 512))]
        case _:
            known = tokens or (b"\0", b"\xff" * 8)
            data[at:at] = draw.choice(known)
