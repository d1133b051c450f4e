"""One audio channel's way from samples to decisions: voice activity of the uncut span, its last cut, its account.

Pure but for the neural network that is passed in. All positions are frames of 32 ms since stream time 0.
"""

from typing import Final, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from segmenter_service.voice_activity import FRAME_SAMPLES, VoiceActivityState

LONG_SILENCE_SAMPLES: Final = 32_000
"""2 s: a hole in the timestamps of at least this length is not put through the network sample by sample."""


class FrameScorer(Protocol):
    """What a lane needs of `VoiceActivity`."""

    def frames(self, state: VoiceActivityState, samples: NDArray[np.int16]) -> bytes:
        """One value (0-255) per complete frame of 512 samples; the rest stays in the state."""
        ...


class Lane(msgspec.Struct, kw_only=True):
    """The uncut span of one channel, `[start_frame, start_frame + len(activity))`."""

    channel: int
    start_frame: int = 0
    whole_from_frame: int = 0
    """Where the last segment or gap ended: from here to the end of the span no audio is missing, silence that was skipped included."""
    activity: bytes = b""
    vad: VoiceActivityState = msgspec.field(default_factory=VoiceActivityState)
    scored_samples: int = 0
    """How far the network has been fed, on the connection's clock."""

    revision: int = 0
    """Of the last provisional revision of the open segment; 0 = none."""
    provisional_end_frame: int = 0
    """How far the last provisional revision reached, of this segment or the one before it."""

    segments: int = 0
    segment_frames: int = 0
    silence_frames: int = 0

    @property
    def end_frame(self) -> int:
        """Where the span ends: the last complete frame."""
        return self.start_frame + len(self.activity)

    @property
    def ends_in_segment(self) -> bool:
        """Whether the frame before the span is the last one of a segment, and not silence that was skipped."""
        return self.segments > 0 and self.whole_from_frame == self.start_frame

    def hear(self, first_sample: int, samples: NDArray[np.int16], scorer: FrameScorer) -> None:
        """Score `samples` (n,), which begin at `first_sample`. What was heard before is skipped; a hole before them is silence."""
        if first_sample > self.scored_samples:
            self._hear_silence(first_sample - self.scored_samples, scorer)
        fresh = samples[max(0, self.scored_samples - first_sample) :]
        self.activity += scorer.frames(self.vad, fresh)
        self.scored_samples += len(fresh)

    def _hear_silence(self, count: int, scorer: FrameScorer) -> None:
        if count >= LONG_SILENCE_SAMPLES:
            to_frame_edge = -self.scored_samples % FRAME_SAMPLES
            self._feed_zeros(to_frame_edge, scorer)
            whole = (count - to_frame_edge) // FRAME_SAMPLES
            self.activity += bytes(whole)
            self.vad = VoiceActivityState()
            self.scored_samples += whole * FRAME_SAMPLES
            count -= to_frame_edge + whole * FRAME_SAMPLES
        self._feed_zeros(count, scorer)

    def _feed_zeros(self, count: int, scorer: FrameScorer) -> None:
        self.activity += scorer.frames(self.vad, np.zeros(count, dtype=np.int16))
        self.scored_samples += count

    def finish(self, scorer: FrameScorer) -> None:
        """Complete the last frame with silence, so that nothing is left over at the end of the stream."""
        self._feed_zeros(-self.scored_samples % FRAME_SAMPLES, scorer)

    def pass_over(self, to_frame: int) -> None:
        """Go on at `to_frame`: what lies before it is cut, or was never recorded."""
        self.silence_frames += max(0, to_frame - self.start_frame)
        self.activity = b""
        self.vad = VoiceActivityState()
        self.start_frame = self.provisional_end_frame = max(self.start_frame, to_frame)
        self.whole_from_frame = self.start_frame
        self.scored_samples = self.start_frame * FRAME_SAMPLES
        self.revision = 0

    def cut(self, end_frame: int) -> None:
        """`[start_frame, end_frame)` has become a final segment."""
        self.segments += 1
        self.segment_frames += end_frame - self.start_frame
        self.whole_from_frame = end_frame
        self._advance(end_frame)

    def skip(self, to_frame: int) -> None:
        """`[start_frame, to_frame)` has no speech and makes no segment."""
        self.silence_frames += to_frame - self.start_frame
        self._advance(to_frame)

    def _advance(self, to_frame: int) -> None:
        self.activity = self.activity[to_frame - self.start_frame :]
        self.start_frame = to_frame
        self.revision = 0
