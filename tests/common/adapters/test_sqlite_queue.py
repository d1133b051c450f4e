import random
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.adapters.embedded.queue_publisher import QueuePublisher
from common.adapters.embedded.queue_rows import LEASE_GRACE_MS
from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.adapters.embedded.subscriptions import Backlog, Delivery, Nack, Subscription
from common.errors import Retryable
from common.events import Message, StreamEnded, from_message
from tests.clocks import FakeClock

SUBSCRIPTION = Subscription(
    name="s",
    topic="t",
    endpoint="http://127.0.0.1:1/push/s",
    ack_deadline_s=60,
    max_attempts=3,
    min_backoff_s=1,
    max_backoff_s=8,
)
LEASE_S = 60 + LEASE_GRACE_MS / 1000


def message(number: int = 0) -> Message:
    return Message(b"%d" % number, {"n": str(number)})


def numbers(deliveries: list[Delivery]) -> list[int]:
    return [int(delivery.message.data) for delivery in deliveries]


@pytest.fixture
def subscribed(queue: SqliteQueue) -> SqliteQueue:
    queue.subscribe(SUBSCRIPTION)
    return queue


def test_a_lease_gives_what_was_published_in_order(subscribed: SqliteQueue, clock: FakeClock) -> None:
    ids = [subscribed.publish("t", message(number)) for number in range(5)]
    deliveries = subscribed.lease("s", 3)
    assert numbers(deliveries) == [0, 1, 2]
    assert numbers(subscribed.lease("s", 3)) == [3, 4]
    assert subscribed.lease("s", 3) == []
    assert [delivery.message_id for delivery in deliveries] == ids[:3]
    assert deliveries[0].message == message(0)
    assert deliveries[0].published_at_ms == clock.now_ms()
    assert {delivery.attempt for delivery in deliveries} == {1}


def test_subscriptions_share_the_message_id_and_settle_apart(subscribed: SqliteQueue) -> None:
    subscribed.subscribe(msgspec.structs.replace(SUBSCRIPTION, name="other"))
    message_id = subscribed.publish("t", message())
    (mine,), (other,) = subscribed.lease("s", 9), subscribed.lease("other", 9)
    assert mine.message_id == other.message_id == message_id
    subscribed.ack([mine])
    assert [backlog.messages for backlog in subscribed.backlogs()] == [1, 0]


def test_a_topic_without_subscription_drops(subscribed: SqliteQueue) -> None:
    subscribed.publish("elsewhere", message())
    assert subscribed.backlogs() == [Backlog(subscription="s", messages=0, oldest_age_ms=0, dead_letters=0)]


def test_an_unknown_subscription_has_nothing(queue: SqliteQueue) -> None:
    assert queue.lease("nobody", 5) == []


def test_acknowledged_messages_are_gone(subscribed: SqliteQueue, clock: FakeClock) -> None:
    subscribed.publish("t", message())
    subscribed.ack(subscribed.lease("s", 1))
    clock.advance(3600)
    assert subscribed.lease("s", 1) == []


def test_a_message_comes_again_after_the_ack_deadline(subscribed: SqliteQueue, clock: FakeClock) -> None:
    subscribed.publish("t", message())
    (first,) = subscribed.lease("s", 1)
    clock.advance(LEASE_S - 0.001)
    assert subscribed.lease("s", 1) == []
    clock.advance(0.001)
    (second,) = subscribed.lease("s", 1)
    assert (second.delivery_id, second.message_id, second.attempt) == (first.delivery_id, first.message_id, 2)


def test_a_message_comes_again_after_the_death_of_its_receiver(
    open_queue: Callable[[], SqliteQueue], clock: FakeClock
) -> None:
    dying = open_queue()
    dying.subscribe(SUBSCRIPTION)
    dying.publish("t", message(7))
    dying.lease("s", 1)
    dying.close()
    surviving = open_queue()
    assert surviving.lease("s", 1) == []
    clock.advance(LEASE_S)
    assert numbers(surviving.lease("s", 1)) == [7]


def test_a_late_acknowledgement_counts(subscribed: SqliteQueue, clock: FakeClock) -> None:
    subscribed.publish("t", message())
    (late,) = subscribed.lease("s", 1)
    clock.advance(LEASE_S)
    (again,) = subscribed.lease("s", 1)
    subscribed.ack([late])
    subscribed.nack([Nack(again, "http_503")])
    clock.advance(3600)
    assert subscribed.lease("s", 1) == []


