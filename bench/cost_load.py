"""What `bench.cost` plays: long meetings, the demo conversation over and over, faster than they were."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path
from typing import Final

from bench.growth import long_recording
from turnscribe.client import Client
from turnscribe.demo.command import CONVERSATION, CONVERSATION_TRUTH
from turnscribe.demo.playback import Player, Step, schedule
from turnscribe.demo.recording import Recording, load_recording
from turnscribe.demo.speakers import GroundTruth, Turn, load_ground_truth, mask_windows

START_MS: Final = 1_750_000_000_000


@dataclass(frozen=True)
class Played:
    """A recording, and when which of its chunks and observations are sent."""

    recording: Recording
    steps: tuple[Step, ...]
    speech_s: float
    """How long somebody speaks."""

    @property
    def audio_s(self) -> float:
        """Length of the recording."""
        return (self.recording.duration_ms or 0) / 1000

    @property
    def observations(self) -> int:
        """How many there are; the other steps are chunks."""
        return len(self.steps) - len(self.recording.pieces)


def long_meeting(folder: Path, minutes: int, *, chunk_ms: int, window_ms: int) -> Played:
    """A meeting of `minutes` in chunks and windows of speaker activity of so many milliseconds. `folder` gets its file."""
    path = folder / f"meeting-{minutes}.webm"
    path.write_bytes(b"".join(long_recording(minutes)))
    recording = load_recording(path, chunk_ms)
    duration_ms = recording.duration_ms or 0
    turns = repeated(load_ground_truth(CONVERSATION_TRUTH).turns, duration_ms / 1000)
    windows = mask_windows(GroundTruth(turns), duration_ms, delay_ms=0, window_ms=window_ms)
    return Played(recording, schedule(recording, windows), sum(turn.end - turn.start for turn in turns))


def repeated(turns: Sequence[Turn], until_s: float) -> tuple[Turn, ...]:
    """`turns` again and again, as often as the recording repeats their conversation, up to `until_s`. Pure but for its length."""
    period_s = conversation_s()
    rounds = takewhile(lambda number: number * period_s < until_s, count())
    shifted = (Turn(turn.speaker, turn.start + n * period_s, turn.end + n * period_s) for n in rounds for turn in turns)
    return tuple(Turn(turn.speaker, turn.start, min(turn.end, until_s)) for turn in shifted if turn.start < until_s)


def conversation_s() -> float:
    """Length of the conversation, which `long_recording` strings together packet by packet."""
    return (load_recording(CONVERSATION, 1_000).duration_ms or 0) / 1000


class Meetings:
    """Meetings that are played at the same time to one ingest, each in a thread of its own."""

    def __init__(self, client: Client, played: Played, names: Sequence[str], speed: float) -> None:
        self._players = [
            Player(
                client.stream(name, f"{name}-1", content_type=played.recording.content_type),
                played.recording,
                played.steps,
                started_at_ms=START_MS + number * 1_000,
                speed=speed,
            )
            for number, name in enumerate(names)
        ]
        for player in self._players:
            player.start()

    @property
    def are_playing(self) -> bool:
        """Whether there is more to come. Raises what playing raised."""
        for player in self._players:
            if player.error:
                raise player.error
        return any(player.is_alive() for player in self._players)
