"""Does cutting the audio cost words, and does every word get its speaker?

    python -m bench.accuracy --corpus DIR [--json] [--offline]

Plays DIR/meeting (four voices, 5.5 minutes, speaker activity exactly a second late) through the real pipeline: local server,
HTTP, the packaged model. Scores the transcript against the ground truth and against one pass of the same Whisper, with the
same settings, over the uncut recording. Then DIR/clips/google_commercial_mono.flac (two people on a telephone, one channel)
without a word about who speaks: all of it must stay unattributed. `--offline` runs the pure modules alone instead
(`bench.offline_pipeline`). Exits with 1 where a promise of the design does not hold. Takes about two minutes on two cores.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from bench.local_pipeline import MODEL, transcript_of
from bench.offline_pipeline import decoded, full_scale, segments_of, timeline_of, words_of_segment
from common.clock import SystemClock
from common.logs import configure
from segmenter_service.cutting import CutPolicy
from turnscribe.demo.run import words_of
from turnscribe.demo.speakers import MaskWindow
from turnscribe.schema import Word
from turnscribe.scoring import GroundTruth, TrueTurn, lost_or_doubled_at_cuts, read_ground_truth, score
from whisper_service.engine import WhisperEngine
from whisper_service.model_location import locate
from whisper_service.transcription import Request

BEAM_SIZE: Final = 5
DELAY_MS: Final = 1_000
"""Of the corpus' masks."""
WINDOW_BITS: Final = 10
PHONE_CALL: Final = "clips/google_commercial_mono.flac"
PHONE_CALL_TEXT: Final = (
    "Okay I'm here. Hi, I'd like to buy a Chromecast and I was wondering whether you could help me with that. Certainly, "
    "which color would you like? We have blue, black and red. Let's go with the black one. Okay, great. Would you like the "
    "new Chromecast Ultra model or the regular Chromecast? Regular Chromecast is fine, thank you. Okay, sure. Would you like "
    "to ship it regular or express? Express, please. Terrific. It's on the way. Thank you very much. Thank you. Bye."
)
"""The corpus has no reference for it. This is what two recognisers of different makers agree on, or else what is more likely."""

LEAST_SPEAKER_ACCURACY: Final = 0.97
MOST_ADDED_ERROR_RATE: Final = 0.015


class _MeetingFile(msgspec.Struct):
    mask_frame_ms: int
    mask_delayed_1s: dict[str, str]


@dataclass(frozen=True)
class Meeting:
    """A recording, what was said in it, and what the meeting platform showed."""

    recording: Path
    truth: GroundTruth
    windows: tuple[MaskWindow, ...]
    bit_ms: int


@dataclass(frozen=True)
class Heard:
    """What the measured system made of a meeting. Times in milliseconds of the recording."""

    words: Sequence[Word]
    """In reading order."""
    cuts_ms: Sequence[int]
    """Where segments begin and end."""
    sent_s: float
    """Seconds of audio in final segments."""


def read_meeting(folder: Path) -> Meeting:
    """The corpus' meeting, its masks in windows of a second."""
    data = (folder / "meeting.json").read_bytes()
    file = msgspec.json.decode(data, type=_MeetingFile)
    length = max(len(mask) for mask in file.mask_delayed_1s.values())
    windows = tuple(
        MaskWindow(
            min(first + WINDOW_BITS, length) * file.mask_frame_ms,
            tuple((name, mask[first : first + WINDOW_BITS]) for name, mask in file.mask_delayed_1s.items()),
        )
        for first in range(0, length, WINDOW_BITS)
    )
    return Meeting(folder / "meeting.webm", read_ground_truth(data), windows, file.mask_frame_ms)


def one_pass(meeting: Meeting, engine: WhisperEngine) -> list[Word]:
    """The words of the uncut recording."""
    samples = full_scale(decoded(meeting.recording))
    found = engine.transcribe(samples, Request(word_times=True, segment_times=False)).words
    return [Word(word.word, round(word.start * 1000), round(word.end * 1000), word.probability) for word in found]


def offline(meeting: Meeting, engine: WhisperEngine) -> Heard:
    """The pure modules alone."""
    pcm = decoded(meeting.recording)
    timeline = timeline_of(meeting.windows, bit_ms=meeting.bit_ms, delay_ms=DELAY_MS)
    segments = list(segments_of(pcm, timeline, CutPolicy()))
    words = [
        Word(word.text, word.start_ms, word.end_ms, word.probability, word.speaker)
        for start_ms, end_ms in segments
        for word in words_of_segment(pcm, start_ms, end_ms, timeline, engine)
    ]
    cuts_ms = sorted({edge for segment in segments for edge in segment})
    return Heard(words, cuts_ms, sum(end_ms - start_ms for start_ms, end_ms in segments) / 1000)


