"""A meeting is told to be complete once for each completion, whichever comes last: its last words or its end."""

import json

import pytest
from msgspec.structs import replace

from tests.transcribe_service.delivery.orders_of_tests import Post, segment, webhook
from tests.transcribe_service.fakes import World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def post(world: World) -> Post:
    made = Post(world)
    made.open()
    world.meetings.change("default", "m1", lambda each: replace(each, title="Weekly"))
    world.webhooks.create(webhook(events=("meeting.completed",)))
    return made


def completions(post: Post) -> list[str]:
    for _, _, body in post.poster.sent:
        message = json.loads(body)
        assert message["type"] == "meeting.completed"
        assert message["data"] == {"meeting_id": "m1", "title": "Weekly", "transcript": "/v1/meetings/m1/transcript"}
    return [headers["webhook-id"] for _, headers, _ in post.poster.sent]


def say(post: Post, *starts_ms: int) -> None:
    for start_ms in starts_ms:
        post.handle(post.store(segment(start_ms)))
    post.run()


def test_the_last_words_of_a_closed_meeting_complete_it(post: Post) -> None:
    say(post, 0)
    post.close(2)
    assert completions(post) == []
    say(post, 2000)
    assert len(completions(post)) == 1


def test_an_end_after_the_last_words_is_seen_by_the_sweep(post: Post) -> None:
    say(post, 0, 2000)
    assert post.sweep.run().completed == 0
    post.close(2)
    for _ in range(3):
        post.sweep.run()
        post.run()
    assert len(completions(post)) == 1


def test_one_stream_that_is_open_keeps_it_open(post: Post) -> None:
    post.open("c2")
    post.close(1)
    say(post, 0)
    post.sweep.run()
    assert completions(post) == []
    post.close(0, "c2")
    post.sweep.run()
    post.run()
    assert len(completions(post)) == 1


def test_it_is_told_once_whoever_sees_it_how_often(post: Post) -> None:
    post.close(2)
    say(post, 0, 2000)
    post.begin()  # another process, which has not seen it
    post.sweep.run()
    say(post, 2000)
    post.handle(post.store(segment(2000, labels=1)))
    post.run()
    assert len(completions(post)) == 1


def test_late_audio_completes_it_anew(post: Post, world: World) -> None:
    post.close(1)
    say(post, 0)
    world.clock.advance(60)
    post.close(2)
    say(post, 2000)
    assert len(set(completions(post))) == 2


def test_a_whole_recording_is_not_read_at_each_of_its_segments(post: Post, world: World) -> None:
    segments = 200
    post.close(segments)
    read = world.transcripts.segments
    reads: list[str] = []

    def counted(tenant: str, meeting_id: str) -> list[object]:
        reads.append(meeting_id)
        return read(tenant, meeting_id)  # type: ignore[return-value]

    world.transcripts.segments = counted  # type: ignore[method-assign, assignment]
    say(post, *(number * 2000 for number in range(segments)))
    assert len(completions(post)) == 1
    assert len(reads) < 30


def test_who_wants_no_completions_costs_no_look(post: Post, world: World) -> None:
    world.webhooks.stored.clear()
    post.begin()
    post.handle(post.store(segment(0)))
    assert world.deliveries.stored == {}


def test_a_meeting_that_is_deleted_meanwhile_is_told_nobody(post: Post, world: World) -> None:
    say(post, 0)
    post.close(1)
    post.sweep.run()
    world.meetings.delete("default", "m1")
    post.run()
    assert completions(post) == []
