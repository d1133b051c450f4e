"""Where one channel's audio is cut into segments. Pure: the same activity and turns give the same cuts.

Voice activity comes from `voice_activity`, turns from `timeline`; reading audio and publishing segments is the caller's.

Each rule says not only where it would cut but also at which frame it knows enough to do so (its `ready_frame`), and looks at
nothing beyond that frame. The rule that is ready first decides. A decision is therefore a function of the audio and of who
spoke, and never of how much has arrived already: chunks may be split, late or doubled, and the segments stay the same.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from common.events import Turn
from segmenter_service.pauses import Pause, Speech
from segmenter_service.voice_activity import FRAME_MS

UNLIMITED_MS: Final = 2**53
"""As `known_until_ms`: decide with the turns there are."""


class CutPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of the policy. Lengths in milliseconds, voice activity as probability."""

    segment_size_ms: int = 10_000
    max_segment_ms: int = 60_000

    speech_on: float = 0.5
    speech_off: float = 0.35
    """Speech begins at `speech_on` and lasts until the activity falls below `speech_off`."""
    min_pause_ms: int = 200
    long_pause_ms: int = 2_000
    """A pause of this length ends the segment."""
    margin_ms: int = 320
    """Silence that is kept before the first and after the last speech of a segment."""
    skip_step_ms: int = 512
    """Leading silence is skipped in steps of this."""

    earliest: float = 0.6
    latest: float = 1.6
    """Where a pause may end a segment for its size, in `segment_size_ms`."""
    distance_penalty: float = 0.06
    """Of a pause's length, for each millisecond between it and the aimed size."""
    best_pause_ms: int = 1_200
    """Pauses that are longer than this are no better."""
    settled_pause_ms: int = 500
    """Past `latest`, a pause that has lasted so long is not waited out."""

    min_turn_ms: int = 1_000
    """A change of speaker sooner than this after the last cut makes no cut."""
    speaker_hold_ms: int = 500
    """A new speaker counts when active for so long."""
    snap_ms: int = 900
    """How far from a change of speaker a pause may lie to be its place."""
    quiet_ms: int = 500
    """How far the quietest frame may lie, where there is no pause."""


class Span(msgspec.Struct, frozen=True):
    """The uncut audio of a channel, from `start_frame` (frames of 32 ms since stream time 0) up to now."""

    start_frame: int
    activity: bytes
    """One value per frame: round(255 · probability of speech)."""


class Cut(msgspec.Struct, frozen=True):
    """`[start, end_frame)` becomes a final segment. It has speech in it."""

    end_frame: int
    reason: str
    """`speaker`, `size`, `pause`, `cap` or `end`."""


class Skip(msgspec.Struct, frozen=True):
    """`[start, to_frame)` has no speech and becomes no segment."""

    to_frame: int


class Wait(msgspec.Struct, frozen=True):
    """Nothing can be decided yet, for want of audio (None) or of knowing who spoke until `speakers_until_ms`."""

    speakers_until_ms: int | None = None


Decision = Cut | Skip | Wait


def decide(span: Span, turns: Sequence[Turn], known_until_ms: int, policy: CutPolicy, *, ended: bool) -> Decision:
    """What happens first to `span`. The caller applies it and asks again, until the answer is `Wait`.

    `turns` (stream time) reach back at least 5 s before the span; who spoke is known up to `known_until_ms`, and a caller
    that waits no longer passes `UNLIMITED_MS`. With `ended` no more audio will come: the answer is then never `Wait(None)`
    unless the span is empty.
    """
    if not span.activity:
        return Wait()
    length = len(span.activity)
    thought = _frames(max(policy.long_pause_ms, policy.snap_ms + policy.min_pause_ms)) + 1 if ended else 0
    speech = Speech(span.activity, on=policy.speech_on, off=policy.speech_off, silent_frames=thought)
    if speech.first is None:
        skipped = length if ended else _skippable(length, policy)
        return Skip(span.start_frame + skipped) if skipped else Wait()
    if skipped := _skippable(speech.first, policy):
        return Skip(span.start_frame + skipped)

    plan = min(_plans(speech, turns, span.start_frame, policy), key=lambda plan: plan.ready_frame, default=None)
    if plan is None or plan.ready_frame > len(speech):
        return Wait()
    needed_ms = (span.start_frame + min(plan.ready_frame, length)) * FRAME_MS
    if known_until_ms < needed_ms:
        return Wait(needed_ms)
    at_the_end = plan.reason == "pause" and plan.ready_frame > length
    return Cut(span.start_frame + min(plan.end_frame, length), "end" if at_the_end else plan.reason)


def spoken_frames(activity: bytes, policy: CutPolicy) -> int:
    """How much of an uncut span is worth showing before it is cut: up to soon after the last word before a long pause.

    0 where there is no speech. What follows a long pause will be another segment.
    """
    speech = Speech(activity, on=policy.speech_on, off=policy.speech_off)
    if speech.first is None:
        return 0
    long = _frames(policy.long_pause_ms)
    last = next((run for run in speech.runs if run.length >= long or run.end == len(speech)), None)
    return min(last.start + _frames(policy.margin_ms), len(speech)) if last else len(speech)


