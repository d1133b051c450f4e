"""Whatever is repeated, killed or down, and however many work at a time: everything is told, once where nobody died over it."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from common.errors import Backpressure, Retryable
from common.events import DeliveriesDue
from tests.transcribe_service.delivery.orders_of_tests import Post, ids, segment, sweep, webhook
from tests.transcribe_service.fakes import DOWN, World
from transcribe_service.delivery.courier import BUDGET_S
from transcribe_service.delivery.post import Posted
from transcribe_service.delivery.progress import IN_HAND_MS, KEPT_MS


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
