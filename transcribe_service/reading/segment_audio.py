"""The audio of a final segment, as the segmenter stored it, and where it lies in the meeting."""

from dataclasses import dataclass
from typing import Final

from common.ids import split_segment_id
from common.object_names import ConnectionObjects
from common.ports.blob_store import BlobNotFound, BlobStore
from common.problems import Problem
from common.stored_segments import event_of_segment
from transcribe_service.reading.stored_meeting import StoredMeetings
from transcribe_service.reading.utterances import meeting_epoch_ms
from transcribe_service.settings import TranscribeSettings

USUAL_PADDING_MS: Final = 200
"""What every release has put around a segment; its event says so, where there is one that can be read."""


@dataclass(frozen=True, slots=True)
class Audio:
    """FLAC, 16 kHz, mono. After `padding_ms` of silence comes what was heard from `start_ms` of the meeting on."""

    flac: bytes
    start_ms: int
    padding_ms: int


@dataclass(frozen=True, slots=True)
class SegmentAudio:
    """Finds the audio of segments. Vendor failures surface as `Retryable`."""

    stored: StoredMeetings
    blobs: BlobStore
    settings: TranscribeSettings

    def read(self, tenant: str, meeting_id: str, segment_id: str) -> Audio:
        """A final segment's audio. Raises `InvalidId`, and a 404 `Problem` where there is none, or no more."""
        connection_id, channel, start_ms = split_segment_id(segment_id)
        stream = self.stored.streams.get(tenant, connection_id)
        if stream is None or stream.meeting_id != meeting_id or stream.erased_at_ms is not None:
            raise _no_audio()
        for generation in range(stream.generation, -1, -1):  # while it is being replayed, the one before has it
            roots = self.settings.raw_audio_path, self.settings.segments_path
            name = ConnectionObjects(tenant, connection_id, *roots, generation).final_segment(channel, start_ms)
            try:
                info = self.blobs.info(name)
                flac = self.blobs.read(name)
            except BlobNotFound:
                continue
            break
        else:
            raise _no_audio()
        if not flac:  # another connection covered it, and its audio was not kept
            raise _no_audio()
        event = event_of_segment(self.blobs, info)
        return Audio(
            flac=flac,
            start_ms=start_ms + self._ahead_ms(tenant, meeting_id, connection_id),
            padding_ms=USUAL_PADDING_MS if event is None else event.padding_ms,
        )

    def _ahead_ms(self, tenant: str, meeting_id: str, connection_id: str) -> int:
        """How far the meeting's clock is ahead of the connection's stream time. A single connection is the meeting's clock."""
        streams = self.stored.streams.of_meeting(tenant, meeting_id)
        if len(streams) == 1:
            return 0
        segments = self.stored.read(tenant, meeting_id).segments
        own = (each.epoch_offset_ms for each in segments if each.connection_id == connection_id)
        epoch_ms = meeting_epoch_ms(segments)
        return min(own, default=epoch_ms) - epoch_ms


def _no_audio() -> Problem:
    return Problem(
        404, "unknown-segment", "This meeting has no final segment with this id, or its audio is kept no more."
    )
