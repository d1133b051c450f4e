"""From events to segments: the same ones whatever order, repetition, loss of memory or failure there is on the way."""

import random
from itertools import pairwise

import numpy as np
import pytest
import redis

from common.errors import Retryable
from common.events import Event, StreamOptions
from tests.segmenter_service.stage import START_MS, Stage, recording, silence, split, talk, tone, wav, webm

DOWN = Retryable("down for a moment", reason="down")
CONVERSATION = talk(4, 0.6, 5, 0.4, 7, 3.5, 6, 0.3, 9, 0.7, 8)


@pytest.fixture(scope="module")
def chunks() -> list[bytes]:
    return split(webm(CONVERSATION), 15)


@pytest.fixture(scope="module")
def expected(chunks: list[bytes]) -> dict[str, tuple[bytes, dict[str, str]]]:
    import fakeredis

    with fakeredis.FakeRedis() as client:
        stage = Stage(client)
        stage.deliver(stage.upload(chunks))
        return stage.finals()


def test_segments_tile_the_speech_and_the_account_adds_up(redis_client: redis.Redis, chunks: list[bytes]) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(chunks))
    spans = stage.spans()
    assert len(spans) >= 3
    assert all(end <= start for (_, end), (start, _) in pairwise(spans)), "segments never overlap"
    summary = stage.summary()
    assert summary.chunks == 15
    assert summary.segments == len(spans)
    assert summary.audio_ms == summary.segment_ms + summary.silence_skipped_ms
    assert summary.audio_ms == pytest.approx(len(CONVERSATION) / 16, abs=25)
    assert summary.silence_skipped_ms > 2_000, "the long pause is not sent to Whisper"
    assert not summary.gaps


@pytest.mark.parametrize("ends_in", ["speech", "silence"])
def test_the_account_gives_the_last_frame_s_milliseconds_to_what_it_belongs_to(
    redis_client: redis.Redis, ends_in: str
) -> None:
    """A stream ends within a frame of 32 ms: its segments, as they lie in the bucket, and its silence are the audio that there is."""
    stage = Stage(redis_client)
    audio = talk(4, 5, 4.01) if ends_in == "speech" else talk(4, 5, 4, 6.01)
    stage.deliver(stage.upload(split(wav(audio), 5)))
    summary = stage.summary()
    audio_ms = len(audio) // 16
    assert audio_ms % 32
    assert summary.audio_ms == audio_ms
    assert summary.segment_ms == sum(min(end, audio_ms) - start for start, end in stage.spans())
    assert summary.silence_skipped_ms == audio_ms - summary.segment_ms


@pytest.mark.parametrize("seed", range(6))
def test_order_and_repetition_of_events_change_nothing(
    redis_client: redis.Redis, chunks: list[bytes], expected: dict[str, object], seed: int
) -> None:
    stage = Stage(redis_client)
    events = stage.upload(chunks)
    events += random.Random(seed).choices(events, k=10)
    random.Random(seed).shuffle(events)
    stage.deliver(events)
    assert stage.finals() == expected


@pytest.mark.parametrize("seed", range(6))
def test_where_the_bytes_are_split_changes_nothing(
    redis_client: redis.Redis, chunks: list[bytes], expected: dict[str, object], seed: int
) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(split(b"".join(chunks), 40, seed)))
    assert stage.finals() == expected


@pytest.mark.parametrize("at", [0, 1, 7, 14, 15])
def test_flushed_redis_and_lost_process_change_nothing(
    redis_client: redis.Redis, chunks: list[bytes], expected: dict[str, object], at: int
) -> None:
    stage = Stage(redis_client)
    if at:
        stage.deliver(stage.upload(chunks[:at], end=False))
    redis_client.flushall()
    stage.restart()
    stage.deliver(stage.upload(chunks[at:], first_seq=at))
    assert stage.finals() == expected
    assert stage.summary().segments == len(expected)


