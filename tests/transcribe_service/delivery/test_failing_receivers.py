"""Receivers that fail, refuse, hang or are gone: what comes again and when, what is kept as a dead letter, who is disabled."""

from common.events import DeliveryWanted
from tests.transcribe_service.delivery.orders_of_tests import Post, ids, segment, sweep, webhook
from tests.transcribe_service.fakes import World
from transcribe_service.delivery.places import PAUSES_S
from transcribe_service.delivery.post import Posted
from transcribe_service.delivery.schedule import SCHEDULE_S


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