def test_a_late_nack_does_not_touch_the_next_attempt(subscribed: SqliteQueue, clock: FakeClock) -> None:
    subscribed.publish("t", message())
    (late,) = subscribed.lease("s", 1)
    clock.advance(LEASE_S)
    subscribed.lease("s", 1)
    subscribed.nack([Nack(late, "http_503")])
    clock.advance(LEASE_S - 0.001)
    assert subscribed.lease("s", 1) == []


def test_a_nack_waits_for_its_backoff(open_queue: Callable[[], SqliteQueue], clock: FakeClock) -> None:
    queue = open_queue()
    queue.subscribe(msgspec.structs.replace(SUBSCRIPTION, max_attempts=100))
    queue.publish("t", message())
    for attempt, (least_s, most_s) in enumerate([(0.5, 1), (1, 2), (2, 4), (4, 8), (4, 8)], start=1):
        (delivery,) = queue.lease("s", 1)
        assert delivery.attempt == attempt
        queue.nack([Nack(delivery, "http_503")])
        clock.advance(least_s - 0.002)
        assert queue.lease("s", 1) == []
        clock.advance(most_s - least_s + 0.003)


def test_the_receiver_may_ask_for_a_longer_backoff(subscribed: SqliteQueue, clock: FakeClock) -> None:
    subscribed.publish("t", message())
    subscribed.nack([Nack(subscribed.lease("s", 1)[0], "http_429", not_before_s=30)])
    clock.advance(29.999)
    assert subscribed.lease("s", 1) == []
    clock.advance(0.001)
    assert len(subscribed.lease("s", 1)) == 1


def test_the_last_failure_makes_a_dead_letter_with_its_reason(subscribed: SqliteQueue, clock: FakeClock) -> None:
    message_id = subscribed.publish("t", message(5))
    published_at_ms = clock.now_ms()
    with structlog.testing.capture_logs() as logs:
        for reason in ("http_500", "ack_deadline", "http_503"):
            clock.advance(10)
            (delivery,) = subscribed.lease("s", 1)
            subscribed.nack([Nack(delivery, reason)])
    (dead,) = subscribed.dead_letters("s")
    assert (dead.message, dead.message_id, dead.attempts, dead.reason) == (message(5), message_id, 3, "http_503")
    assert (dead.published_at_ms, dead.died_at_ms) == (published_at_ms, clock.now_ms())
    assert subscribed.backlogs() == [Backlog(subscription="s", messages=0, oldest_age_ms=0, dead_letters=1)]
    assert [(log["event"], log["message_id"], log["reason"]) for log in logs] == [
        ("dead_letter", message_id, "http_503")
    ]


def test_a_message_that_nobody_ever_answers_dies_too(subscribed: SqliteQueue, clock: FakeClock) -> None:
    subscribed.publish("t", message())
    for _ in range(3):
        assert len(subscribed.lease("s", 1)) == 1
        clock.advance(LEASE_S)
    assert subscribed.lease("s", 1) == []
    (dead,) = subscribed.dead_letters("s")
    assert (dead.attempts, dead.reason) == (3, "no_answer")


def test_dead_letters_can_be_replayed(subscribed: SqliteQueue, clock: FakeClock) -> None:
    subscribed.subscribe(msgspec.structs.replace(SUBSCRIPTION, max_attempts=1))
    ids = [subscribed.publish("t", message(number)) for number in range(2)]
    subscribed.nack([Nack(delivery, "http_400") for delivery in subscribed.lease("s", 2)])
    assert [dead.message_id for dead in subscribed.dead_letters("s")] == ids
    assert subscribed.replay_dead_letters("s") == 2
    assert subscribed.dead_letters("s") == []
    again = subscribed.lease("s", 9)
    assert [(each.message_id, each.attempt) for each in again] == [(ids[0], 1), (ids[1], 1)]
    assert subscribed.replay_dead_letters("s") == 0


def test_subscribing_again_changes_the_options_and_keeps_the_backlog(subscribed: SqliteQueue) -> None:
    subscribed.publish("t", message())
    changed = msgspec.structs.replace(SUBSCRIPTION, endpoint="http://127.0.0.1:2/", ack_deadline_s=1)
    subscribed.subscribe(changed)
    assert subscribed.subscriptions() == [changed]
    assert len(subscribed.lease("s", 9)) == 1


