"""Speakers that become known after the cut: segments are announced anew, once, and end with the same speakers however events came."""

import random
from collections.abc import Callable
from itertools import accumulate

import fakeredis
import msgspec
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import Retryable
from common.events import Event, SegmentRelabelled, SpeakersObserved, StreamOptions, Turn
from common.stored_chunks import event_of_content
from segmenter_service.announced import REACH_MS, AnnouncedFinal, digest, touch
from tests.segmenter_service.stage import START_MS, Stage, held_state, silence, split, talk, tone, wav


def names(turns: tuple[Turn, ...], start_ms: int, end_ms: int) -> list[tuple[str, int, int]]:
    """Who spoke in a segment, as far as its words can be given to them."""
    first, last = start_ms - REACH_MS, end_ms + REACH_MS
    clipped = ((each.speaker, max(each.start_ms, first), min(each.end_ms, last)) for each in turns)
    return sorted((who, start, end) for who, start, end in clipped if start < end)


def labelled(stage: Stage) -> dict[str, list[tuple[str, int, int]]]:
    """Segment → who spoke in it, by the bucket alone: the event that lies with it, or the last that it was announced anew with."""
    said = {}
    for event in stage.announced():
        if event.final:
            prefix = stage.objects.relabellings_of(event.channel, event.start_ms)
            newest = [blob.data for name, blob in sorted(stage.blobs.objects.items()) if name.startswith(prefix)][-1:]
            stored = stage.blobs.objects[event.object_name].metadata["event"].encode()
            content = (
                event_of_content(newest[0], SegmentRelabelled)
                if newest
                else msgspec.json.decode(stored, type=type(event))
            )
            said[event.segment_id] = names(content.turns, event.start_ms, event.end_ms)
    return said


def cut_without_speakers(client: redis.Redis, *seconds: float, **own: str) -> Stage:
    """A stream whose first segments were cut before anybody was known to speak in them."""
    stage = Stage(client, SPEAKER_WAIT_SEC="0", **own)
    stage.deliver(stage.upload(split(wav(talk(*seconds)), 4), chunk_ms=1_000, end=False))
    assert stage.spans()
    return stage


def test_an_observation_that_comes_after_the_cut_is_announced_with_the_segment(redis_client: redis.Redis) -> None:
    stage = cut_without_speakers(redis_client, 6, 3, 6, 3, 1)
    (first, *_) = stage.spans()
    stage.deliver([stage.observe(0, 9_000, ("A", 0, 2_500), ("B", 2_500, 6_000))])
    (event,) = stage.relabelled()
    assert (event.start_ms, event.labels, event.revision) == (
        first[0],
        1,
        1 + sum(not e.final for e in stage.announced() if e.start_ms == first[0]),
    )
    assert event.turns == (Turn("A", 0, 2_500), Turn("B", 2_500, 6_000))
    assert event_of_content(stage.blobs.read(stage.objects.relabelling(0, first[0], 1)), SegmentRelabelled) == event


def test_the_same_again_is_not_announced_again(redis_client: redis.Redis) -> None:
    stage = cut_without_speakers(redis_client, 6, 3, 6, 3, 1)
    late = stage.observe(0, 9_000, ("A", 0, 6_000))
    stage.deliver([late, late, stage.observe(0, 8_000, ("A", 0, 6_000))])
    assert len(stage.relabelled()) == 1


def test_what_is_learned_bit_by_bit_is_announced_once_it_is_complete(redis_client: redis.Redis) -> None:
    stage = cut_without_speakers(redis_client, 9, 3, 6, 3, 1)
    stage.deliver([stage.observe(at, at + 1_000, ("A", at, at + 1_000)) for at in range(0, 12_000, 1_000)])
    first = stage.relabelled()[0]
    assert first.turns[0].end_ms > 9_000, "it waited for what was said up to its end"
    assert [event.labels for event in stage.relabelled() if event.segment_id == first.segment_id] == [1]


def test_what_never_becomes_complete_is_announced_in_the_end(redis_client: redis.Redis) -> None:
    stage = cut_without_speakers(redis_client, 6, 3, 6, 3, 1)
    stage.deliver([stage.observe(0, 1_000, ("A", 0, 1_000))])
    assert not stage.relabelled()
    stage.deliver([stage.end(3)])
    assert [event.turns for event in stage.relabelled()] == [(Turn("A", 0, 1_000),)]