def test_the_sweep_alone_finishes_what_a_flush_interrupted(
    redis_client: redis.Redis, chunks: list[bytes], expected: dict[str, object]
) -> None:
    stage = Stage(redis_client)
    stage.deliver(stage.upload(chunks[:5], end=False))
    stage.upload(chunks[5:], first_seq=5)
    redis_client.flushall()
    # The other events were acknowledged on the strength of a mailbox that is gone now; only the registry knows the stream.
    assert stage.sweep.run().streams == 1
    assert stage.finals() == expected
    assert stage.sweep.run().streams == 0, "a closed stream needs no looking after"


def test_an_instance_without_the_audio_decodes_it_again_from_the_bucket(
    redis_client: redis.Redis, chunks: list[bytes], expected: dict[str, object]
) -> None:
    stage = Stage(redis_client, PCM_CACHE_MIB="0")
    for event in stage.upload(chunks):
        stage.restart()
        stage.deliver([event])
    assert stage.finals() == expected


@pytest.mark.parametrize("port", ["blobs", "publisher", "streams"])
@pytest.mark.parametrize("seed", range(5))
def test_failures_anywhere_delay_and_change_nothing(
    redis_client: redis.Redis, chunks: list[bytes], expected: dict[str, object], port: str, seed: int
) -> None:
    stage = Stage(redis_client)
    events = stage.upload(chunks)
    faults = getattr(stage, port).faults
    dice = random.Random(seed)
    for event in events:
        if dice.random() < 0.5:
            (faults.before if dice.random() < 0.5 else faults.after).append(DOWN)
        stage.deliver([event])
    faults.before.clear()
    faults.after.clear()
    stage.sweep.run()
    assert stage.finals() == expected
    assert stage.summary().segments == len(expected)


def test_a_final_revision_follows_its_provisional_ones(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client, TRANSCRIBER_STEP_SEC="2")
    for seq, chunk in enumerate(split(wav(tone(9)), 9)):
        stage.deliver(stage.upload([chunk], first_seq=seq, chunk_ms=1_000, end=False))
    stage.deliver([stage.end(8)])
    (segment,) = {each.segment_id for each in stage.announced()}
    revisions = [(each.revision, each.final, each.end_ms) for each in stage.announced()]
    assert segment == "call-1:0:0"
    assert [final for _, final, _ in revisions] == [False] * (len(revisions) - 1) + [True]
    assert len(revisions) >= 4
    assert [number for number, _, _ in revisions] == list(range(1, len(revisions) + 1))
    assert [end for _, _, end in revisions] == sorted(end for _, _, end in revisions)
    left = [name for name in stage.blobs.objects if "/provisional/" in name]
    assert not left, "the audio of replaced revisions is deleted"


def test_each_channel_is_cut_on_its_own(redis_client: redis.Redis) -> None:
    agent = np.concatenate([tone(3), silence(6)])
    caller = np.concatenate([silence(5), tone(4)])
    stage = Stage(redis_client)
    stage.options = StreamOptions(channels="separate", channel_speakers=("agent", "caller"))
    stage.deliver(stage.upload(split(wav(np.stack([agent, caller])), 3)))
    finals = {each.channel: (each.start_ms, each.end_ms) for each in stage.announced() if each.final}
    assert finals[0][0] < 400
    assert 3_000 <= finals[0][1] <= 4_000
    assert 4_000 <= finals[1][0] <= 5_000
    assert stage.summary().audio_ms == pytest.approx(18_000, abs=100)


def test_segments_carry_wall_time_and_who_spoke(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client, SPEAKER_DELAY_SEC="1")
    events = stage.upload(split(wav(talk(5, 0.5, 5)), 4), chunk_ms=2_625)
    said = [
        stage.observe(START_MS + at, START_MS + at + 1_000, (who, START_MS + at, START_MS + at + 1_000), clock="epoch")
        for at in range(0, 13_000, 1_000)
        for who in ["A" if at < 6_000 else "B"]
    ]
    stage.deliver([*said, *events])
    first, second = [each for each in stage.announced() if each.final]
    assert first.epoch_offset_ms == pytest.approx(START_MS, abs=5)
    assert 5_000 <= first.end_ms <= 5_500, "cut in the pause at the change of speaker"
    assert [turn.speaker for turn in first.turns] == ["A", "B"]
    assert [(turn.start_ms, turn.speaker) for turn in second.turns][-1] == (pytest.approx(5_000, abs=5), "B")