def test_a_backlog_tells_how_old_its_oldest_message_is(subscribed: SqliteQueue, clock: FakeClock) -> None:
    subscribed.publish("t", message())
    clock.advance(90)
    subscribed.publish("t", message())
    subscribed.lease("s", 1)
    assert subscribed.backlogs() == [Backlog(subscription="s", messages=2, oldest_age_ms=90_000, dead_letters=0)]


def test_an_exchange_says_when_to_come_again(subscribed: SqliteQueue, clock: FakeClock) -> None:
    assert subscribed.exchange(wanted={"s": 5}).next_due_ms is None
    for number in range(3):
        subscribed.publish("t", message(number))
    assert subscribed.exchange(wanted={"s": 2}).next_due_ms is None, "it gave all that was asked for"
    assert subscribed.exchange(wanted={"s": 2}).next_due_ms == clock.now_ms() + LEASE_S * 1000


def test_leases_of_the_dead_can_be_released(subscribed: SqliteQueue) -> None:
    for number in range(3):
        subscribed.publish("t", message(number))
    leased = subscribed.lease("s", 2)
    subscribed.nack([Nack(leased[0], "http_503")])
    assert subscribed.release_leases() == 1
    assert numbers(subscribed.lease("s", 9)) == [1, 2], "what waits for its backoff goes on waiting"


def test_listeners_hear_of_publications(queue: SqliteQueue) -> None:
    heard: list[int] = []
    queue.listen(lambda: heard.append(1))
    queue.subscribe(SUBSCRIPTION)
    queue.publish("t", message())
    queue.ack(queue.lease("s", 1))
    assert len(heard) == 2


def test_many_publish_and_many_lease_and_nothing_is_given_twice(
    subscribed: SqliteQueue, open_queue: Callable[[], SqliteQueue]
) -> None:
    other = open_queue()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: (subscribed, other)[number % 2].publish("t", message(number)), range(60)))
        leases = list(threads.map(lambda turn: (subscribed, other)[turn % 2].lease("s", 7), range(12)))
    leased = [number for lease in leases for number in numbers(lease)]
    assert sorted(leased) == list(range(60))


def test_the_publisher_makes_cloudevents(subscribed: SqliteQueue, clock: FakeClock) -> None:
    event = StreamEnded(tenant="default", meeting_id="m", connection_id="c", last_seq=3, object_name="raw/end.json")
    subscribed.subscribe(msgspec.structs.replace(SUBSCRIPTION, topic=event.TOPIC))
    publisher = QueuePublisher(subscribed, "/turnscribe/ingest", clock)
    publisher.publish(event)
    (delivery,) = subscribed.lease("s", 1)
    assert from_message(delivery.message) == event
    assert delivery.message.attributes["ce-source"] == "/turnscribe/ingest"
    publisher.check()
    subscribed.close()
    for attempt in (publisher.check, lambda: publisher.publish(event)):
        with pytest.raises(Retryable):
            attempt()


STEPS = st.lists(st.sampled_from(["publish", "lease", "ack", "nack", "wait"]), max_size=30)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(STEPS, st.randoms(use_true_random=False))
def test_whatever_happens_every_message_is_waiting_acknowledged_or_dead(
    queue: SqliteQueue, clock: FakeClock, steps: list[str], chance: random.Random
) -> None:
    name = uuid.uuid4().hex
    queue.subscribe(msgspec.structs.replace(SUBSCRIPTION, name=name, topic=name))
    published, acknowledged = set[str](), set[str]()
    held: list[Delivery] = []
    for step in steps:
        if step == "publish":
            published.add(queue.publish(name, message()))
        elif step == "lease":
            leased = queue.lease(name, chance.randint(1, 3))
            assert all(1 <= delivery.attempt <= SUBSCRIPTION.max_attempts for delivery in leased)
            assert not acknowledged & {delivery.message_id for delivery in leased}
            held += leased
        elif step == "wait":
            clock.advance(chance.choice([0.5, 5, LEASE_S]))
        elif held:
            delivery = chance.choice(held)
            if step == "ack":
                queue.ack([delivery])
                if delivery.message_id not in {dead.message_id for dead in queue.dead_letters(name)}:
                    acknowledged.add(delivery.message_id)
            else:
                queue.nack([Nack(delivery, "http_503")])
    dead = {letter.message_id for letter in queue.dead_letters(name)}
    (backlog,) = [each for each in queue.backlogs() if each.subscription == name]
    assert backlog.dead_letters == len(dead)
    assert backlog.messages == len(published - acknowledged - dead)
    assert not acknowledged & dead
