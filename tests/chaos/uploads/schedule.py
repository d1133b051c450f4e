"""What is uploaded and who is killed when, drawn from one seed. Pure."""

import random
from dataclasses import dataclass
from typing import Final, Literal

PIECE_BYTES: Final = 1024**2
"""How ingest cuts recordings into chunks."""
PART_BYTES: Final = 8 * PIECE_BYTES
"""How the client cuts them into requests."""
Victim = Literal["uploader", "server", "worker"]
Moment = Literal["time", "chunk", "mark", "description", "end"]
MARKS: Final[dict[Moment, str]] = {
    "chunk": "/chunks/",
    "mark": "unregistered/",
    "description": "/stream.json",
    "end": "/end.json",
}
"""What the name of an object has in it that makes the moment."""


@dataclass(frozen=True)
class Kill:
    """SIGKILL for the victim: `after_s` after it was last started, or as soon as `count` more such objects are there."""

    victim: Victim
    moment: Moment
    after_s: float
    count: int
    down_s: float
    """How long the victim stays away."""
    times: int
    """How often an uploader is then started, side by side."""


def draw_kills(chance: random.Random, each: int) -> list[Kill]:
    """`each` kills of the uploader and as many of the server (one in three of its worker alone), in random order."""
    victims: list[Victim] = ["uploader"] * each
    victims += ["worker" if chance.random() < 0.33 else "server" for _ in range(each)]
    chance.shuffle(victims)
    return [_kill(chance, victim) for victim in victims]


def _kill(chance: random.Random, victim: Victim) -> Kill:
    moment: Moment = chance.choices(("time", "chunk", "mark", "description", "end"), (8, 5, 2, 2, 2))[0]
    return Kill(
        victim,
        moment,
        after_s=chance.uniform(0.2, 1.6),
        count=chance.randint(1, 4) if moment == "chunk" else 1,
        down_s=chance.uniform(0.0, 0.5),
        times=2 if chance.random() < 0.25 else 1,
    )


def draw_files(chance: random.Random, most_bytes: int) -> list[bytes]:
    """Five recordings: two around a boundary of chunks, a tiny one, and two of some megabytes, one maybe beyond one request."""
    near = [1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES - 1, 2 * PIECE_BYTES, 2 * PIECE_BYTES + 1]
    sizes = [1, *chance.sample(near[1:], 2), chance.randint(2 * PIECE_BYTES, most_bytes)]
    sizes.append(chance.choice([PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, chance.randint(17, 5_000)]))
    chance.shuffle(sizes)
    return [recording(chance, size) for size in sizes]


def recording(chance: random.Random, size_bytes: int) -> bytes:
    """Bytes that begin as one of the containers does and are noise otherwise."""
    heads = [b"\x1aE\xdf\xa3", b"OggS", b"fLaC", b"RIFF\0\0\0\0WAVE", b"\0\0\0\x18ftyp"]
    return (chance.choice(heads) + chance.randbytes(size_bytes))[:size_bytes]