def test_a_cut_waits_for_speakers_but_not_for_ever(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client, SPEAKER_WAIT_SEC="4")
    events = stage.upload(split(wav(talk(6, 0.5, 6, 0.5, 12)), 5), chunk_ms=5_000, end=False)
    stage.deliver([stage.observe(0, 3_000, ("A", 0, 3_000)), *events])
    assert not stage.spans(), "nobody knows yet who speaks from the third second on"
    stage.clock.sleep(4.1)
    stage.sweep.run()
    assert stage.spans(), "audio is never withheld because speaker events are missing"


@pytest.mark.parametrize("speakers_come", ["first", "at the end"])
def test_where_speakers_change_on_a_clock_that_is_not_found_yet_is_not_decided_yet(
    redis_client: redis.Redis, speakers_come: str
) -> None:
    """The first chunks tell the time late, each less than the one before; it is the same cut whenever the speakers come."""
    stage = Stage(redis_client, SPEAKER_WAIT_SEC="60")

    def speakers() -> list[Event]:
        first = stage.observe(START_MS, START_MS + 30_000, ("A", START_MS, START_MS + 6_400), clock="epoch")
        return [
            first,
            stage.observe(START_MS, START_MS + 30_001, ("B", START_MS + 6_400, START_MS + 30_000), clock="epoch"),
        ]

    if speakers_come == "first":
        stage.deliver(speakers())
    for seq, chunk in enumerate(split(wav(talk(6, 0.8, 6, 0.5, 10)), 8)):
        late_ms = max(0, 4 - seq) * 200
        stage.deliver(stage.upload([chunk], first_seq=seq, chunk_ms=2_912, late_ms=late_ms, end=False))
        if seq < 4:
            assert not stage.spans(), "another chunk may still move the clock"
    stage.deliver([*speakers(), stage.end(7, observations=2)])
    finals = [each for each in stage.announced() if each.final]
    assert len({each.epoch_offset_ms for each in finals}) == 1
    assert 6_000 < finals[0].end_ms < 6_800
    assert finals[0].turns[0].end_ms == pytest.approx(START_MS + 6_400 - finals[0].epoch_offset_ms, abs=1)


def test_an_observation_in_the_bucket_counts_even_if_its_event_never_came(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client, SPEAKER_WAIT_SEC="4")
    events = stage.upload(split(wav(talk(6, 0.5, 6, 0.5, 12)), 5), chunk_ms=5_000, end=False)
    known = stage.observe(0, 1_000, ("A", 0, 1_000))
    stage.observe(1_000, 24_000, ("A", 1_000, 6_200), ("B", 6_200, 24_000))
    stage.deliver([known, *events])
    stage.clock.sleep(4.1)
    stage.sweep.run()
    first = next(each for each in stage.announced() if each.final)
    assert 6_000 <= first.end_ms <= 6_500
    assert [turn.speaker for turn in first.turns] == ["A", "B"]


@pytest.mark.parametrize("limit", [0, 10_240])
def test_hot_state_stays_small_even_where_packets_are_large(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr("segmenter_service.decoding.MAX_ANCHOR_BYTES", limit)
    stage = Stage(redis_client, PCM_CACHE_MIB="0")
    loud = np.random.default_rng(1).integers(-20_000, 20_000, (2, 40 * 48_000)).astype(np.int16)
    largest = 0
    for event in stage.upload(split(recording(loud, "wav", "pcm_s16le", rate_hz=48_000), 14)):
        stage.restart()
        stage.deliver([event])
        largest = max(largest, stage.drainer.mailbox("default", "call-1").size_bytes())
    assert largest < 65_536
    assert stage.summary().audio_ms == 40_000
    assert any("/anchors/" in name for name in stage.blobs.objects)
