"""Words that are stored get other speakers, because who spoke became known late. Whisper is not asked again.

A segment's event and its relabellings come in any order and may come twice. The segmenter stores a relabelling before it publishes it,
and whoever stores a final transcript looks for relabellings afterwards. So where a relabelling finds no transcript to change, its
object is found by the one who stores the transcript; and where it is not found there, the transcript is found by the relabelling.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from common.events import SegmentReady, SegmentRelabelled
from common.logs import get_logger
from common.object_names import ConnectionObjects
from common.ports.blob_store import BlobNotFound, BlobStore
from common.ports.meeting_store import MeetingStore, take_of
from common.ports.publisher import Publisher
from common.ports.transcript_store import SegmentTranscript, TranscriptStore
from common.stored_chunks import event_of_content
from common.stored_relabellings import newest_relabelling, newest_relabellings
from transcribe_service.recognition.announcing import announce
from transcribe_service.recognition.attribution import attributed_words

log = get_logger(__name__)


@dataclass(frozen=True)
class Relabeller:
    """Handles `SegmentRelabelled`."""

    transcripts: TranscriptStore
    meetings: MeetingStore
    publisher: Publisher

    def handle(self, event: SegmentRelabelled) -> None:
        """Returns when no transcription of the segment has older speakers than these. Raises `Retryable`.

        Where nothing final is stored yet, there is nothing to do: see `catch_up`.
        """
        meeting = self.meetings.get(event.tenant, event.meeting_id)
        for take in sorted({"", meeting.take if meeting else ""}):
            if relabelled(self.transcripts, event, take_of(event.meeting_id, take)) == event.labels:
                announce(self.publisher, event, final=True, labels=event.labels, take=take)


def catch_up(blobs: BlobStore, transcripts: TranscriptStore, objects: ConnectionObjects, event: SegmentReady) -> int:
    """Give the stored words of a final segment the newest speakers. Returns the number of the relabelling that holds; 0: of none.

    To be called after every attempt to store the final transcript, and before it is announced. One listing.
    """
    newest = newest_relabelling(blobs, objects, event)
    return relabelled(transcripts, newest, take_of(event.meeting_id, event.take)) if newest else 0


def relabelled(transcripts: TranscriptStore, event: SegmentRelabelled, stored_under: str) -> int:
    """Apply `event` to what is stored of its segment, unless that is newer. Returns the number of the relabelling that holds then.

    0 where no words of this final revision are stored.
    """
    stored = transcripts.get(event.tenant, stored_under, event.segment_id)
    if stored is None or not _is_about(event, stored):
        return 0
    if stored.labels >= event.labels:
        return stored.labels
    words = attributed_words(event, stored.words)
    transcripts.put(msgspec.structs.replace(stored, words=words, labels=event.labels))
    log.info("speakers_assigned_anew", segment_id=event.segment_id, labels=event.labels)
    return event.labels


def unapplied(
    blobs: BlobStore, objects: ConnectionObjects, stored: Mapping[str, SegmentTranscript]
) -> Iterator[SegmentRelabelled]:
    """The newest relabellings of a connection whose speakers are not in `stored` (by segment id): their events were lost."""
    for segment, labels, name in newest_relabellings(blobs, objects):
        transcript = stored.get(segment)
        if transcript is not None and transcript.labels < labels:
            try:
                event = event_of_content(blobs.read(name), SegmentRelabelled)
            except BlobNotFound:  # erased meanwhile
                continue
            if _is_about(event, transcript):
                yield event


def _is_about(event: SegmentRelabelled, stored: SegmentTranscript) -> bool:
    same = (stored.generation, stored.revision) == (event.generation, event.revision)
    return stored.final and same and not stored.standby and not stored.refused
