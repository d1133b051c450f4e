"""Events that never come: what the bucket holds becomes the same segments and the same account, by the sweep alone."""

import hashlib
import random
from collections.abc import Callable
from itertools import pairwise

import fakeredis
import msgspec
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import Retryable
from common.events import Event, SegmentReady
from common.object_names import unregistered_prefix
from common.ports.stream_registry import StreamSummary
from tests.segmenter_service.stage import Stage, recording, split, talk, tone, wav, webm

CONVERSATION = talk(4, 0.6, 5, 0.4, 7, 3.5, 6, 0.3, 9, 0.7, 8)
LENGTH_MS = len(CONVERSATION) // 16
CHUNKS = split(webm(CONVERSATION), 12)
CHUNK_MS = LENGTH_MS // len(CHUNKS)
MAX_SWEEPS = 30

Steps = list[Callable[[Stage], Event]]
Outcome = tuple[dict[str, tuple[str, dict[str, str]]], StreamSummary]


def chunk_step(seq: int, data: bytes) -> Callable[[Stage], Event]:
    return lambda stage: stage.upload([data], first_seq=seq, chunk_ms=CHUNK_MS, end=False)[0]


def observation_step(at_ms: int) -> Callable[[Stage], Event]:
    speaker = "AB"[at_ms // 6_000 % 2]
    return lambda stage: stage.observe(at_ms, at_ms + 2_000, (speaker, at_ms, at_ms + 2_000))


def uploads(*, speakers: bool) -> Steps:
    """What an uploader sends, in its order; each is in the bucket only from its own step on."""
    steps: Steps = []
    for seq, data in enumerate(CHUNKS):
        steps.append(chunk_step(seq, data))
        if speakers:
            steps += [observation_step(at) for at in range(0, LENGTH_MS, 2_000) if at // CHUNK_MS == seq]
    observations = len(steps) - len(CHUNKS)
    steps.append(lambda stage: stage.end(len(CHUNKS) - 1, observations if speakers else None))
    return steps


def closed_by_sweeps(stage: Stage) -> Outcome:
    for _ in range(MAX_SWEEPS):
        if stage.streams.records and stage.record().summary is not None:
            break
        stage.clock.sleep(11)
        stage.sweep.run()
    return outcome(stage)


def outcome(stage: Stage) -> Outcome:
    finals = {name: (hashlib.sha256(audio).hexdigest(), decided) for name, (audio, decided) in stage.finals().items()}
    return finals, msgspec.structs.replace(stage.summary(), closed_at_ms=0)


def undisturbed(*, speakers: bool) -> Outcome:
    with fakeredis.FakeRedis() as client:
        stage = Stage(client, SPEAKER_WAIT_SEC="60")
        for step in uploads(speakers=speakers):
            stage.deliver([step(stage)])
        return outcome(stage)


@pytest.fixture(scope="module", params=[False, True], ids=["alone", "with speakers"])
def expected(request: pytest.FixtureRequest) -> tuple[bool, Outcome]:
    return request.param, undisturbed(speakers=request.param)


@pytest.mark.slow
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), share=st.sampled_from([0.1, 0.4, 0.8, 1.0]), flushed=st.booleans())
def test_whatever_events_are_lost_the_sweep_ends_with_what_an_undisturbed_run_has(
    expected: tuple[bool, Outcome], seed: int, share: float, flushed: bool
) -> None:
    speakers, wanted = expected
    dice = random.Random(seed)
    with fakeredis.FakeRedis() as client:
        stage = Stage(client, SPEAKER_WAIT_SEC="60")
        steps = uploads(speakers=speakers)
        swept_after = dice.sample(
            range(len(steps)), 3
        )  # no more: speakers that are not uploaded are waited for a minute
        for number, step in enumerate(steps):
            event = step(stage)
            if dice.random() >= share:
                stage.deliver([event])
            if number in swept_after:
                stage.clock.sleep(11)
                stage.sweep.run()
            if flushed and dice.random() < 0.05:
                client.flushall()
        assert closed_by_sweeps(stage) == wanted


@pytest.mark.parametrize("lost", ["all", "first", "last", "middle", "end"])
def test_lost_chunks_are_found_wherever_they_were(
    redis_client: redis.Redis, expected: tuple[bool, Outcome], lost: str
) -> None:
    speakers, wanted = expected
    steps = uploads(speakers=speakers)
    kept = {
        "all": range(0),
        "first": range(1, len(steps)),
        "last": [*range(len(steps) - 2), len(steps) - 1],
        "middle": [*range(6), *range(9, len(steps))],
        "end": range(len(steps) - 1),
    }[lost]
    stage = Stage(redis_client, SPEAKER_WAIT_SEC="60")
    for number, step in enumerate(steps):
        event = step(stage)
        if number in kept:
            stage.deliver([event])
    assert closed_by_sweeps(stage) == wanted


