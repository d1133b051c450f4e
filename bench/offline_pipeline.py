"""The pipeline's pure modules after each other in one process: for tuning the cut policy, not for proving anything.

Decoding, voice activity, cutting, Whisper, attribution; no HTTP, no events, no stores, and no late or doubled chunks.
`bench.accuracy` compares what comes out with what the real pipeline gives.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.events import SegmentReady, SpeakersObserved
from common.ports.transcript_store import Word
from common.speaker_masks import activities_of_masks
from segmenter_service.audio.reader import AudioReader
from segmenter_service.cutting import UNLIMITED_MS, Cut, CutPolicy, Skip, Span, decide
from segmenter_service.segment_audio import PADDING_MS, SAMPLE_RATE
from segmenter_service.timeline import SpeakerTimeline
from segmenter_service.voice_activity import FRAME_MS, FRAME_SAMPLES, VoiceActivity, VoiceActivityState
from transcribe_service.recognition.attribution import assign_speakers
from transcribe_service.recognition.disbelief.heard import heard_in
from transcribe_service.recognition.disbelief.rules import believed
from transcribe_service.recognition.stream_words import in_stream_time
from transcribe_service.whisper.client import WhisperResult, WhisperSegment, WhisperWord
from turnscribe.demo.speakers import MaskWindow
from whisper_service.transcription import Engine, Request, Samples, Transcription

Pcm = NDArray[np.int16]
TURN_MARGIN_MS = 5_000


def decoded(recording: Path) -> Pcm:
    """The whole recording as the segmenter decodes it: samples (n,), 16 kHz mono. A hole in its timestamps is silence."""
    data = recording.read_bytes()
    reader = AudioReader.new("", keep_channels=False)
    blocks = [*reader.feed(data), *reader.finish(lambda: iter([data]))]
    pcm = np.zeros(max(block.first_sample + block.samples.shape[1] for block in blocks), np.int16)
    for block in blocks:
        pcm[block.first_sample : block.first_sample + block.samples.shape[1]] = block.samples[0]
    return pcm


def full_scale(pcm: Pcm) -> Samples:
    """Samples as Whisper takes them: float32, full scale ±1."""
    return np.multiply(pcm, 1 / 32_768, dtype=np.float32)


def timeline_of(windows: Sequence[MaskWindow], *, bit_ms: int, delay_ms: int) -> SpeakerTimeline:
    """The timeline after all windows of activity masks; the recording began at epoch 10^12 ms."""
    offset_ms = 10**12
    timeline = SpeakerTimeline()
    timeline.synchronise(offset_ms, delay_ms)
    for number, window in enumerate(windows):
        covered_from_ms, covered_to_ms, activities = activities_of_masks(
            offset_ms + window.end_ms, bit_ms, window.masks
        )
        timeline.add(
            SpeakersObserved(
                tenant="bench",
                meeting_id="bench",
                connection_id="bench",
                observation_id=str(number),
                object_name="",
                clock="epoch",
                covered_from_ms=covered_from_ms,
                covered_to_ms=covered_to_ms,
                activities=activities,
            )
        )
    return timeline


def segments_of(pcm: Pcm, timeline: SpeakerTimeline, policy: CutPolicy) -> Iterator[tuple[int, int]]:
    """`(start_ms, end_ms)` of every segment."""
    activity = VoiceActivity().frames(VoiceActivityState(), pcm)
    start = 0
    while start < len(activity):
        span = Span(start, activity[start:])
        turns = timeline.turns_between(start * FRAME_MS - TURN_MARGIN_MS, len(activity) * FRAME_MS)
        match decide(span, turns, UNLIMITED_MS, policy, ended=True):
            case Cut(end_frame=end):
                yield start * FRAME_MS, end * FRAME_MS
                start = end
            case Skip(to_frame=end):
                start = end


def words_of_segment(
    pcm: Pcm, start_ms: int, end_ms: int, timeline: SpeakerTimeline, engine: Engine
) -> tuple[Word, ...]:
    """What the transcript would have of one segment."""
    silence = np.zeros(PADDING_MS * SAMPLE_RATE // 1000, np.int16)
    samples = pcm[start_ms // FRAME_MS * FRAME_SAMPLES : end_ms // FRAME_MS * FRAME_SAMPLES]
    padded = np.concatenate([silence, samples, silence])
    found = engine.transcribe(full_scale(padded), Request(word_times=True, segment_times=False))
    event = segment_event(start_ms, end_ms)
    heard = in_stream_time(believed(heard_in(as_answered(found), event)).words, event)
    return assign_speakers(heard, timeline.turns_between(start_ms - TURN_MARGIN_MS, end_ms + TURN_MARGIN_MS))


def segment_event(start_ms: int, end_ms: int) -> SegmentReady:
    """What the transcribe service would be told of such a segment."""
    return SegmentReady(
        tenant="bench",
        meeting_id="bench",
        connection_id="bench",
        segment_id=f"bench:0:{start_ms}",
        channel=0,
        revision=1,
        final=True,
        start_ms=start_ms,
        end_ms=end_ms,
        padding_ms=PADDING_MS,
        object_name="",
        epoch_offset_ms=0,
    )


def as_answered(found: Transcription) -> WhisperResult:
    """What the transcribe service reads of an answer with `found` in it."""
    return WhisperResult(
        text=found.text,
        language=found.language,
        words=tuple(WhisperWord(word.word, word.start, word.end, word.probability) for word in found.words),
        segments=tuple(
            WhisperSegment(
                span.start, span.end, span.text, span.avg_logprob, span.no_speech_prob, span.compression_ratio
            )
            for span in found.segments
        ),
    )
