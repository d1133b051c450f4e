"""A recording that is handed over whole: all of it lies in the bucket before its one event, the end, comes."""

from collections.abc import Callable

import pytest
import redis

from common.events import StreamEnded, StreamOptions
from segmenter_service.drain import PASS_S, PUSH_S
from segmenter_service.voice_activity import VoiceActivityState
from tests.clocks import FakeClock
from tests.segmenter_service.stage import START_MS, LoudnessScorer, Samples, Stage, recording, split, talk, wav, webm

CONVERSATION = talk(4, 0.6, 5, 0.4, 7, 3.5, 6, 0.3, 9, 0.7, 8)
STARTED_MS = START_MS - 86_400_000


def m4a(samples: Samples) -> bytes:
    """Its description comes last, so that it can only be read whole."""
    return recording(samples, "mp4", "aac", rate_hz=48_000)


def mp3(samples: Samples) -> bytes:
    return recording(samples, "mp3", "libmp3lame")


@pytest.mark.parametrize("container", [webm, wav, mp3, m4a])
def test_the_end_alone_makes_all_of_it_known(redis_client: redis.Redis, container: Callable[[Samples], bytes]) -> None:
    told, untold = Stage(redis_client), Stage(redis_client)
    chunks = split(container(CONVERSATION), 7)
    told.deliver(told.upload(chunks))
    expected = told.finals()
    redis_client.flushall()
    *_, end = untold.upload(chunks)
    untold.deliver([end])
    assert expected
    assert untold.finals() == expected
    assert untold.summary() == told.summary()


@pytest.mark.parametrize("container", [webm, wav, mp3, m4a])
def test_when_it_was_recorded_is_what_the_uploader_says(
    redis_client: redis.Redis, container: Callable[[Samples], bytes]
) -> None:
    stage = Stage(redis_client)
    stage.options = StreamOptions(started_at_ms=STARTED_MS)
    *_, end = stage.upload(split(container(CONVERSATION), 7))
    stage.deliver([end])
    assert stage.announced()
    assert {each.epoch_offset_ms for each in stage.announced()} == {STARTED_MS}


def test_speakers_on_the_epoch_clock_meet_the_audio_by_it(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client, SPEAKER_DELAY_SEC="0")
    stage.options = StreamOptions(started_at_ms=STARTED_MS)
    *_, end = stage.upload(split(wav(talk(5, 0.5, 5)), 4))
    first, second = (STARTED_MS, STARTED_MS + 5_400), (STARTED_MS + 5_400, STARTED_MS + 10_500)
    stage.observe(STARTED_MS, STARTED_MS + 10_500, ("A", *first), ("B", *second), clock="epoch")
    stage.deliver([end])
    assert next(each.turns[0].speaker for each in stage.announced() if each.final) == "A"
    assert stage.spans()[0][1] == pytest.approx(5_250, abs=300)


class SlowScorer(LoudnessScorer):
    """Every chunk takes its time."""

    def __init__(self, clock: FakeClock, seconds: float) -> None:
        self._clock, self._seconds = clock, seconds

    def frames(self, state: VoiceActivityState, samples: Samples) -> bytes:
        self._clock.advance(self._seconds)
        return super().frames(state, samples)


@pytest.mark.parametrize("seconds", [0.0, 0.1, 1.0, 4.0])
def test_hours_at_once_are_committed_bit_by_bit_and_go_on_in_a_push_of_their_own(
    redis_client: redis.Redis, seconds: float
) -> None:
    chunks = split(wav(CONVERSATION), 20)
    quick = Stage(redis_client)
    quick.deliver(quick.upload(chunks)[-1:])
    redis_client.flushall()
    slow = Stage(redis_client, scorer=lambda clock: SlowScorer(clock, seconds))
    pushes, waiting = 0, slow.upload(chunks)[-1:]
    while waiting:
        pushes += 1
        assert pushes <= 50
        began_s = slow.clock.monotonic_s()
        slow.deliver(waiting)
        assert slow.clock.monotonic_s() - began_s <= PUSH_S + PASS_S + 10 * seconds, "one pass more, of one chunk"
        waiting = [each for each in slow.publisher.published if isinstance(each, StreamEnded)]
        slow.publisher.published = [each for each in slow.publisher.published if each not in waiting]
        slow.restart()  # whatever was only in memory is gone
    assert (pushes > 1) == (seconds >= 1.0)
    assert slow.finals() == quick.finals()
    assert slow.summary().segments == quick.summary().segments
