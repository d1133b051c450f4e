"""Everything that work on whole meetings touches, and what is asked of several stores at once."""

from collections.abc import Iterator
from dataclasses import dataclass

from common.clock import Clock
from common.ids import segment_id
from common.object_names import ConnectionObjects, channel_and_start_of
from common.ports.blob_store import BlobInfo, BlobStore
from common.ports.meeting_store import MeetingStore, take_of
from common.ports.publisher import Publisher
from common.ports.stream_registry import StreamRecord, StreamRegistry
from common.ports.transcript_store import SegmentTranscript, TranscriptStore
from common.ports.work_store import WorkStore
from transcribe_service.settings import TranscribeSettings


@dataclass(frozen=True)
class Stores:
    """The stores of one installation."""

    settings: TranscribeSettings
    blobs: BlobStore
    publisher: Publisher
    transcripts: TranscriptStore
    streams: StreamRegistry
    meetings: MeetingStore
    works: WorkStore
    clock: Clock

    def objects(self, tenant: str, connection_id: str, generation: int = 0) -> ConnectionObjects:
        """The names of a connection's objects."""
        roots = self.settings.raw_audio_path, self.settings.segments_path
        return ConnectionObjects(tenant, connection_id, *roots, generation)

    def finals(self, record: StreamRecord) -> Iterator[tuple[str, BlobInfo]]:
        """A stream's final segments, those since its last replay, by id."""
        objects = self.objects(record.tenant, record.connection_id, record.generation)
        for info in self.blobs.list(objects.finals_prefix):
            yield segment_id(record.connection_id, *channel_and_start_of(info.name)), info

    def shown_take(self, tenant: str, meeting_id: str) -> str:
        """Which of a meeting's transcriptions readers see."""
        meeting = self.meetings.get(tenant, meeting_id)
        return meeting.take if meeting else ""

    def segments(self, tenant: str, meeting_id: str, take: str) -> list[SegmentTranscript]:
        """What is stored of one transcription."""
        return self.transcripts.segments(tenant, take_of(meeting_id, take))
