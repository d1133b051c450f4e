"""Observations that lead to nothing yet wait in the mailbox, for whatever comes next; those that lead to something do not."""

from collections.abc import Iterator

import fakeredis
import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from common.events import Event
from segmenter_service.announced import AnnouncedFinal
from segmenter_service.mailbox import Rest
from segmenter_service.resting import MOST_WAITING, rest_of
from segmenter_service.state import ConnectionState
from tests.segmenter_service.stage import START_MS, Stage, held_state, split, talk, wav

MAIL_KEY = "turnscribe:{default/call-1}:mail"


def timeline_of(stage: Stage) -> list[tuple[int, int]]:
    return held_state(stage.redis).timeline.stream.covered


def open_stream(client: redis.Redis, **own: str) -> tuple[Stage, Iterator[Event]]:
    """A stream with its first second drained, and the other eight, stored as they are taken: nothing is to be cut before all are in."""
    stage = Stage(client, **own)  # type: ignore[arg-type]
    pieces = split(wav(talk(7.0, 2.5)), 9)
    chunks = (stage.upload([piece], first_seq=seq, chunk_ms=1_000, end=False)[0] for seq, piece in enumerate(pieces))
    stage.deliver([next(chunks)])
    return stage, chunks


def test_an_observation_waits_while_nothing_could_follow_from_it(redis_client: redis.Redis) -> None:
    stage, others = open_stream(redis_client)
    stage.deliver([stage.observe(0, 1_000, ("A", 0, 1_000)), stage.observe(1_000, 2_000, ("A", 1_000, 2_000))])
    assert redis_client.hlen(MAIL_KEY) == 2
    assert timeline_of(stage) == []
    stage.deliver([next(others)])
    assert redis_client.hlen(MAIL_KEY) == 0
    assert timeline_of(stage) == [(0, 2_000)]


def test_the_sweep_takes_along_what_waits(redis_client: redis.Redis) -> None:
    stage, _ = open_stream(redis_client)
    stage.deliver([stage.observe(0, 1_000, ("A", 0, 1_000))])
    assert timeline_of(stage) == []
    stage.sweep.run()
    assert timeline_of(stage) == [(0, 1_000)]


def test_an_observation_that_a_cut_waits_for_is_not_left_lying(redis_client: redis.Redis) -> None:
    stage, others = open_stream(redis_client, SPEAKER_WAIT_SEC="60")
    stage.deliver([stage.observe(0, 1_000, ("A", 0, 1_000)), *others])
    assert stage.spans() == []
    stage.deliver([stage.observe(1_000, 9_500, ("A", 1_000, 7_000))])
    assert len(stage.spans()) == 1


def test_a_mailbox_that_fills_is_drained(redis_client: redis.Redis) -> None:
    stage, _ = open_stream(redis_client)
    stage.deliver([stage.observe(20 * k, 20 * k + 20) for k in range(MOST_WAITING + 1)])
    assert timeline_of(stage) == [(0, 20 * (MOST_WAITING + 1))]


@settings(max_examples=12, deadline=None)
@given(st.permutations(range(10)), st.integers(0, 9))
def test_what_waits_changes_no_segment(order: list[int], restarted_before: int) -> None:
    """Observations come in any order among the chunks; a stage whose every event is swept after it has nothing wait."""

    def played(*, swept: bool) -> tuple[dict[str, tuple[bytes, dict[str, str]]], list[tuple[object, ...]]]:
        with fakeredis.FakeRedis() as client:
            stage = Stage(client, SPEAKER_WAIT_SEC="60")
            pieces = split(wav(talk(4, 1, 3, 2.5, 5)), 10)
            for place, (piece, number) in enumerate(zip(pieces, order, strict=True)):
                (chunk,) = stage.upload([piece], first_seq=place, chunk_ms=1_600, end=False)
                from_ms, to_ms = number * 1_600, (number + 1) * 1_600
                seen = stage.observe(from_ms, to_ms, ("AB"[number % 3 == 1], from_ms, to_ms))
                for event in (seen, chunk):
                    if place == restarted_before:
                        stage.restart()
                    stage.deliver([event])
                    if swept:
                        stage.sweep.run()
            stage.deliver([stage.end(9, observations=10)])
            told = [(each.start_ms, each.end_ms, each.turns) for each in stage.announced() if each.final]
            return stage.finals(), sorted(told)

    assert played(swept=False) == played(swept=True)


@pytest.mark.parametrize(
    "changed",
    [
        {"closed": True},
        {"last_seq": 3},
        {"missing_since_ms": START_MS},
        {"announced": [AnnouncedFinal(0, 0, 9, 1, 0, b"", due=True)]},
    ],
)
def test_nothing_waits_where_something_could_follow(changed: dict[str, object]) -> None:
    state = ConnectionState(meeting_id="m", opened_at_ms=0, **changed)  # type: ignore[arg-type]
    assert rest_of(state, waits_for_speakers=False) is None


def test_what_is_announced_is_left_alone_by_what_waits() -> None:
    state = ConnectionState(meeting_id="m", opened_at_ms=0, announced=[AnnouncedFinal(0, 2_000, 9_000, 1, 0, b"")])
    state.timeline.synchronise(START_MS, 500)
    assert rest_of(state, waits_for_speakers=False) == Rest(9_750, START_MS + 500 + 9_750)
    assert rest_of(state, waits_for_speakers=True) is None
