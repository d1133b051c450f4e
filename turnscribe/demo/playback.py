"""Playing a recording to a stream as a browser would: chunks, speaker activity, end of stream, in time or faster.

The schedule is pure. The clock that the server is told (`captured_at`) is virtual: the run's start plus the position in the
recording, so it is right at any speed and the same again when a run goes on after an interruption.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from turnscribe.client import Stream
from turnscribe.demo.recording import Piece, Recording
from turnscribe.demo.speakers import IntervalWindow, MaskWindow
from turnscribe.errors import TurnscribeClientError

Observation = MaskWindow | IntervalWindow


@dataclass(frozen=True)
class Step:
    """What becomes known `at_ms` after the recording's start."""

    at_ms: int
    what: Piece | Observation


def schedule(recording: Recording, observations: Sequence[Observation]) -> tuple[Step, ...]:
    """All chunks and observations in the order in which they become known. Chunks without a time come first, in order."""
    chunks = [Step(piece.end_ms or 0, piece) for piece in recording.pieces]
    seen = [Step(window.end_ms, window) for window in observations]
    return tuple(sorted(seen + chunks, key=lambda step: step.at_ms))


def resume_at_ms(steps: Sequence[Step], durable: frozenset[int]) -> int:
    """The position up to which every chunk is durable: playing goes on from there."""
    position_ms = 0
    for step in steps:
        if isinstance(step.what, Piece):
            if step.what.seq not in durable:
                break
            position_ms = step.at_ms
    return position_ms


class Player(threading.Thread):
    """Sends the steps in a thread of its own. Read the attributes from any thread."""

    def __init__(
        self,
        stream: Stream,
        recording: Recording,
        steps: Sequence[Step],
        *,
        started_at_ms: int,
        speed: float,
        durable: frozenset[int] = frozenset(),
    ) -> None:
        super().__init__(name="player", daemon=True)
        self._stream = stream
        self._recording = recording
        self._steps = steps
        self._started_at_ms = started_at_ms
        self._speed = speed
        self._durable = durable
        self._stop_asked = threading.Event()
        self.sent_ms = resume_at_ms(steps, durable)
        """Position up to which the recording is durable."""
        self.last_chunk_sent_s: float | None = None
        """When the last chunk was durable, on `time.monotonic`."""
        self.error: TurnscribeClientError | None = None
        """Why playing ended early."""
        self.done = False
        """Everything was sent, the end of the stream too."""

    def ask_to_stop(self) -> None:
        """Stop before the next step."""
        self._stop_asked.set()

    def run(self) -> None:
        """Send every step at its time; what is durable already is not sent again (observations are: they are told apart)."""
        try:
            self._play()
        except TurnscribeClientError as error:
            self.error = error

    def _play(self) -> None:
        began_s, began_ms = time.monotonic(), self.sent_ms
        for step in self._steps:
            if self._speed > 0:
                due_s = began_s + (step.at_ms - began_ms) / 1000 / self._speed
                self._stop_asked.wait(max(0.0, due_s - time.monotonic()))
            if self._stop_asked.is_set():
                return
            self._send(step)
        self.last_chunk_sent_s = self.last_chunk_sent_s or time.monotonic()
        observations = sum(not isinstance(step.what, Piece) for step in self._steps)
        self._stream.end(len(self._recording.pieces) - 1, observations=observations)
        self.done = True

    def _send(self, step: Step) -> None:
        match step.what:
            case Piece() as piece:
                if piece.seq in self._durable:
                    return
                captured_at_ms = None if piece.end_ms is None else self._started_at_ms + piece.end_ms
                self._stream.put_chunk(piece.seq, self._recording.bytes_of(piece), captured_at_ms=captured_at_ms)
                self.sent_ms = max(self.sent_ms, step.at_ms)
                if piece.seq == len(self._recording.pieces) - 1:
                    self.last_chunk_sent_s = time.monotonic()
            case MaskWindow() as window:
                self._stream.observe_masks(self._started_at_ms + window.end_ms, window.masks)
            case IntervalWindow() as window:
                self._stream.observe_intervals(
                    window.intervals, covered_from_ms=window.start_ms, covered_to_ms=window.end_ms
                )