def through_the_pipeline(meeting: Meeting, _engine: WhisperEngine) -> Heard:
    """The services as processes on this machine, from uploaded chunks to the transcript that readers get."""
    transcript = transcript_of(meeting.recording, meeting.windows, environ={"SPEAKER_DELAY_SEC": str(DELAY_MS / 1000)})
    starts_ms = {int(utterance.segment_id.rpartition(":")[2]) for utterance in transcript.utterances}
    ends_ms = {
        max(
            word.end_ms
            for utterance in transcript.utterances
            if utterance.segment_id == segment
            for word in utterance.words
        )
        for segment in {utterance.segment_id for utterance in transcript.utterances if utterance.words}
    }
    sent_ms = sum((stream.audio_ms or 0) - (stream.silence_skipped_ms or 0) for stream in transcript.streams)
    return Heard(words_of(transcript), sorted(starts_ms | ends_ms), sent_ms / 1000)


def speech_seconds(truth: GroundTruth) -> float:
    """How long anybody spoke."""
    total, until = 0.0, 0.0
    for turn in sorted(truth.turns, key=lambda turn: turn.start):
        total += max(0.0, turn.end - max(turn.start, until))
        until = max(until, turn.end)
    return total


def measured(meeting: Meeting, heard: Heard, uncut: Iterable[Word]) -> dict[str, float | int]:
    """The numbers that are printed."""
    uncut = list(uncut)
    with_cuts, without = score(meeting.truth, heard.words), score(meeting.truth, uncut)
    damage = lost_or_doubled_at_cuts(meeting.truth, heard.words, uncut, heard.cuts_ms)
    return {
        "speaker_accuracy": round(with_cuts.speaker_accuracy, 4),
        "word_error_rate": round(with_cuts.word_error_rate, 4),
        "word_error_rate_one_pass": round(without.word_error_rate, 4),
        "words_lost_at_cuts": len(damage.lost),
        "words_lost_at_cuts_in_overlapping_speech": len(damage.lost_in_overlap),
        "words_doubled_at_cuts": len(damage.doubled),
        "whisper_seconds_per_speech_second": round(heard.sent_s / speech_seconds(meeting.truth), 3),
        "reference_words": with_cuts.reference_words,
        "recognised_words": with_cuts.recognised,
        "recognised_without_speaker": with_cuts.no_speaker,
    }


def phone_call(corpus: Path) -> Meeting:
    """Two people on one channel, of whom nothing is known but what they say."""
    turn = TrueTurn("", 0.0, 45.3, PHONE_CALL_TEXT)
    return Meeting(corpus / PHONE_CALL, GroundTruth((turn,)), (), 0)


def measured_without_speakers(call: Meeting, heard: Heard, uncut: Iterable[Word]) -> dict[str, float | int]:
    """The numbers of a recording of which nobody knows who speaks in it."""
    with_cuts = score(call.truth, heard.words)
    attributed = sum(word.speaker is not None for word in heard.words)
    return {
        "phone_call_unattributed_share": round(1 - attributed / max(1, len(heard.words)), 4),
        "phone_call_word_error_rate": round(with_cuts.word_error_rate, 4),
        "phone_call_word_error_rate_one_pass": round(score(call.truth, uncut).word_error_rate, 4),
        "phone_call_words": len(heard.words),
    }


def broken_promises(numbers: Mapping[str, float]) -> list[str]:
    """What of the design does not hold; empty if all is well."""
    broken = []
    if numbers["speaker_accuracy"] < LEAST_SPEAKER_ACCURACY:
        broken.append(f"speaker accuracy is below {LEAST_SPEAKER_ACCURACY:.0%}")
    if numbers["word_error_rate"] > numbers["word_error_rate_one_pass"] + MOST_ADDED_ERROR_RATE:
        broken.append(f"cutting adds more than {100 * MOST_ADDED_ERROR_RATE:.1f} points to the word error rate")
    if numbers["words_lost_at_cuts"] or numbers["words_doubled_at_cuts"]:
        broken.append("words are lost or doubled at cuts")
    if numbers["phone_call_unattributed_share"] < 1:
        broken.append("words have a speaker where nobody said who speaks")
    return broken


def _table(system: str, numbers: Mapping[str, float]) -> str:
    rows = [("measured system", system), *((name.replace("_", " "), f"{value:g}") for name, value in numbers.items())]
    return "\n".join(f"{name:<44}{value:>10}" for name, value in rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="bench.accuracy", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--corpus", type=Path, required=True, help="folder with meeting/meeting.webm and .json, and clips/"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--offline", action="store_true", help="the pure modules alone, without a server")
    options = parser.parse_args(arguments)
    configure("bench", "WARNING", sys.stderr)
    meeting = read_meeting(options.corpus / "meeting")
    engine = WhisperEngine(locate(MODEL), workers=1, beam_size=BEAM_SIZE, clock=SystemClock())
    engine.load()
    system: Callable[[Meeting, WhisperEngine], Heard] = offline if options.offline else through_the_pipeline
    numbers = measured(meeting, system(meeting, engine), one_pass(meeting, engine))
    call = phone_call(options.corpus)
    numbers |= measured_without_speakers(call, system(call, engine), one_pass(call, engine))
    name = "offline" if options.offline else "pipeline"
    print(json.dumps({"system": name, **numbers}) if options.json else _table(name, numbers))
    broken = broken_promises(numbers)
    for promise in broken:
        print(promise, file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
