"""From a stored segment to the receiver, over ports in memory: everything is told once, whatever is repeated, killed or down."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from msgspec.structs import replace

from common.errors import Backpressure, Retryable
from common.events import DeliveriesDue, DeliveryWanted, StreamOptions
from tests.transcribe_service.delivery.orders_of_tests import ENGINE_URL, NOW_MS, SECRET, Post, segment, webhook
from tests.transcribe_service.fakes import DOWN, World
from transcribe_service.delivery.courier import BUDGET_S
from transcribe_service.delivery.places import PAUSES_S
from transcribe_service.delivery.post import Posted
from transcribe_service.delivery.progress import IN_HAND_MS, KEPT_MS
from transcribe_service.delivery.schedule import LIVE_MS, SCHEDULE_S
from turnscribe.webhooks import verify


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def post(world: World) -> Post:
    made = Post(world)
    made.open()
    world.webhooks.create(webhook())
    return made


def verified(post: Post, number: int = -1) -> dict[str, Any]:
    _, headers, body = post.poster.sent[number]
    return verify(body, headers, SECRET, now_s=post.world.clock.now_ms() / 1000, tolerance_s=1e9)


def ids(post: Post) -> list[str]:
    return [headers["webhook-id"] for _, headers, _ in post.poster.sent]


def sweep(post: Post) -> None:
    post.sweep.run()
    post.run()


def test_a_final_segment_is_sent_signed_as_readers_get_it(post: Post, world: World) -> None:
    world.meetings.change("default", "m1", lambda each: replace(each, speaker_names={"Ada": "Ada L."}))
    post.handle(post.store(segment()))
    post.run()
    message = verified(post)
    assert message["type"] == "transcript.segment"
    assert message["timestamp"] == "2023-11-14T22:13:20.000Z"
    data = message["data"]
    assert (data["meeting_id"], data["segment_id"], data["final"], data["revision"]) == ("m1", "c1:0:500", True, 3)
    assert (data["start_ms"], data["end_ms"], data["epoch_ms"]) == (500, 1500, NOW_MS)
    (said,) = data["utterances"]
    assert (said["text"], said["speaker"], said["speaker_key"]) == ("hello you", "Ada L.", "Ada")
    assert post.poster.sent[0][0] == "https://wh_1.test/hook"
    assert post.stored().outcome == "delivered"


def test_the_same_update_is_sent_once_however_often_it_comes(post: Post) -> None:
    update = post.store(segment())
    for _ in range(3):
        post.handle(update)
    post.run()
    post.handle(update)
    post.run()
    post.begin()  # another process
    post.handle(update)
    sweep(post)
    assert len(post.poster.sent) == 1


def test_live_revisions_go_to_those_that_ask_for_them(post: Post, world: World) -> None:
    world.webhooks.create(webhook("live", provisional=True))
    for revision in (0, 1):
        post.handle(post.store(segment(revision=revision, final=False)))
        post.run()
    post.handle(post.store(segment()))
    post.run()
    assert sorted(post.hosts) == ["live", "live", "live", "wh_1"]
    assert len(set(ids(post))) == 3, "one id for each version, whoever gets it"


def test_what_is_newer_by_the_time_that_it_is_sent_is_sent_alone(post: Post) -> None:
    for labels in (0, 1):
        post.handle(post.store(segment(labels=labels)))
    post.run()
    assert [verified(post)["data"]["labels"] for _ in post.poster.sent] == [1]


def test_new_speakers_are_a_message_of_their_own(post: Post) -> None:
    for labels in (0, 1):
        post.handle(post.store(segment(labels=labels)))
        post.run()
    assert [verified(post, number)["data"]["labels"] for number in (0, 1)] == [0, 1]
    assert len(set(ids(post))) == 2


def test_a_failure_comes_again_by_the_schedule_with_the_same_id_until_it_is_given_up(post: Post, world: World) -> None:
    post.poster.answers["wh_1"] = 500
    post.handle(post.store(segment()))
    post.run()
    for number, pause_s in enumerate(SCHEDULE_S[1:], start=1):
        assert len(post.poster.sent) == number
        world.clock.advance(pause_s - 0.001)
        sweep(post)
        assert len(post.poster.sent) == number
        world.clock.advance(pause_s * 0.2 + 0.001)
        sweep(post)
    assert len(post.poster.sent) == len(SCHEDULE_S)
    assert len(set(ids(post))) == 1
    assert len({headers["webhook-timestamp"] for _, headers, _ in post.poster.sent}) == len(SCHEDULE_S)
    assert post.stored().outcome == "dead"
    (letter,) = post.dead_letters.page("default", limit=9).dead_letters
    assert (letter.reason, letter.type, letter.meeting_id) == ("http_500", DeliveryWanted.TYPE, "m1")
    assert b"hello" not in world.blobs.objects[f"raw/dead-letters/default/{letter.id}"].data


def test_a_dead_letter_that_is_replayed_is_sent_with_its_old_id(post: Post, world: World) -> None:
    post.poster.answers["wh_1"] = 500
    post.handle(post.store(segment()))
    post.run()
    for pause_s in SCHEDULE_S[1:]:
        world.clock.advance(pause_s * 1.2)
        sweep(post)
    (letter,) = post.dead_letters.page("default", limit=9).dead_letters
    post.poster.answers.clear()
    post.dead_letters.replay("default", letter.id, world.publisher)
    world.publisher.published *= 2  # a message may come twice
    post.run()
    assert len(post.poster.sent) == len(SCHEDULE_S) + 1
    assert len(set(ids(post))) == 1
    assert post.stored().outcome == "delivered"


def test_retry_after_is_honoured(post: Post, world: World) -> None:
    post.poster.answers["wh_1"] = Posted(503, "600")
    post.handle(post.store(segment()))
    post.run()
    for seconds, sent in ((599, 1), (1, 2)):
        world.clock.advance(seconds)
        sweep(post)
        assert len(post.poster.sent) == sent


def test_410_disables_and_nothing_more_is_sent(post: Post, world: World) -> None:
    post.poster.answers["wh_1"] = 410
    post.handle(post.store(segment()))
    post.run()
    found = world.webhooks.stored["default", "wh_1"]
    assert (found.enabled, found.disabled_because) == (False, "gone")
    post.handle(post.store(segment(2000)))
    world.clock.advance(10 * 86_400)
    sweep(post)
    assert len(post.poster.sent) == 1
    assert post.dead_letters.page("default", limit=9).dead_letters == ()


def test_a_redirect_is_a_failure(post: Post) -> None:
    post.poster.answers["wh_1"] = 301
    post.handle(post.store(segment()))
    post.run()
    assert (post.stored().reason, len(post.poster.sent)) == ("http_301", 1)


def test_who_takes_nothing_for_days_is_disabled_and_what_it_misses_is_kept(post: Post, world: World) -> None:
    post.poster.answers["wh_1"] = 500
    for start_ms in (0, 2000, 4000, 6000):
        post.handle(post.store(segment(start_ms)))
    post.run()
    for _ in range(120):
        world.clock.advance(3_600)
        sweep(post)
    found = world.webhooks.stored["default", "wh_1"]
    assert (found.enabled, found.disabled_because) == (False, "failing")
    assert len(post.dead_letters.page("default", limit=9).dead_letters) == 4
    post.handle(post.store(segment(8000)))
    post.run()
    assert ("default", "wh_1", "transcript.segment c1:0:8000") not in world.deliveries.stored


def test_who_takes_something_now_and_then_is_not_disabled(post: Post, world: World) -> None:
    for day in range(12):
        post.poster.answers["wh_1"] = 200 if day % 2 else 500
        post.handle(post.store(segment(day * 2000)))
        post.run()
        world.clock.advance(86_400)
        sweep(post)
    post.poster.answers["wh_1"] = 200
    for _ in range(100):
        world.clock.advance(3_600)
        sweep(post)
    found = world.webhooks.stored["default", "wh_1"]
    assert (found.enabled, found.failing_since_ms, found.given_up) == (True, None, 0)


def test_one_receiver_that_hangs_is_tried_seldom_and_the_other_gets_everything_at_once(
    post: Post, world: World
) -> None:
    world.webhooks.create(webhook("hangs"))
    post.poster.answers["hangs"] = "timeout"
    for number in range(20):
        post.handle(post.store(segment(number * 2000)))
        post.run()
    assert (post.hosts.count("wh_1"), post.hosts.count("hangs")) == (20, 1)
    world.clock.advance(PAUSES_S[0] * 1.2)
    sweep(post)
    assert post.hosts.count("hangs") == 2
    del post.poster.answers["hangs"]
    world.clock.advance(400)
    sweep(post)
    world.clock.advance(400)
    sweep(post)
    assert len({headers["webhook-id"] for url, headers, _ in post.poster.sent if "hangs" in url}) == 20


def test_killed_before_it_is_announced_it_is_announced_by_the_event_that_comes_again(post: Post, world: World) -> None:
    update = post.store(segment())
    world.publisher.faults.before.append(DOWN)
    with pytest.raises(Retryable):
        post.handle(update)
    post.handle(update)
    post.run()
    assert len(post.poster.sent) == 1


@pytest.mark.parametrize("announced", [False, True])
def test_killed_after_it_is_stored_the_sweep_finds_it(post: Post, world: World, announced: bool) -> None:
    world.publisher.faults.after.append(DOWN)
    with pytest.raises(Retryable):
        post.handle(post.store(segment()))
    if not announced:
        world.publisher.published.clear()
    post.begin()
    sweep(post)
    assert len(post.poster.sent) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_while_it_is_sent_it_is_sent_again_with_the_same_id(post: Post, world: World, when: str) -> None:
    class Killed(BaseException):
        pass

    sending = post.poster.post

    def die(*sent: Any) -> Posted:
        if when == "after":
            sending(*sent)
        raise Killed

    post.poster.post = die  # type: ignore[method-assign]
    post.handle(post.store(segment()))
    with pytest.raises(Killed):
        post.run()
    post.poster.post = sending  # type: ignore[method-assign]
    post.begin()
    sweep(post)
    assert len(post.poster.sent) == (when == "after"), "for now it counts as in hand"
    world.clock.advance(IN_HAND_MS / 1000)
    sweep(post)
    assert len(post.poster.sent) == (2 if when == "after" else 1)
    assert len(set(ids(post))) == 1
    assert post.stored().outcome == "delivered"


def test_a_store_that_is_down_costs_no_attempt(post: Post, world: World) -> None:
    post.handle(post.store(segment()))
    world.meetings.faults.before.append(DOWN)
    with pytest.raises(Retryable):
        post.handle(world.publisher.published[0])
    assert post.stored().attempts == 0
    post.run()
    assert (len(post.poster.sent), post.stored().attempts) == (1, 1)


def test_live_revisions_are_not_sent_late(post: Post, world: World) -> None:
    world.webhooks.create(webhook("live", provisional=True))
    post.handle(post.store(segment(final=False)))
    world.clock.advance(LIVE_MS / 1000 + 1)
    post.run()
    assert post.poster.sent == []
    assert post.stored("live").reason == "too_late"


def test_what_was_deleted_is_told_nobody(post: Post, world: World) -> None:
    post.handle(post.store(segment()))
    world.transcripts.delete_meeting("default", "m1")
    post.run()
    assert (post.poster.sent, post.stored().reason) == ([], "gone")


def test_another_transcription_is_told_once_it_is_the_shown_one(post: Post, world: World) -> None:
    world.transcripts.put(segment(meeting_id="m1~2"))
    update = replace(post.store(segment()), take="2")
    post.handle(update)
    post.run()
    assert post.poster.sent == []
    world.meetings.change("default", "m1", lambda each: replace(each, take="2"))
    post.handle(update)
    post.run()
    assert len(post.poster.sent) == 1


def test_a_push_that_ran_for_long_hands_over(post: Post, world: World) -> None:
    sending = post.poster.post

    def slowly(*sent: Any) -> Posted:
        world.clock.advance(10)
        return sending(*sent)

    post.poster.post = slowly  # type: ignore[method-assign]
    for number in range(8):
        post.handle(post.store(segment(number * 2000)))
    first = world.publisher.published.pop(0)
    world.publisher.published.clear()
    post.handle(first)
    assert len(post.poster.sent) == BUDGET_S // 10 + 1
    assert [type(each) for each in world.publisher.published] == [DeliveriesDue]
    post.run()
    assert len(post.poster.sent) == 8


def test_a_process_that_is_to_end_hands_over(post: Post, world: World) -> None:
    post.handle(post.store(segment()))
    world.drain.start()
    event = world.publisher.published.pop(0)
    post.handle(event)
    assert (post.poster.sent, world.publisher.published) == ([], [event])


def test_where_all_places_are_taken_the_queue_keeps_it(post: Post, world: World) -> None:
    post.begin(threads=2)
    for receiver in ("a", "b"):
        post.places.enter(("t", receiver))
    post.handle(post.store(segment()))
    with pytest.raises(Backpressure):
        post.run()


def test_what_was_delivered_is_forgotten_after_a_week(post: Post, world: World) -> None:
    post.handle(post.store(segment()))
    post.run()
    world.clock.advance(KEPT_MS / 1000 - 1)
    assert post.sweep.run().forgotten == 0
    world.clock.advance(1)
    assert post.sweep.run().forgotten == 1
    assert world.deliveries.stored == {}


def test_a_tenant_s_transcripts_are_told_to_its_own_receivers(post: Post, world: World) -> None:
    world.webhooks.create(webhook("theirs", tenant="other"))
    post.handle(post.store(segment()))
    post.run()
    assert post.hosts == ["wh_1"]


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


def test_many_pushes_at_once_send_each_message_once(post: Post, world: World) -> None:
    world.webhooks.create(webhook("other"))
    for number in range(30):
        post.handle(post.store(segment(number * 2000)))
    events = [event for event in world.publisher.published if isinstance(event, DeliveriesDue)] * 2
    world.publisher.published.clear()
    with ThreadPoolExecutor(8) as pushes:
        list(pushes.map(post.courier.handle, events))
    sweep(post)
    assert sorted(Counter(post.hosts).items()) == [("other", 30), ("wh_1", 30)]
    assert len({(url, headers["webhook-id"]) for url, headers, _ in post.poster.sent}) == 60
    assert {each.outcome for each in world.deliveries.stored.values()} == {"delivered"}