def test_speakers_that_come_in_time_are_announced_with_the_segment_alone(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    for seq, chunk in enumerate(split(wav(talk(6, 0.5, 6, 0.5, 12)), 25)):
        at = 1_000 * seq
        observed = stage.observe(at, at + 1_000, ("AB"[at // 6_500 % 2], at, at + 1_000))
        stage.deliver([*stage.upload([chunk], first_seq=seq, chunk_ms=1_000, end=False), observed])
    stage.deliver([stage.end(24)])
    assert len(stage.spans()) >= 2
    assert not stage.relabelled()


@pytest.mark.parametrize(("window_s", "relabelled"), [("60", True), ("10", False), ("0", False)])
def test_what_comes_later_than_that_is_kept_and_changes_nothing(
    redis_client: redis.Redis, window_s: str, relabelled: bool
) -> None:
    stage = cut_without_speakers(redis_client, *[8.0, 2.5] * 4, SPEAKER_RELABEL_SEC=window_s)
    late = stage.observe(0, 9_000, ("A", 0, 8_000))
    stage.deliver([late])
    assert bool(stage.relabelled()) == relabelled
    assert stage.blobs.read(late.object_name)


def test_after_the_stream_is_closed_too(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(split(wav(tone(9)), 3)))
    assert stage.summary().segments == 1
    stage.restart()
    stage.deliver([stage.observe(0, 4_000, ("A", 0, 4_000))])
    assert [event.turns for event in stage.relabelled()] == [(Turn("A", 0, 4_000),)]
    stage.deliver([stage.observe(4_000, 9_000, ("B", 4_000, 9_000))])
    assert [(event.labels, len(event.turns)) for event in stage.relabelled()] == [(1, 1), (2, 2)]


def test_observations_whose_events_were_lost_count_when_the_stream_closes(redis_client: redis.Redis) -> None:
    stage = cut_without_speakers(redis_client, 6, 3, 6, 3, 1)
    stage.observe(0, 9_000, ("A", 0, 6_000))
    stage.observe(9_000, 18_000, ("B", 9_000, 15_000))
    stage.deliver([stage.end(3)])
    assert {who for said in labelled(stage).values() for who, _, _ in said} == {"A", "B"}


def test_a_crash_between_object_and_event_announces_it_again(redis_client: redis.Redis) -> None:
    stage = cut_without_speakers(redis_client, 6, 3, 6, 3, 1)
    late = stage.observe(0, 9_000, ("A", 0, 6_000))
    stage.publisher.faults.before.append(Retryable("down", reason="down"))
    with pytest.raises(Retryable):
        stage.drainer.deliver(late)
    assert not stage.relabelled()
    stage.deliver([late])
    assert [event.labels for event in stage.relabelled()] == [1]


def test_a_number_that_is_taken_is_not_used_for_something_else(redis_client: redis.Redis) -> None:
    """Numbers since the last checkpoint are forgotten with Redis; what they stand for is not."""
    stage = cut_without_speakers(redis_client, 6, 3, 6, 3, 1)
    stage.deliver([stage.observe(0, 9_000, ("A", 0, 6_000))])
    stage.deliver([stage.observe(0, 8_000, ("B", 1_000, 6_000))])
    before = labelled(stage)
    redis_client.flushall()
    stage.restart()
    stage.deliver([stage.end(3)])
    assert {segment: said for segment, said in labelled(stage).items() if segment in before} == before
    numbers = {event.labels: event.turns for event in stage.relabelled() if event.start_ms < 2_000}
    assert sorted(numbers) == [1, 2]
    assert all(numbers[event.labels] == event.turns for event in stage.relabelled() if event.start_ms < 2_000)


def test_channels_of_one_speaker_each_are_never_announced_anew(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    stage.options = StreamOptions(channels="separate", channel_speakers=("agent",))
    stage.deliver(stage.upload(split(wav(tone(9)), 3)))
    stage.deliver([stage.observe(0, 9_000, ("A", 0, 9_000))])
    assert not stage.relabelled()


def test_hot_state_stays_small_with_eight_who_all_talk(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client, SPEAKER_DELAY_SEC="auto")
    stage.options = StreamOptions(started_at_ms=START_MS)
    dice = random.Random(1)
    largest = 0
    for seq, chunk in enumerate(split(wav(talk(*[2.1, 0.4] * 96)), 80)):
        at = START_MS + 3_000 * seq
        for second in range(at, at + 3_000, 1_000):
            said = [
                (f"Speaker number {who} of the conversation", second + cut, second + cut + 500)
                for who in range(8)
                for cut in (0, 500)
                if dice.random() < 0.5
            ]
            stage.deliver([stage.observe(second, second + 1_000, *said, clock="epoch")])
        stage.deliver(stage.upload([chunk], first_seq=seq, end=False))
        largest = max(largest, stage.drainer.mailbox("default", "call-1").size_bytes())
    assert largest < 49_152, "of which the reader of such a file has 28 kB"


CONVERSATION = (
    3.2,
    0.7,
    2.3,
    1.1,
    4.1,
    0.5,
    2.9,
    0.9,
    3.6,
    1.3,
    2.2,
    0.6,
    4.4,
    0.8,
    2.7,
    1.6,
    3.3,
    0.7,
    2.4,
    1.2,
    3.9,
    0.5,
    2.6,
    1.0,
)
DELAY_MS = 1_300
SPOKEN = [
    ("ABC"[index // 2 % 3], round(1000 * (end - length)), round(1000 * end))
    for index, (length, end) in enumerate(zip(CONVERSATION, accumulate(CONVERSATION), strict=True))
    if index % 2 == 0
]
CHUNKS = split(wav(talk(*CONVERSATION)), 17)
"""Of 3 s."""
Step = Callable[[Stage], Event]


def observation(at_ms: int) -> Callable[[Stage], SpeakersObserved]:
    shift = START_MS + DELAY_MS
    said = [(who, max(start, at_ms) + shift, min(end, at_ms + 2_000) + shift) for who, start, end in SPOKEN]
    return lambda stage: stage.observe(
        at_ms + shift, at_ms + 2_000 + shift, *[each for each in said if each[1] < each[2]], clock="epoch"
    )


def uploads() -> list[Step]:
    steps: list[Step] = []
    for seq, data in enumerate(CHUNKS):
        steps.append(lambda stage, seq=seq, data=data: stage.upload([data], first_seq=seq, end=False)[0])  # type: ignore[misc]  # a lambda's defaults
        steps += [observation(at) for at in range(-2_000, 3_000 * len(CHUNKS), 2_000) if at // 3_000 == seq - 1]
    observations = len(steps) - len(CHUNKS)
    return [*steps, lambda stage: stage.end(len(CHUNKS) - 1, observations)]


def staged(client: redis.Redis) -> Stage:
    stage = Stage(client, SPEAKER_DELAY_SEC="auto", SPEAKER_WAIT_SEC="60")
    stage.options = StreamOptions(started_at_ms=START_MS)
    return stage


@pytest.fixture(scope="module")
def undisturbed() -> tuple[dict[str, object], dict[str, list[tuple[str, int, int]]]]:
    with fakeredis.FakeRedis() as client:
        stage = staged(client)
        for step in uploads():
            stage.deliver([step(stage)])
        state = held_state(client)
        assert state.delay.known
        assert abs(state.delay.ms - DELAY_MS) <= 100
        assert stage.relabelled(), "the delay became known after segments had been announced"
        return dict(stage.finals()), labelled(stage)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32 - 1), lost=st.sampled_from([0.0, 0.3, 1.0]), flushed=st.booleans(), shuffled=st.booleans()
)
def test_an_estimated_delay_ends_with_the_same_segments_and_speakers_however_events_come(
    undisturbed: tuple[dict[str, object], dict[str, list[tuple[str, int, int]]]],
    seed: int,
    lost: float,
    flushed: bool,
    shuffled: bool,
) -> None:
    dice = random.Random(seed)
    with fakeredis.FakeRedis() as client:
        stage = staged(client)
        steps = uploads()
        if shuffled:
            events = [step(stage) for step in steps]
            events += dice.choices(events, k=8)
            dice.shuffle(events)
        else:
            events = []
        for event_or_step in events or steps:
            event = event_or_step if isinstance(event_or_step, Event) else event_or_step(stage)
            if dice.random() >= lost:
                stage.deliver([event])
            if flushed and dice.random() < 0.1:
                client.flushall()
                stage.restart()
        for _ in range(20):
            if stage.streams.records and stage.record().summary is not None:
                break
            stage.clock.sleep(11)
            stage.sweep.run()
        finals, speakers = undisturbed
        assert stage.finals() == finals
        assert labelled(stage) == speakers


@given(
    st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 30_000), st.integers(0, 30_000)), max_size=5),
    st.integers(0, 30_000),
)
def test_a_digest_changes_with_whoever_is_within_reach_and_with_nobody_else(
    turns: list[tuple[str, int, int]], at_ms: int
) -> None:
    spoken = tuple(Turn(who, min(a, b), max(a, b)) for who, a, b in turns)
    start_ms, end_ms = 12_000, 15_000
    more = (*spoken, Turn("C", at_ms, at_ms + 100))
    within = at_ms < end_ms + REACH_MS and at_ms + 100 > start_ms - REACH_MS
    assert (digest(more, start_ms, end_ms) != digest(spoken, start_ms, end_ms)) == within
    each = AnnouncedFinal(0, start_ms, end_ms, 1, 0, b"")
    touch([each], at_ms, at_ms + 100)
    assert each.due == within


def test_silence_alone_has_nobody_to_announce(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(split(wav(silence(9)), 3)))
    stage.deliver([stage.observe(0, 9_000, ("A", 0, 9_000))])
    assert not stage.relabelled()
