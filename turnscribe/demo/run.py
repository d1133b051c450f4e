"""One run against one server: play, watch the transcript until it is complete, measure."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from turnscribe.client import Client, Stream
from turnscribe.demo.playback import Observation, Player, schedule
from turnscribe.demo.recording import Recording
from turnscribe.demo.report import Report, ServerStats, losses, real_time_factor, write_files
from turnscribe.demo.run_record import RunRecord
from turnscribe.demo.speakers import GroundTruth
from turnscribe.demo.views import Progress, View
from turnscribe.errors import NotFound, UnexpectedAnswer
from turnscribe.local_server import LocalServer
from turnscribe.schema import Transcript, Word
from turnscribe.scoring import GroundTruth as SpokenTruth
from turnscribe.scoring import Score, TrueTurn, score

POLL_S: Final = 0.5
LAST_POLL_S: Final = 0.1
"""Once everything is sent, the time to the final transcript is measured."""


@dataclass(frozen=True)
class Input:
    """What is played."""

    recording: Recording
    piece_ms: int
    truth: GroundTruth | None
    speakers_sha256: str
    observations: tuple[Observation, ...]


def durable_chunks(stream: Stream) -> frozenset[int]:
    """Which chunks the server has already."""
    try:
        status = stream.status()
    except NotFound:
        return frozenset()
    highest = status.chunks + len(status.missing)
    return frozenset(range(highest)) - frozenset(status.missing)


def words_of(transcript: Transcript) -> list[Word]:
    """All words in reading order."""
    return [word for utterance in transcript.utterances for word in utterance.words]


@dataclass(frozen=True)
class Clients:
    """Who is talked to: for uploads, for transcripts and for figures. At the local runner, one and the same server."""

    uploads: Client
    reads: Client
    stats: Client


class Run:
    """A run. Not reusable."""

    def __init__(
        self,
        clients: Clients,
        server: LocalServer,
        what: Input,
        record: RunRecord,
        view: View,
        *,
        speed: float,
        timeout_s: float,
    ) -> None:
        self._clients = clients
        self._server = server
        self._input = what
        self._record = record
        self._view = view
        self._speed = speed
        self._timeout_s = timeout_s

    def play(self, *, resumed: bool, folder: Path) -> Report:
        """Play everything that is not durable yet and wait for the transcript; its files go to `folder`.

        Raises what ended it early; a transcript that does not become complete is told in the report.
        """
        recording = self._input.recording
        stream = self._clients.uploads.stream(
            self._record.meeting_id, self._record.connection_id, content_type=recording.content_type, source="demo"
        )
        before = self._stats()
        player = Player(
            stream,
            recording,
            schedule(recording, self._input.observations),
            started_at_ms=self._record.started_at_ms,
            speed=self._speed,
            durable=durable_chunks(stream),
        )
        player.start()
        try:
            transcript = self._watch(player)
        finally:
            player.ask_to_stop()
        final_s = time.monotonic()
        return self._report(
            stream, transcript, before, final_s - (player.last_chunk_sent_s or final_s), folder, resumed
        )

    def _watch(self, player: Player) -> Transcript:
        """The complete transcript; the last one there was when nothing changes for too long."""
        changed_s = time.monotonic()
        seen: tuple[int, int, int] | None = None
        while True:
            self._server.check_alive()
            if player.error:
                raise player.error
            transcript = self._transcript()
            progress = self._progress(player, transcript)
            self._view.update(transcript, progress)
            if player.done and transcript and transcript.complete:
                return transcript
            now = (progress.sent_ms, progress.transcribed_ms, len(transcript.utterances) if transcript else 0)
            if now != seen:
                seen, changed_s = now, time.monotonic()
            elif time.monotonic() - changed_s > self._timeout_s:
                return transcript or Transcript(self._record.meeting_id, complete=False, streams=(), utterances=())
            time.sleep(LAST_POLL_S if player.done else POLL_S)

    def _transcript(self) -> Transcript | None:
        try:
            return self._clients.reads.transcript(self._record.meeting_id, provisional=True)
        except NotFound:
            return None

    def _progress(self, player: Player, transcript: Transcript | None) -> Progress:
        total_ms = self._input.recording.duration_ms
        if transcript and transcript.complete:
            return Progress(total_ms or player.sent_ms, total_ms or player.sent_ms, total_ms)
        transcribed_ms = (
            max((each.end_ms for each in transcript.utterances if each.final), default=0) if transcript else 0
        )
        return Progress(player.sent_ms, transcribed_ms, total_ms)

    def _stats(self) -> ServerStats:
        match self._clients.stats.get_json("/internal/stats"):
            case {"cpu_seconds": float(cpu_s), "whisper": whisper}:
                return ServerStats(cpu_s, whisper["busy_seconds"] if whisper else None)
        raise UnexpectedAnswer("/internal/stats does not have the expected shape")

    def _dead_letters(self) -> int:
        """How many events of this run were given up; those of other runs in the same folder are not its own."""
        own = (self._record.meeting_id, self._record.connection_id)
        return sum((each.meeting_id, each.connection_id) == own for each in self._clients.reads.dead_letters())

    def _score(self, transcript: Transcript) -> Score | None:
        """How well the words agree with the ground truth, where it says words."""
        truth = self._input.truth
        if truth is None or not truth.has_text:
            return None
        turns = tuple(TrueTurn(turn.speaker, turn.start, turn.end, turn.text) for turn in truth.turns)
        return score(SpokenTruth(turns), words_of(transcript))

    def _report(
        self,
        stream: Stream,
        transcript: Transcript,
        before: ServerStats,
        to_final_s: float,
        folder: Path,
        resumed: bool,
    ) -> Report:
        recording, agreement = self._input.recording, self._score(transcript)
        after = self._stats()
        audio_s = sum(account.audio_ms or 0 for account in transcript.streams) / 1000
        return Report(
            meeting_id=self._record.meeting_id,
            audio_seconds=audio_s,
            words=len(words_of(transcript)),
            segments=sum(account.segments or 0 for account in transcript.streams),
            real_time_factor=real_time_factor(before, after, audio_s),
            seconds_to_final=to_final_s,
            word_error_rate=agreement.word_error_rate if agreement else None,
            speaker_accuracy=agreement.speaker_accuracy if agreement else None,
            files=write_files(self._clients.reads, self._record.meeting_id, folder),
            url=f"{self._server.read_url}/v1/meetings/{self._record.meeting_id}/transcript?format=text",
            resumed=resumed,
            complete=transcript.complete,
            lost=losses(
                stream.status(),
                transcript,
                chunks_sent=len(recording.pieces),
                duration_ms=recording.duration_ms,
                dead_letters=self._dead_letters(),
            ),
        )
