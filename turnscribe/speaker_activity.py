"""Saying who spoke in a stream, whichever way the stream goes."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

import msgspec

from turnscribe.speaker_intervals import Interval, observation


class SpeakerActivity(ABC):
    """What a stream can be told of its speakers. Each call returns the observation's id, once it is durable."""

    def observe_masks(self, ts_ms: int, masks: Sequence[tuple[str, str]], *, bit_ms: int = 100) -> str:
        """Who spoke in the window that ends at `ts_ms` (epoch): per speaker one digit 0 or 1 for every `bit_ms`.

        Raises `BadRequest` for what is wrong in it, after which the stream goes on.
        """
        said = {"ts_ms": ts_ms, "bit_ms": bit_ms, "masks": [list(mask) for mask in masks]}
        return self._observe(msgspec.json.encode(said))

    def observe_intervals(
        self,
        intervals: Sequence[Interval],
        *,
        covered_from_ms: int,
        covered_to_ms: int,
        clock: Literal["stream", "epoch"] = "stream",
    ) -> str:
        """Who spoke from `covered_from_ms` to `covered_to_ms`; whoever is not named was silent there. Otherwise as `observe_masks`."""
        return self._observe(observation(intervals, covered_from_ms, covered_to_ms, clock))

    @abstractmethod
    def _observe(self, body: bytes) -> str:
        """Send an observation's JSON; returns its id."""
