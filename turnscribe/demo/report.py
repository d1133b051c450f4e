"""What a run measured, what it lost, and how both are told. Pure but for writing the transcript's files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from turnscribe.client import Client
from turnscribe.schema import StreamAccount, StreamStatus, Transcript

DURATION_TOLERANCE_MS: Final = 1_000
"""Containers round, codecs pad: so much may lie between the recording's length and the audio that was decoded."""


@dataclass(frozen=True)
class ServerStats:
    """What the local server says about its work. Whisper's part is None where it is another server's."""

    cpu_seconds: float
    whisper_busy_seconds: float | None


@dataclass(frozen=True)
class Report:
    """The outcome of a run. Times in seconds; rates are fractions of 1."""

    meeting_id: str
    audio_seconds: float
    words: int
    segments: int
    real_time_factor: float | None
    """Busy seconds of Whisper and CPU seconds of the pipeline, for one second of audio. None: Whisper is not ours."""
    seconds_to_final: float
    """From the moment at which the last chunk was durable to the complete transcript."""
    word_error_rate: float | None
    speaker_accuracy: float | None
    files: Mapping[str, str]
    url: str
    resumed: bool
    complete: bool
    """Nothing more is to come for this meeting."""
    lost: tuple[str, ...] = field(default=())
    """What went missing, one sentence each. Empty when all is well."""

    def as_json(self) -> dict[str, object]:
        """For scripts: one object. The accuracies are there where a ground truth was given."""
        measured: dict[str, object] = {
            "audio_seconds": round(self.audio_seconds, 3),
            "words": self.words,
            "segments": self.segments,
            "real_time_factor": None if self.real_time_factor is None else round(self.real_time_factor, 4),
            "seconds_to_final": round(self.seconds_to_final, 3),
        }
        if self.word_error_rate is not None:
            measured["word_error_rate"] = round(self.word_error_rate, 4)
        if self.speaker_accuracy is not None:
            measured["speaker_accuracy"] = round(self.speaker_accuracy, 4)
        return measured | {
            "files": dict(self.files),
            "url": self.url,
            "meeting_id": self.meeting_id,
            "resumed": self.resumed,
            "complete": self.complete,
            "lost": list(self.lost),
        }

    def as_rows(self) -> list[tuple[str, str]]:
        """For people: name and value of what was measured."""
        rows = [
            ("audio", f"{self.audio_seconds:.1f} s"),
            ("words", f"{self.words}"),
            ("segments", f"{self.segments}"),
            ("real-time factor", "unknown" if self.real_time_factor is None else f"{self.real_time_factor:.2f}"),
            ("last chunk to final transcript", f"{self.seconds_to_final:.1f} s"),
        ]
        if self.word_error_rate is not None:
            rows.append(("word error rate", f"{self.word_error_rate:.1%}"))
        if self.speaker_accuracy is not None:
            rows.append(("words with the right speaker", f"{self.speaker_accuracy:.1%}"))
        return rows + [(kind.upper(), path) for kind, path in self.files.items()]


def real_time_factor(before: ServerStats, after: ServerStats, audio_seconds: float) -> float | None:
    """Seconds of work for one second of audio between two looks at the server's stats."""
    if after.whisper_busy_seconds is None or not audio_seconds:
        return None
    whisper_s = after.whisper_busy_seconds - (before.whisper_busy_seconds or 0.0)
    return (whisper_s + after.cpu_seconds - before.cpu_seconds) / audio_seconds


def _lost_of_account(account: StreamAccount, duration_ms: int | None) -> list[str]:
    lost = [
        f"chunks {gap.from_seq} to {gap.to_seq} never came ({(gap.end_ms - gap.start_ms) / 1000:.1f} s of audio)"
        for gap in account.gaps or ()
    ]
    if account.quarantined:
        lost.append(f"{account.quarantined} chunks could not be read and lie in quarantine")
    audio_ms = account.audio_ms or 0
    if duration_ms is not None and abs(audio_ms - duration_ms) > DURATION_TOLERANCE_MS:
        lost.append(f"{duration_ms / 1000:.1f} s of audio were sent, {audio_ms / 1000:.1f} s were decoded")
    return lost


def losses(
    status: StreamStatus, transcript: Transcript, *, chunks_sent: int, duration_ms: int | None, dead_letters: int
) -> tuple[str, ...]:
    """Everything that was accepted and is not accounted for, one sentence each."""
    lost: list[str] = []
    if status.missing or status.chunks != chunks_sent:
        lost.append(f"{status.chunks} of {chunks_sent} chunks are durable; missing: {list(status.missing)}")
    for account in transcript.streams:
        lost += _lost_of_account(account, duration_ms)
    if not transcript.complete:
        lost.append("the transcript is not complete")
    if dead_letters:
        lost.append(f"{dead_letters} events were given up")
    return tuple(lost)


def write_files(client: Client, meeting_id: str, folder: Path) -> dict[str, str]:
    """Write the transcript as SRT, VTT and JSON into `folder`; kind → path."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for kind in ("srt", "vtt", "json"):
        path = folder / f"{meeting_id}.{kind}"
        path.write_bytes(client.transcript_bytes(meeting_id, kind))
        files[kind] = str(path)
    return files
