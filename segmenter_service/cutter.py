"""Applies the cut policy to a connection: asks, cuts or skips, and knows how long speakers are waited for."""

from segmenter_service.cutting import UNLIMITED_MS, Cut, CutPolicy, Skip, Span, decide, spoken_frames
from segmenter_service.decoding import audio_between
from segmenter_service.holding import Holding
from segmenter_service.lane import Lane
from segmenter_service.observations import adopt_from_bucket
from segmenter_service.relabelling import forget_old, relabelled_ms
from segmenter_service.segments import (
    KEPT_TURNS_MS,
    forget_provisional,
    too_old_to_show,
    turns_around,
    write_final,
    write_provisional,
)
from segmenter_service.settings import SegmenterSettings
from segmenter_service.synchronising import follow_speakers
from segmenter_service.voice_activity import FRAME_MS, FRAME_SAMPLES


def policy_of(settings: SegmenterSettings) -> CutPolicy:
    """The policy with the lengths of the deployment."""
    return CutPolicy(
        segment_size_ms=round(settings.segment_size_sec * 1000),
        max_segment_ms=round(settings.max_audio_length_sec * 1000),
    )


def cut_what_is_ready(holding: Holding, *, ended: bool = False, all_speakers_known: bool = False) -> None:
    """Cut every lane as far as audio and speaker information go; with `ended`, to the end of what is decoded.

    With `all_speakers_known` (implied by `ended`) speakers are not waited for.
    """
    state = holding.state
    holding.waits_for_speakers = False
    known = ended or all_speakers_known
    _take_more_speakers(holding, at_once=known)
    for lane in state.lanes:
        while _step(holding, lane, ended=ended, all_speakers_known=known):
            holding.still_mine()
            _take_more_speakers(holding, at_once=known)
    uncut_ms = state.uncut_from_sample // 16
    forget_old(holding)
    _forget_old_speakers(holding)
    state.arrivals = [arrival for arrival in state.arrivals if arrival.end_ms > uncut_ms]
    holding.window.drop_before(state.uncut_from_sample)


def _take_more_speakers(holding: Holding, *, at_once: bool) -> None:
    """Take in what was too much before, where there is room again; `at_once` where no cut will wait for it."""
    state = holding.state
    if state.timeline.lacks_something:
        _forget_old_speakers(holding)
        if state.timeline.take_more(at_once=at_once):
            adopt_from_bucket(holding)


def _forget_old_speakers(holding: Holding) -> None:
    state = holding.state
    state.timeline.prune(state.uncut_from_sample // 16 - relabelled_ms(holding) - KEPT_TURNS_MS)


def _step(holding: Holding, lane: Lane, *, ended: bool, all_speakers_known: bool) -> bool:
    """One decision. False when there is nothing to decide yet."""
    state = holding.state
    for final in state.durable_finals:
        if (final.channel, final.start_frame) == (lane.channel, lane.start_frame) and final.end_frame <= lane.end_frame:
            _cut(holding, lane, final.end_frame)
            return True
    start_ms, end_ms = lane.start_frame * FRAME_MS, lane.end_frame * FRAME_MS
    span = Span(lane.start_frame, lane.activity)
    turns = () if _one_speaker_each(holding) else turns_around(holding, start_ms, end_ms)
    known_until_ms = UNLIMITED_MS if all_speakers_known else _known_until_ms(holding, start_ms)
    decision = decide(span, turns, known_until_ms, policy_of(holding.around.settings), ended=ended)
    match decision:
        case Cut(end_frame):
            _cut(holding, lane, end_frame)
        case Skip(to_frame):
            follow_speakers(holding, lane, to_frame, policy_of(holding.around.settings), cut=False)
            lane.skip(to_frame)
        case _ if decision.speakers_until_ms is not None and _waited_enough(holding, decision.speakers_until_ms):
            # What was durable before this moment counts, whether or not its event has come; then the wait is over.
            if not adopt_from_bucket(holding):
                _assume_known(holding, decision.speakers_until_ms)
        case _:
            holding.waits_for_speakers |= decision.speakers_until_ms is not None
            return False
    return True


def _cut(holding: Holding, lane: Lane, end_frame: int) -> None:
    follow_speakers(holding, lane, end_frame, policy_of(holding.around.settings), cut=True)
    start_frame, revisions = lane.start_frame, lane.revision
    samples = audio_between(holding, start_frame * FRAME_SAMPLES, end_frame * FRAME_SAMPLES)[lane.channel]
    decided = write_final(holding, lane.channel, start_frame, end_frame, samples, revision=revisions + 1)
    if decided > lane.end_frame:
        # Another holder had heard more. What is missing here is part of its segment already.
        lane.activity += bytes(decided - lane.end_frame)
    lane.cut(decided)
    forget_provisional(holding, lane.channel, start_frame, revisions)
    holding.state.durable_finals = [
        final
        for final in holding.state.durable_finals
        if final.channel != lane.channel or final.start_frame >= lane.start_frame
    ]


def _one_speaker_each(holding: Holding) -> bool:
    return holding.state.options.channels == "separate"


def _known_until_ms(holding: Holding, from_ms: int) -> int:
    """Until when speakers are known, or need not be waited for."""
    state = holding.state
    if _one_speaker_each(holding):
        return UNLIMITED_MS
    return max(state.timeline.known_until(from_ms), state.speakers_assumed_until_ms)


def _waited_enough(holding: Holding, until_ms: int) -> bool:
    """True when the audio up to `until_ms` has waited for speaker information for SPEAKER_WAIT_SEC.

    A stream that never had any is only given that time once, at its beginning.
    """
    state = holding.state
    wait_ms = holding.around.settings.speaker_wait_sec * 1000
    if not state.speakers_seen:
        return holding.now_ms - state.opened_at_ms >= wait_ms
    arrived_ms = next((arrival.at_ms for arrival in state.arrivals if arrival.end_ms >= until_ms), holding.now_ms)
    return holding.now_ms - arrived_ms >= wait_ms


def _assume_known(holding: Holding, until_ms: int) -> None:
    holding.state.speakers_assumed_until_ms = max(holding.state.speakers_assumed_until_ms, until_ms)


def show_open_segments(holding: Holding) -> None:
    """Publish a provisional revision of every open segment that TRANSCRIBER_STEP_SEC has been added to, if there is speech in that.

    A segment may be open long after its last word, while its cut waits for who spoke. No revision has that silence in it. Whoever is
    behind with the audio shows nothing until it has caught up: that text would be dropped for its age.
    """
    settings = holding.around.settings
    step_frames = round(settings.transcriber_step_sec * 1000) // FRAME_MS
    for lane in holding.state.lanes:
        if lane.end_frame - lane.provisional_end_frame < step_frames:
            continue
        end_frame = lane.start_frame + spoken_frames(lane.activity, policy_of(settings))
        if end_frame > max(lane.start_frame, lane.provisional_end_frame) and not too_old_to_show(holding, end_frame):
            samples = audio_between(holding, lane.start_frame * FRAME_SAMPLES, end_frame * FRAME_SAMPLES)
            write_provisional(holding, lane, end_frame, samples[lane.channel])
