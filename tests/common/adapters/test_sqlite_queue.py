import random
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.adapters.embedded.queue_publisher import QueuePublisher
from common.adapters.embedded.queue_rows import LEASE_GRACE_MS
from common.adapters.embedded.sqlite_database import SqliteDatabase
from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.adapters.embedded.subscriptions import Backlog, Delivery, Nack, Subscription
from common.clock import iso_utc
from common.dead_letters import SOURCE_COUNT
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
    assert subscribed.backlogs() == [Backlog(subscription="s", messages=0, oldest_age_ms=0)]


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


@pytest.fixture
def with_dead_letters(queue: SqliteQueue) -> SqliteQueue:
    queue.subscribe(msgspec.structs.replace(SUBSCRIPTION, dead_letter_topic="dead"))
    queue.subscribe(msgspec.structs.replace(SUBSCRIPTION, name="d", topic="dead"))
    return queue


def test_the_last_failure_moves_the_message_to_the_dead_letter_topic(
    with_dead_letters: SqliteQueue, clock: FakeClock
) -> None:
    message_id = with_dead_letters.publish("t", message(5))
    published_at = iso_utc(clock.now_ms())
    with structlog.testing.capture_logs() as logs:
        for reason in ("http_500", "ack_deadline", "http_503"):
            assert with_dead_letters.lease("d", 1) == []
            clock.advance(10)
            (delivery,) = with_dead_letters.lease("s", 1)
            with_dead_letters.nack([Nack(delivery, reason)])
    clock.advance(10)
    assert with_dead_letters.lease("s", 1) == []
    (dead,) = with_dead_letters.lease("d", 1)
    assert (dead.message.data, dead.attempt, dead.published_at_ms) == (b"5", 1, clock.now_ms() - 10_000)
    assert dead.message_id != message_id
    assert dead.message.attributes == {
        "n": "5",
        "CloudPubSubDeadLetterSourceDeliveryCount": "3",
        "CloudPubSubDeadLetterSourceSubscription": "s",
        "CloudPubSubDeadLetterSourceTopicPublishTime": published_at,
    }
    assert [(log["event"], log["message_id"], log["attempts"], log["reason"]) for log in logs] == [
        ("dead_lettered", message_id, 3, "http_503")
    ]


def test_a_message_that_nobody_ever_answers_dies_too(with_dead_letters: SqliteQueue, clock: FakeClock) -> None:
    with_dead_letters.publish("t", message())
    for _ in range(3):
        assert len(with_dead_letters.lease("s", 1)) == 1
        clock.advance(LEASE_S)
    with structlog.testing.capture_logs() as logs:
        assert with_dead_letters.lease("s", 1) == []
    assert [(log["attempts"], log["reason"]) for log in logs] == [(3, "no_answer")]
    (dead,) = with_dead_letters.lease("d", 1)
    assert dead.message.attributes[SOURCE_COUNT] == "3"


@pytest.mark.parametrize("topic", ["", "nobody listens to it"])
@pytest.mark.parametrize("answered", [True, False])
def test_where_nobody_takes_dead_letters_a_message_is_tried_for_ever(
    queue: SqliteQueue, clock: FakeClock, topic: str, answered: bool
) -> None:
    queue.subscribe(msgspec.structs.replace(SUBSCRIPTION, dead_letter_topic=topic))
    queue.publish("t", message())
    for attempt in range(1, 8):
        (delivery,) = queue.lease("s", 1)
        assert delivery.attempt == attempt
        if answered:
            queue.nack([Nack(delivery, "http_503")])
        clock.advance(LEASE_S)


def test_listeners_hear_of_dead_letters(with_dead_letters: SqliteQueue) -> None:
    with_dead_letters.subscribe(msgspec.structs.replace(SUBSCRIPTION, dead_letter_topic="dead", max_attempts=1))
    with_dead_letters.publish("t", message())
    heard: list[int] = []
    with_dead_letters.listen(lambda: heard.append(1))
    leased = with_dead_letters.lease("s", 1)
    assert heard == []
    with_dead_letters.nack([Nack(leased[0], "http_503")])
    assert heard == [1]