class _Plan(msgspec.Struct, frozen=True):
    """A cut before `end_frame`, which is known as soon as there are `ready_frame` frames. Both count from the span's start."""

    ready_frame: int
    end_frame: int
    reason: str


def _frames(ms: float) -> int:
    """The least number of frames that last `ms`."""
    return math.ceil(ms / FRAME_MS)


def _skippable(leading: int, policy: CutPolicy) -> int:
    """How many of `leading` silent frames to skip. In whole steps, so that skipping early or late ends at the same frame."""
    step = _frames(policy.skip_step_ms)
    return max(0, leading - _frames(policy.margin_ms)) // step * step


def _plans(speech: Speech, turns: Sequence[Turn], start_frame: int, policy: CutPolicy) -> Iterator[_Plan]:
    """At most one plan of each rule, in order of precedence among those that are ready at the same frame."""
    changes_ms = (ms - start_frame * FRAME_MS for ms in speaker_changes(turns, policy.speaker_hold_ms))
    at_changes = (_at_change(speech, ms, policy) for ms in changes_ms if ms >= policy.min_turn_ms)
    rules = (
        next(filter(None, at_changes), None),
        _at_long_pause(speech, policy),
        _for_size(speech, policy),
        _at_cap(speech, policy),
    )
    yield from filter(None, rules)


def speaker_changes(turns: Sequence[Turn], hold_ms: int) -> Iterator[int]:
    """When, in stream time, somebody begins to speak who is not the one speaking. `turns` in order of start.

    The one speaking is who of the active began last, or else who stopped last. Only onsets count: where somebody merely
    stops, an interjection ends or the hang-over of an indicator runs out. Turns shorter than `hold_ms` are not looked at.
    """
    before: list[Turn] = []
    for turn in turns:
        if turn.end_ms - turn.start_ms < hold_ms:
            continue
        active = [other for other in before if other.end_ms > turn.start_ms]
        if active:
            current = max(active, key=lambda other: other.start_ms)
        else:
            current = max(before, key=lambda other: other.end_ms, default=turn)
        if current.speaker != turn.speaker:
            yield turn.start_ms
        before = [*(active or [current]), turn]


def _at_change(speech: Speech, change_ms: int, policy: CutPolicy) -> _Plan | None:
    """At the pause nearest to a change of speaker, else at the quietest frame beside it."""
    ready = _frames(change_ms + policy.snap_ms + policy.min_pause_ms)
    if ready > len(speech):
        return None
    change, reach = round(change_ms / FRAME_MS), _frames(policy.snap_ms)
    pauses = speech.pauses_before(ready, _frames(policy.min_pause_ms))
    near = [pause for pause in pauses if pause.distance(change) <= reach]
    if near:
        return _Plan(ready, min(near, key=lambda pause: pause.distance(change)).middle, "speaker")
    around = _frames(policy.quiet_ms)
    first_possible = max(change - around, (speech.first or 0) + 1)
    if first_possible > change:
        return None
    return _Plan(ready, speech.quietest(first_possible, change + around, change), "speaker")


def _at_long_pause(speech: Speech, policy: CutPolicy) -> _Plan | None:
    """Soon after the speech, once nobody has spoken for long."""
    long = _frames(policy.long_pause_ms)
    pause = next((run for run in speech.runs if run.length >= long), None)
    return _Plan(pause.start + long, pause.start + _frames(policy.margin_ms), "pause") if pause else None


def _for_size(speech: Speech, policy: CutPolicy) -> _Plan | None:
    """At the longest pause near the aimed size; where there is none, at the next."""
    size = policy.segment_size_ms / FRAME_MS
    earliest, latest = (
        _frames(policy.earliest * policy.segment_size_ms),
        _frames(policy.latest * policy.segment_size_ms),
    )
    shortest = _frames(policy.min_pause_ms)
    if latest > len(speech):
        return None
    candidates = [pause for pause in speech.pauses_before(latest, shortest) if pause.middle >= earliest]
    if candidates:
        return _Plan(latest, max(candidates, key=lambda pause: _merit(pause, size, policy)).middle, "size")
    for run in speech.runs:
        ready = min(run.end + 1, run.start + _frames(policy.settled_pause_ms))
        if ready > latest and run.length >= shortest:
            return _Plan(ready, Pause(run.start, min(run.end, ready)).middle, "size")
    return None


def _merit(pause: Pause, size: float, policy: CutPolicy) -> float:
    """Frames of pause, less for its distance from the aimed size."""
    return min(pause.length, policy.best_pause_ms / FRAME_MS) - policy.distance_penalty * abs(pause.middle - size)


def _at_cap(speech: Speech, policy: CutPolicy) -> _Plan | None:
    """At the best pause there is, else at the quietest frame of the last second."""
    cap = policy.max_segment_ms // FRAME_MS
    if cap > len(speech):
        return None
    pauses = speech.pauses_before(cap, _frames(policy.min_pause_ms))
    if pauses:
        size = policy.segment_size_ms / FRAME_MS
        return _Plan(cap, max(pauses, key=lambda pause: _merit(pause, size, policy)).middle, "cap")
    return _Plan(cap, speech.quietest(cap - _frames(1000), cap, cap), "cap")
