"""What happens to an installation and when, drawn from one seed. Pure."""

import random
from dataclasses import dataclass
from typing import Final, Literal

from tests.chaos.pipeline.installation import StackName

Kind = Literal["kill", "kill worker", "freeze", "flush", "pushes", "slow", "cut", "refuse", "clock", "disk"]

VICTIMS: Final[dict[StackName, tuple[str, ...]]] = {
    "embedded": ("ingest", "segmenter", "transcribe", "queue", "redis", "whisper"),
    "runner": ("runner", "whisper"),
    "cloud": ("ingest", "segmenter", "transcribe", "api", "pubsub", "gcs", "redis", "whisper"),
}
"""Who gets SIGKILL. Firestore's emulator keeps nothing, which Firestore does: it is frozen and cut off instead."""
WITH_WORKERS: Final[dict[StackName, tuple[str, ...]]] = {
    "embedded": ("ingest", "segmenter", "transcribe"),
    "runner": ("runner",),
    "cloud": ("ingest", "segmenter", "transcribe", "api"),
}
"""Who runs under gunicorn, which replaces a worker that dies."""
FREEZABLE: Final[dict[StackName, tuple[str, ...]]] = {
    "embedded": ("ingest", "segmenter", "transcribe", "queue", "redis", "whisper"),
    "runner": ("runner", "whisper"),
    "cloud": ("ingest", "segmenter", "transcribe", "firestore", "gcs", "redis", "whisper"),
}
LINKS: Final[dict[StackName, tuple[str, ...]]] = {
    "embedded": ("ingest", "redis", "whisper"),
    "runner": ("ingest", "whisper"),
    "cloud": ("ingest", "redis", "whisper", "gcs", "firestore", "pubsub"),
}
"""Ways that lead through a front."""
CLOCKS: Final[dict[StackName, tuple[str, ...]]] = {
    "embedded": ("ingest", "segmenter", "transcribe", "queue"),
    "runner": ("runner",),
    "cloud": ("ingest", "segmenter", "transcribe", "api"),
}
PUSHES: Final = ("late", "twice", "again", "unanswered", "cut", "refused", "mixed")
_KINDS: Final[dict[Kind, int]] = {
    "kill": 6,
    "kill worker": 2,
    "freeze": 2,
    "flush": 3,
    "pushes": 4,
    "slow": 1,
    "cut": 3,
    "refuse": 1,
    "clock": 2,
    "disk": 1,
}
"""How often each is drawn, relative to the others."""
WITHOUT: Final[dict[StackName, tuple[Kind, ...]]] = {"embedded": (), "runner": ("flush", "pushes"), "cloud": ("disk",)}
"""What a stack has no place for."""
SPAN_S: Final = 7.0
"""Faults begin within it; uploads take about as long."""
MOST_FAULTS: Final = 6
LONGEST_S: Final = 3.0
DECIDING_JUMP_S: Final = 3.0
"""How far the clock of a process may jump that decides by it what is given up (a chunk that never came): less than its patience."""
JUMP_S: Final = 60.0


@dataclass(frozen=True)
class Fault:
    """From `at_s` after the beginning on, for `for_s`."""

    at_s: float
    kind: Kind
    target: str
    for_s: float
    by_s: float = 0.0
    """How far a clock jumps; how long a slow way holds each piece at most."""

    def __str__(self) -> str:
        by = f" by {self.by_s:+.1f} s" if self.by_s else ""
        during = f" for {self.for_s:.1f} s" if self.for_s else ""
        return f"{self.at_s:.1f} s: {self.kind} {self.target}{by}{during}"


@dataclass(frozen=True)
class Schedule:
    """Everything that one seed means."""

    seed: int
    stack: StackName
    faults: tuple[Fault, ...]

    def __str__(self) -> str:
        return f"{self.stack} {self.seed}: " + "; ".join(map(str, self.faults))


def draw(seed: int, stack: StackName) -> Schedule:
    """Two to MOST_FAULTS faults, in the order in which they begin. The same seed always gives the same."""
    chance = random.Random(f"{stack} {seed}")
    kinds = {kind: share for kind, share in _KINDS.items() if kind not in WITHOUT[stack]}
    drawn = chance.choices(list(kinds), list(kinds.values()), k=chance.randint(2, MOST_FAULTS))
    faults = [_fault(chance, kind, stack) for kind in drawn]
    return Schedule(seed, stack, tuple(sorted(faults, key=lambda fault: fault.at_s)))


def _fault(chance: random.Random, kind: Kind, stack: StackName) -> Fault:
    at_s = round(chance.uniform(0.0, SPAN_S), 2)
    for_s = round(chance.uniform(0.2, LONGEST_S), 2)
    match kind:
        case "kill":
            return Fault(at_s, kind, chance.choice(VICTIMS[stack]), round(for_s / 2, 2))
        case "kill worker":
            return Fault(at_s, kind, chance.choice(WITH_WORKERS[stack]), 0.0)
        case "freeze":
            return Fault(at_s, kind, chance.choice(FREEZABLE[stack]), for_s)
        case "flush":
            return Fault(at_s, kind, "redis", 0.0)
        case "pushes":
            return Fault(at_s, kind, chance.choice(PUSHES), 2 * for_s)
        case "slow":
            return Fault(at_s, kind, chance.choice(LINKS[stack]), 2 * for_s, round(chance.uniform(0.02, 0.4), 2))
        case "cut" | "refuse":
            return Fault(at_s, kind, chance.choice(LINKS[stack]), for_s)
        case "clock":
            return _jump(chance, at_s, chance.choice(CLOCKS[stack]))
        case "disk":
            return Fault(at_s, kind, "data", for_s)


def _jump(chance: random.Random, at_s: float, target: str) -> Fault:
    """A clock that jumps stays there until the schedule is over."""
    most_s = DECIDING_JUMP_S if target in {"segmenter", "runner"} else JUMP_S
    by_s = chance.uniform(min(1.0, most_s), most_s) * chance.choice((-1, 1))
    return Fault(at_s, "clock", target, 0.0, round(by_s, 1))
