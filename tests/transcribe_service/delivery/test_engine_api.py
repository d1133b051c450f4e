"""What an Engine API is told, and what its refusals mean."""

import json

import pytest

from common.events import StreamOptions
from tests.transcribe_service.delivery.orders_of_tests import (
    ENGINE_URL,
    Post,
    segment,
    sweep,
)
from tests.transcribe_service.fakes import World


def test_the_engine_gets_live_and_final_revisions(world: World) -> None:
    post = Post(world, engine=True)
    post.open()
    for revision, final in ((0, False), (1, True)):
        post.handle(post.store(segment(revision=revision, final=final)))
        post.run()
    url, headers, _ = post.poster.sent[0]
    assert url == f"{ENGINE_URL}/api/transcripts/segments/unknown/m1"
    assert headers["Authorization"] == "Bearer hush"
    told = [json.loads(body) for _, _, body in post.poster.sent]
    assert [(each["revision"], each["final"]) for (each,) in told] == [(0, False), (1, True)]
    (last,) = told[-1]
    assert last == {
        "content": "hello you",
        "start_timestamp": "2023-11-14T22:13:20.500Z",
        "end_timestamp": "2023-11-14T22:13:20.900Z",
        "speaker": "Ada",
        "confidence": 0.75,
        "words": [
            {
                "word": "hello",
                "start": "2023-11-14T22:13:20.500Z",
                "end": "2023-11-14T22:13:20.700Z",
                "confidence": 0.5,
            },
            {"word": "you", "start": "2023-11-14T22:13:20.700Z", "end": "2023-11-14T22:13:20.900Z", "confidence": 1.0},
        ],
        "server_timestamp": "2023-11-14T22:13:20.000Z",
        "present_user_ids": [],
        "segment_id": "c1:0:500",
        "revision": 1,
        "final": True,
    }


def test_the_engine_is_told_where_a_meeting_takes_place_and_when_nothing_was_said(world: World) -> None:
    post = Post(world, engine=True)
    post.open(options=StreamOptions(source="google_meet", user_id="u1"))
    post.handle(post.store(segment(words=())))
    post.run()
    ((url, _, body),) = post.poster.sent
    assert url.endswith("/segments/google_meet/m1")
    (told,) = json.loads(body)
    assert (told["content"], told["words"], told["segment_id"], told["final"]) == ("", [], "c1:0:500", True)


@pytest.mark.parametrize(("status", "attempts"), [(422, 1), (401, 2), (503, 2)])
def test_what_the_engine_refuses_is_kept_at_once_and_what_may_be_mended_is_tried(
    world: World, status: int, attempts: int
) -> None:
    post = Post(world, engine=True)
    post.open()
    post.poster.answers["engine"] = status
    post.handle(post.store(segment()))
    post.run()
    world.clock.advance(60)
    sweep(post)
    assert len(post.poster.sent) == attempts
    assert len(post.dead_letters.page("default", limit=9).dead_letters) == (attempts == 1)


def test_the_engine_gets_the_tenants_that_the_operator_names(world: World) -> None:
    post = Post(world, engine=True, engine_tenants="acme, other")
    post.open()
    post.handle(post.store(segment()))
    post.run()
    assert post.poster.sent == []
    post.handle(post.store(segment(tenant="acme")))
    post.run()
    assert post.hosts == ["engine"]