def test_what_an_earlier_release_gave_up_is_tried_again(
    queue_path: Path, open_queue: Callable[[], SqliteQueue], clock: FakeClock
) -> None:
    SqliteDatabase(queue_path, EARLIER_RELEASE).close()
    for _ in range(2):
        queue = open_queue()
        assert [each.max_attempts for each in queue.subscriptions()] == [1000]
        assert queue.backlogs() == [Backlog(subscription="s", messages=2, oldest_age_ms=clock.now_ms() - 5)]
    assert [(each.message, each.message_id, each.attempt) for each in queue.lease("s", 9)] == [
        (Message(b"waiting", {}), "m2", 4),
        (Message(b"dead", {"a": "b"}), "m1", 1),
    ]


EARLIER_RELEASE = """
CREATE TABLE subscriptions (name TEXT PRIMARY KEY, topic TEXT NOT NULL, options BLOB NOT NULL);
CREATE TABLE deliveries (
    delivery_id INTEGER PRIMARY KEY AUTOINCREMENT, subscription TEXT NOT NULL, message_id TEXT NOT NULL,
    data BLOB NOT NULL, attributes BLOB NOT NULL, published_at_ms INTEGER NOT NULL, visible_at_ms INTEGER NOT NULL,
    leased INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX deliveries_due ON deliveries (subscription, visible_at_ms, published_at_ms);
CREATE TABLE dead_letters (
    delivery_id INTEGER PRIMARY KEY, subscription TEXT NOT NULL, message_id TEXT NOT NULL, data BLOB NOT NULL,
    attributes BLOB NOT NULL, published_at_ms INTEGER NOT NULL, died_at_ms INTEGER NOT NULL, attempts INTEGER NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX dead_letters_of ON dead_letters (subscription);
INSERT INTO subscriptions VALUES ('s', 't', CAST('{"name":"s","topic":"t","endpoint":"http://x/","max_attempts":1000}' AS BLOB));
INSERT INTO dead_letters VALUES (1, 's', 'm1', CAST('dead' AS BLOB), CAST('{"a":"b"}' AS BLOB), 5, 6, 1000, 'http_503');
INSERT INTO deliveries VALUES (2, 's', 'm2', CAST('waiting' AS BLOB), CAST('{}' AS BLOB), 7, 8, 0, 3, 'http_503');
"""


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
    assert subscribed.backlogs() == [Backlog(subscription="s", messages=2, oldest_age_ms=90_000)]


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
    queue.subscribe(msgspec.structs.replace(SUBSCRIPTION, name=name, topic=name, dead_letter_topic=f"{name}-dead"))
    queue.subscribe(msgspec.structs.replace(SUBSCRIPTION, name=f"{name}-dead", topic=f"{name}-dead"))

    def waiting(subscription: str) -> int:
        (backlog,) = [each for each in queue.backlogs() if each.subscription == subscription]
        return backlog.messages

    published, acknowledged = 0, 0
    held: list[Delivery] = []
    for step in steps:
        if step == "publish":
            queue.publish(name, message())
            published += 1
        elif step == "lease":
            leased = queue.lease(name, chance.randint(1, 3))
            assert all(1 <= delivery.attempt <= SUBSCRIPTION.max_attempts for delivery in leased)
            held += leased
        elif step == "wait":
            clock.advance(chance.choice([0.5, 5, LEASE_S]))
        elif held:
            delivery = chance.choice(held)
            if step == "ack":
                before = waiting(name)
                queue.ack([delivery])
                acknowledged += before - waiting(name)  # a dead one can't be acknowledged any more
            else:
                queue.nack([Nack(delivery, "http_503")])
    assert waiting(name) + waiting(f"{name}-dead") == published - acknowledged