def test_a_stream_that_is_fed_costs_no_listing(redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(redis_client)
    stage.deliver([chunk_step(0, CHUNKS[0])(stage)])
    listed: list[str] = []
    list_all = stage.blobs.list
    monkeypatch.setattr(
        stage.blobs,
        "list",
        lambda prefix, start_after="": listed.append(prefix) or list_all(prefix, start_after=start_after),
    )
    stage.clock.sleep(9)
    stage.sweep.run()
    assert listed == [unregistered_prefix("raw")]
    listed.clear()
    stage.clock.sleep(2)
    stage.sweep.run()
    assert sorted(set(listed)) == [
        stage.objects.chunks_prefix,
        stage.objects.speakers_prefix,
        unregistered_prefix("raw"),
    ]


def test_time_alone_ends_nothing_while_the_bucket_has_more(redis_client: redis.Redis) -> None:
    """An event that comes after a long silence must not flush or close over chunks whose events were lost."""
    stage = Stage(redis_client, IDLE_FLUSH_SEC="60", IDLE_CLOSE_SEC="600")
    chunks = split(wav(tone(12)), 4)
    stage.deliver(stage.upload(chunks[:2], end=False))
    stage.upload(chunks[2:], first_seq=2, end=False)
    stage.clock.sleep(601)
    stage.deliver([stage.observe(0, 1_000, ("A", 0, 1_000))])
    assert not stage.spans()
    assert stage.record().summary is None
    stage.sweep.run()
    assert stage.record().summary is None
    assert not stage.spans(), "it goes on at the seventh second"


def test_a_late_chunk_whose_event_was_lost_is_found_before_the_stream_closes(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client, GAP_DEADLINE_SEC="30")
    chunks = split(webm(talk(4, 0.6, 5, 0.6, 5, 0.6, 6, 0.6, 5)), 10)
    events = stage.upload(chunks, end=False)
    late = events.pop(4)
    data = stage.blobs.objects.pop(late.object_name)  # type: ignore[attr-defined]  # a chunk's event has it
    stage.deliver(events)
    stage.clock.sleep(31)
    stage.sweep.run()
    before = stage.spans()
    stage.blobs.objects[late.object_name] = data  # type: ignore[attr-defined]
    stage.deliver([stage.end(9)])
    (gap,) = stage.summary().gaps
    added = [span for span in stage.spans() if span not in before]
    assert any(gap.start_ms <= start and end <= gap.end_ms + 32 for start, end in added)
    assert all(end <= start for (_, end), (start, _) in pairwise(stage.spans()))


def test_a_first_chunk_whose_event_was_lost_brings_back_the_stream_before_it_closes(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client, GAP_DEADLINE_SEC="30")
    chunks = split(webm(talk(4, 0.6, 5)), 5)
    stage.deliver(stage.upload(chunks[1:], first_seq=1, end=False))
    stage.clock.sleep(31)
    stage.sweep.run()
    stage.upload(chunks[:1], end=False)
    stage.deliver([stage.end(4)])
    assert (stage.summary().quarantined, stage.summary().gaps, stage.summary().chunks) == (0, (), 5)


def test_observations_that_no_event_told_of_count_where_a_gap_ends_the_segment(redis_client: redis.Redis) -> None:
    """A gap ends its segment without waiting for speakers: what is durable by then must count all the same."""
    spans: list[list[tuple[int, int]]] = []
    for lost in (False, True):
        redis_client.flushall()
        stage = Stage(redis_client, GAP_DEADLINE_SEC="30", SPEAKER_WAIT_SEC="60")
        chunks = split(webm(talk(6, 0.5, 6, 0.5, 12)), 5)
        said = [
            stage.observe(0, 6_200, ("A", 0, 6_200)),
            stage.observe(6_200, 24_000, ("B", 6_200, 24_000)),
        ]
        stage.deliver([*said[: 1 if lost else 2], *stage.upload(chunks[:3], end=False)])
        stage.deliver(stage.upload(chunks[4:], first_seq=4, end=False))
        stage.clock.sleep(31)
        stage.sweep.run()
        spans.append(stage.spans())
    assert spans[0] == spans[1]
    assert len(spans[0]) >= 2, "somebody else speaks from the sixth second on"


def test_a_final_segment_that_is_there_is_announced_again_as_it_was(redis_client: redis.Redis) -> None:
    """A crash between object and event, and more known about speakers since: the event is the one of the object."""
    stage = Stage(redis_client, SPEAKER_WAIT_SEC="0")
    events = stage.upload(split(wav(tone(4)), 2))
    stage.publisher.faults.before.append(Retryable("down", reason="down"))
    with pytest.raises(Retryable):
        stage.drainer.deliver(events[0])
    (name,) = stage.finals()
    stage.deliver([stage.observe(0, 4_000, ("A", 0, 4_000)), *events])
    (announced,) = {msgspec.json.encode(each) for each in stage.announced() if each.final}
    assert announced.decode() == stage.blobs.objects[name].metadata["event"]


def test_an_object_of_an_earlier_release_is_announced_as_far_as_it_goes(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(split(wav(tone(6)), 2)))
    (name,) = stage.finals()
    (first,) = (each for each in stage.announced() if each.final)
    stage.blobs.objects[name].metadata.pop("event")
    redis_client.flushall()
    stage.restart()
    stage.deliver([stage.end(1)])
    again = [each for each in stage.announced() if each.final]
    assert [(each.start_ms, each.end_ms, each.revision) for each in again[1:]] == [
        (first.start_ms, first.end_ms, first.revision)
    ] * (len(again) - 1)
    assert isinstance(again[-1], SegmentReady)


def test_a_recording_of_which_only_the_bucket_knows_is_read(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    stage.upload(split(recording(talk(5, 0.6, 7, 3, 6), "ipod", "aac"), 7))
    stage.sweep.run()
    assert stage.summary().audio_ms == pytest.approx(21_600, abs=150)
    assert len(stage.spans()) >= 2
