"""Whoever sends more about speakers than hot state has room for: what is needed later waits in the bucket, and nothing else changes."""

import random

import pytest
import redis

from common.events import SpeakersObserved
from segmenter_service import mail, timeline
from tests.segmenter_service.stage import Stage, split, talk, wav

SECONDS = 60


def meeting(client: redis.Redis, *, shuffled: bool = False) -> Stage:
    """A minute of talk with a change of speaker every three seconds, all of it observed before the first chunk comes."""
    stage = Stage(client, SPEAKER_WAIT_SEC="60", SPEAKER_RELABEL_SEC="0")
    seen: list[SpeakersObserved] = [
        stage.observe(1_000 * at, 1_000 * at + 1_000, ("AB"[at // 3 % 2], 1_000 * at, 1_000 * at + 700))
        for at in range(SECONDS)
    ]
    if shuffled:
        random.Random(1).shuffle(seen)
    chunks = split(wav(talk(*[5.6, 0.4] * (SECONDS // 6))), 20)
    stage.deliver(stage.upload(chunks[:1], end=False))
    stage.deliver([*seen, *stage.upload(chunks[1:], first_seq=1)])
    return stage


@pytest.mark.parametrize("shuffled", [False, True])
def test_what_is_too_much_at_once_is_known_when_it_is_needed(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch, shuffled: bool
) -> None:
    wanted = meeting(redis_client)
    redis_client.flushall()
    monkeypatch.setattr(timeline, "MOST_INTERVALS", 48)
    found = meeting(redis_client, shuffled=shuffled)
    turns = {each.segment_id: each.turns for each in wanted.announced() if each.final}
    assert len(turns) > 5
    assert {each.segment_id: each.turns for each in found.announced() if each.final} == turns
    assert found.finals() == wanted.finals()


def test_hot_state_stays_bounded_however_much_is_observed(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline, "MOST_INTERVALS", 1_000)
    stage = Stage(redis_client)
    stage.deliver(stage.upload(split(wav(talk(6, 0.5, 6)), 4)[:1], end=False))
    sizes: list[int] = []
    for minute in range(12):
        from_ms = 60_000 * minute
        spoken = [
            (f"speaker {who}", from_ms + 600 * at, from_ms + 600 * at + 300) for who in range(20) for at in range(20)
        ]
        stage.deliver([stage.observe(from_ms, from_ms + 60_000, *spoken)])
        sizes.append(stage.drainer.mailbox("default", "call-1").size_bytes())
    assert max(sizes) < 40_000  # a thousand intervals, the uncut audio's state, and names of what waits in the bucket


def test_a_large_observation_waits_in_the_bucket_and_not_in_the_mailbox(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client, SPEAKER_WAIT_SEC="60")
    chunks = split(wav(talk(6, 0.5, 6, 0.5, 6)), 3)
    stage.deliver(stage.upload(chunks[:1], end=False))
    large = stage.observe(0, 19_000, *[("A" * 150, 40 * at, 40 * at + 10) for at in range(475)])
    mailbox = stage.drainer.mailbox("default", "call-1")
    lease = mailbox.acquire()
    assert lease is not None
    before = mailbox.size_bytes()
    stage.deliver([large])
    assert 0 < mailbox.size_bytes() - before < mail.LARGE_BYTES
    lease.abandon()
    stage.deliver(stage.upload(chunks[1:], first_seq=1))
    (turn, *_) = next(each for each in stage.announced() if each.final).turns
    assert turn.speaker == "A" * 150


def test_a_large_observation_that_was_deleted_says_nothing(redis_client: redis.Redis) -> None:
    stage = Stage(redis_client)
    chunks = split(wav(talk(6, 0.5, 6)), 3)
    stage.deliver(stage.upload(chunks[:1], end=False))
    large = stage.observe(0, 12_000, *[("A" * 150, 25 * at, 25 * at + 10) for at in range(475)])
    stage.blobs.delete(large.object_name)
    stage.deliver([large, *stage.upload(chunks[1:], first_seq=1)])
    assert stage.summary().segments
    assert all(not each.turns for each in stage.announced())
