"""How much of a table of attacks on a table of routes is tried: all of it, or each attack somewhere and each route with some. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Choice:
    """What `--hostile` asks for."""

    everything: bool = False

    def of(self, values: Sequence[T], turn: int, count: int = 1) -> Sequence[T]:
        """`count` of `values`; others in the next turn, so that enough turns take all. All at once where everything is asked for."""
        if self.everything or count >= len(values):
            return values
        return [values[(turn * count + at) % len(values)] for at in range(count)]
