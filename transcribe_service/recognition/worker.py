"""Worker: a segment that is ready becomes a stored transcript, once, however often and in whatever order its event comes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from common.clock import Clock
from common.errors import Backpressure, Permanent, Retryable
from common.events import SegmentReady
from common.logs import get_logger
from common.object_names import ConnectionObjects
from common.ports.blob_store import BlobNotFound, BlobStore
from common.ports.meeting_store import take_of
from common.ports.publisher import Publisher
from common.ports.transcript_store import SegmentTranscript, Stored, TranscriptStore, Word, is_same_but_for_labels, rank
from common.push import event_time_ms
from transcribe_service.connections.standby import Standby
from transcribe_service.connections.standing import Standing
from transcribe_service.recognition.agreement import with_confirmed
from transcribe_service.recognition.announcing import announce
from transcribe_service.recognition.attribution import attributed_words
from transcribe_service.recognition.disbelief.heard import heard_in
from transcribe_service.recognition.disbelief.rules import believed
from transcribe_service.recognition.late_finals import LateFinals
from transcribe_service.recognition.recogniser import Recognised, Recogniser
from transcribe_service.recognition.relabelling import catch_up
from transcribe_service.recognition.stream_words import in_stream_time
from transcribe_service.settings import TranscribeSettings

log = get_logger(__name__)
NOTHING_DROPPED: Final[Mapping[str, int]] = {}
LIVE_MS: Final = 600_000
"""Audio that was announced within so long after it was spoken is live, for the log; the rest are recordings."""


@dataclass(frozen=True)
class Worker:
    """Handles `SegmentReady`.

    A final revision is transcribed or its event comes back. A provisional one is only worth something now: it is given up
    where it is old or overtaken, its audio is gone, or Whisper is busy or down, because a later revision holds the same speech; and
    where final ones come late.
    """

    settings: TranscribeSettings
    blobs: BlobStore
    publisher: Publisher
    transcripts: TranscriptStore
    recogniser: Recogniser
    standby: Standby
    clock: Clock
    late_finals: LateFinals = field(default_factory=LateFinals)

    def handle(self, event: SegmentReady) -> None:
        """Returns when the segment's transcript is durable and announced, or no longer wanted. Raises the three errors."""
        if self._is_settled(event):
            return
        if event.final:
            self._handle_final(event)
        else:
            self._handle_provisional(event)

    def _is_settled(self, event: SegmentReady) -> bool:
        """True when this revision or a better one is stored. This one is announced again, in case that failed after storing."""
        stored = self.transcripts.stored_rank(event.tenant, stored_under(event), event.segment_id)
        wanted = rank(generation=event.generation, final=event.final, revision=event.revision)
        if stored is None or stored < wanted:
            return False
        if is_same_but_for_labels(stored, wanted):
            self._announce(event)
        return True

    def _handle_final(self, event: SegmentReady) -> None:
        if self._is_old(event) and _is_live(event, event_time_ms()):
            self.late_finals.came_late(self.clock.monotonic_s())
        stands = self.standby.standing(event)
        if stands is not Standing.NEEDED:
            if stands is Standing.EXPECTED:
                self.standby.note(event)
            log.info("segment_stands_by", segment_id=event.segment_id, standing=stands.value)
            self._put(event, language="", words=(), standby=True)
            return
        try:
            audio = self.blobs.read(event.object_name)
        except BlobNotFound as error:
            raise Retryable(
                f"audio of segment {event.segment_id} is missing", reason="segment_audio_missing"
            ) from error
        try:
            heard = self.recogniser.recognise(event, audio)
        except Permanent as error:
            # The push goes to quarantine; the transcript says what is missing in it, and can be complete without.
            self._put(event, language="", words=(), refused=error.reason)
            raise
        self._store(event, heard)

    def _handle_provisional(self, event: SegmentReady) -> None:
        if self._is_old(event):
            _log_given_up(event, "too_old")
            return
        if self.late_finals.are_there(self.clock.monotonic_s()):
            _log_given_up(event, "finals_late")
            return
        if self._is_overtaken(event):
            _log_given_up(event, "overtaken")
            return
        if self.standby.standing(event) is not Standing.NEEDED:
            _log_given_up(event, "covered")
            return
        try:
            audio = self.blobs.read(event.object_name)
        except BlobNotFound:
            _log_given_up(event, "audio_gone")
            return
        try:
            heard = self.recogniser.recognise(event, audio)
        except (Backpressure, Retryable) as error:
            _log_given_up(event, error.reason)
            return
        self._store(event, heard)

    def _is_old(self, event: SegmentReady) -> bool:
        """Whether its last audio was accepted longer ago than live text may be, wherever it has waited since."""
        known_ms = [each for each in (event_time_ms(), event.accepted_ms) if each is not None]
        return bool(known_ms) and self.clock.now_ms() - min(known_ms) > self.settings.provisional_max_age_sec * 1000

    def _is_overtaken(self, event: SegmentReady) -> bool:
        """True when a newer revision of the open segment is there to be transcribed: it has this one's speech and more."""
        try:
            self.blobs.info(self._objects(event).provisional_segment(event.channel, event.start_ms, event.revision + 1))
        except BlobNotFound:
            return False
        return True

    def _objects(self, event: SegmentReady) -> ConnectionObjects:
        roots = self.settings.raw_audio_path, self.settings.segments_path
        return ConnectionObjects(event.tenant, event.connection_id, *roots, event.generation)

    def _store(self, event: SegmentReady, heard: Recognised) -> None:
        said = believed(heard_in(heard.result, event))
        if said.dropped:
            words_dropped = sum(said.dropped.values())
            log.info(
                "words_dropped",
                segment_id=event.segment_id,
                revision=event.revision,
                words=words_dropped,
                **said.dropped,
            )
        words = attributed_words(event, in_stream_time(said.words, event))
        self._put(event, language=heard.language, words=words, dropped=said.dropped)
        if event.final:
            self.recogniser.said(event, words)

    def _put(
        self,
        event: SegmentReady,
        *,
        language: str,
        words: tuple[Word, ...],
        dropped: Mapping[str, int] = NOTHING_DROPPED,
        refused: str = "",
        standby: bool = False,
    ) -> None:
        segment = SegmentTranscript(
            tenant=event.tenant,
            meeting_id=stored_under(event),
            connection_id=event.connection_id,
            segment_id=event.segment_id,
            channel=event.channel,
            generation=event.generation,
            revision=event.revision,
            final=event.final,
            start_ms=event.start_ms,
            end_ms=event.end_ms,
            epoch_offset_ms=event.epoch_offset_ms,
            whole_from_ms=event.whole_from_ms,
            standby=standby,
            language=language,
            words=words,
            dropped=dropped,
            refused=refused,
        )
        before = None if event.final else self.transcripts.get(event.tenant, segment.meeting_id, event.segment_id)
        stored = self.transcripts.put(with_confirmed(segment, before))
        if standby:
            return
        if stored is Stored.STORED:
            self._log_stored(event, len(words))
            self._announce(event)
        else:
            self._is_settled(event)

    def _log_stored(self, event: SegmentReady, words: int) -> None:
        published_ms = event_time_ms()
        log.info(
            "transcript_stored",
            segment_id=event.segment_id,
            revision=event.revision,
            final=event.final,
            live=_is_live(event, published_ms),
            words=words,
            since_announced_ms=None if published_ms is None else self.clock.now_ms() - published_ms,
            behind_ms=None if event.accepted_ms is None else self.clock.now_ms() - event.accepted_ms,
        )

    def _announce(self, event: SegmentReady) -> None:
        """A final one gets the newest speakers first."""
        labels = catch_up(self.blobs, self.transcripts, self._objects(event), event) if event.final else 0
        announce(self.publisher, event, final=event.final, labels=labels, take=event.take)


def stored_under(event: SegmentReady) -> str:
    """The id of the meeting, or of the other transcription of it, that the event's segment is stored under."""
    return take_of(event.meeting_id, event.take)


def _is_live(event: SegmentReady, published_ms: int | None) -> bool:
    """True where the speech had just been spoken when its segment was announced, by the stream's clock."""
    if published_ms is None or event.options.untimed or event.take:
        return False
    return published_ms - (event.epoch_offset_ms + event.end_ms) < LIVE_MS


def _log_given_up(event: SegmentReady, reason: str) -> None:
    log.info("provisional_given_up", segment_id=event.segment_id, revision=event.revision, reason=reason)
