"""Speech and pauses in a row of voice-activity values. Pure; which pause becomes a cut is decided in `cutting`."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Pause:
    """Frames `[start, end)` without speech, between two stretches of speech or after the last."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """Frames."""
        return self.end - self.start

    @property
    def middle(self) -> int:
        """The frame that is farthest from speech on both sides."""
        return (self.start + self.end) // 2

    def distance(self, frame: int) -> int:
        """Frames from the pause to `frame`; 0 inside it."""
        return max(0, self.start - frame, frame - self.end)


class Speech:
    """Which frames are speech: it begins at `on` and lasts until the activity falls below `off` (probabilities).

    `activity` has one value per frame, round(255 · probability). `silent_frames` of silence are thought to follow it.
    Positions are indices into `activity`. Whether a frame is speech depends on no later frame.
    """

    def __init__(self, activity: bytes, *, on: float, off: float, silent_frames: int = 0) -> None:
        self.values: npt.NDArray[np.uint8] = np.frombuffer(activity + bytes(silent_frames), np.uint8)
        decided = (self.values >= on * 255) | (self.values < off * 255)
        decided[:1] = True  # what is neither at the very beginning is not speech
        last_decided = np.maximum.accumulate(np.where(decided, np.arange(len(decided)), 0))
        self.active: npt.NDArray[np.bool_] = (self.values >= on * 255)[last_decided]

    def __len__(self) -> int:
        """Frames, with the silence that is thought to follow."""
        return len(self.values)

    @cached_property
    def first(self) -> int | None:
        """The first frame of speech, or None where there is none."""
        return int(np.argmax(self.active)) if self.active.any() else None

    @cached_property
    def runs(self) -> list[Pause]:
        """All stretches without speech after the first speech, whatever their length. The last one may still go on."""
        edges = np.flatnonzero(np.diff(self.active.view(np.int8), prepend=0, append=1))
        starts, ends = edges[1::2], edges[2::2]
        return [Pause(int(start), int(end)) for start, end in zip(starts, ends, strict=False) if start < end]

    def pauses_before(self, frame: int, min_length: int) -> list[Pause]:
        """Stretches of at least `min_length` frames, as they look when only the frames before `frame` are known."""
        known = (Pause(run.start, min(run.end, frame)) for run in self.runs if run.start < frame)
        return [pause for pause in known if pause.length >= min_length]

    def quietest(self, start: int, end: int, near: int) -> int:
        """The frame in `[start, end)` with the least activity; of equals the one nearest to `near`."""
        frames = np.arange(start, end)
        return int(min(frames, key=lambda frame: (self.values[frame], abs(frame - near))))
