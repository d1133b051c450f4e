import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from common.adapters.embedded import push_dispatcher
from common.adapters.embedded.push_dispatcher import PushDispatcher
from common.adapters.embedded.sqlite_queue import SqliteQueue
from common.adapters.embedded.subscriptions import Subscription
from common.errors import Retryable
from common.events import Message
from common.settings import Secret
from tests.clocks import FakeClock
from tests.push_receiver import PATIENCE_S, Answer, PushReceiver

TOKEN = Secret("push-secret")


@pytest.fixture
def subscription(receiver: PushReceiver) -> Subscription:
    return Subscription(
        name="test",
        topic="t",
        endpoint=receiver.url(),
        ack_deadline_s=30,
        max_attempts=3,
        min_backoff_s=10,
        max_backoff_s=10,
        max_in_flight=4,
    )


@pytest.fixture
def start(clock: FakeClock) -> Iterator[Callable[[SqliteQueue], PushDispatcher]]:
    started: list[PushDispatcher] = []

    def starting(queue: SqliteQueue) -> PushDispatcher:
        started.append(PushDispatcher(queue, TOKEN, clock))
        started[-1].start()
        return started[-1]

    yield starting
    for dispatcher in started:
        assert dispatcher.stop(PATIENCE_S)


@pytest.fixture
def never_looks_around(monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens anyway, happens because the dispatcher was woken."""
    monkeypatch.setattr(push_dispatcher, "POLL_INTERVAL_S", 3600)


def publish(queue: SqliteQueue, count: int, topic: str = "t") -> None:
    for number in range(count):
        queue.publish(topic, Message(b"%d" % number, {}))


def wait_for(happened: Callable[[], object]) -> None:
    """For what no condition tells of. Fails after PATIENCE_S."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


def wait_until_empty(queue: SqliteQueue) -> None:
    wait_for(lambda: all(backlog.messages == 0 for backlog in queue.backlogs()))


def test_publishing_wakes_it(
    queue: SqliteQueue, receiver: PushReceiver, subscription: Subscription, start: Callable, never_looks_around: None
) -> None:
    queue.subscribe(subscription)
    start(queue)
    publish(queue, 1)
    receiver.wait_for(1)
    publish(queue, 20)
    assert {received.pushed.message.data for received in receiver.wait_for(21)} == {b"%d" % n for n in range(20)}


def test_it_sees_what_another_process_publishes(
    open_queue: Callable[[], SqliteQueue], receiver: PushReceiver, subscription: Subscription, start: Callable
) -> None:
    start(open_queue())
    other = open_queue()
    other.subscribe(subscription)
    publish(other, 1)
    receiver.wait_for(1)
    wait_until_empty(other)


def test_what_another_process_publishes_wakes_it(
    open_queue: Callable[[], SqliteQueue],
    receiver: PushReceiver,
    subscription: Subscription,
    start: Callable,
    never_looks_around: None,
) -> None:
    own, other = open_queue(), open_queue()
    own.subscribe(subscription)
    start(own)
    for number in range(1, 4):
        publish(other, 1)
        receiver.wait_for(number)


def test_it_delivers_what_was_there_before_it(
    queue: SqliteQueue, receiver: PushReceiver, subscription: Subscription, start: Callable, never_looks_around: None
) -> None:
    queue.subscribe(subscription)
    publish(queue, 12)
    start(queue)
    receiver.wait_for(12)


def test_a_refused_message_comes_again_after_its_backoff(
    queue: SqliteQueue, clock: FakeClock, receiver: PushReceiver, subscription: Subscription, start: Callable
) -> None:
    queue.subscribe(subscription)
    start(queue)
    receiver.answer(503, 400)
    publish(queue, 1)
    for attempt in (1, 2, 3):
        received = receiver.wait_for(attempt)
        assert received[-1].pushed.delivery_attempt == attempt
        if attempt < 3:
            wait_for(lambda: not any_leased(queue))
            clock.advance(10)
    wait_until_empty(queue)
    assert len({each.pushed.message_id for each in received}) == 1


def any_leased(queue: SqliteQueue) -> bool:
    with queue._database.reading() as connection:
        return bool(connection.execute("SELECT count(*) FROM deliveries WHERE leased").fetchone()[0])


def test_a_message_refused_too_often_is_pushed_to_who_takes_dead_letters(
    queue: SqliteQueue, receiver: PushReceiver, subscription: Subscription, start: Callable
) -> None:
    queue.subscribe(msgspec.structs.replace(subscription, max_attempts=1, dead_letter_topic="dead"))
    queue.subscribe(msgspec.structs.replace(subscription, name="last", topic="dead", endpoint=receiver.url("/last")))
    start(queue)
    receiver.answer(409)
    publish(queue, 1)
    (first,), (last,) = receiver.wait_for(1), receiver.wait_for(1, "/last")
    assert last.pushed.message.data == first.pushed.message.data
    assert last.pushed.message.attributes["CloudPubSubDeadLetterSourceSubscription"] == "test"
    wait_until_empty(queue)


def test_no_more_are_in_flight_than_allowed(
    queue: SqliteQueue, receiver: PushReceiver, subscription: Subscription, start: Callable, never_looks_around: None
) -> None:
    queue.subscribe(subscription)
    go_on = threading.Event()
    receiver.always_answer(Answer(204, after=go_on))
    publish(queue, 12)
    start(queue)
    receiver.wait_until(lambda: receiver.most_at_once == 4)
    go_on.set()
    receiver.wait_for(12)
    assert receiver.most_at_once == 4


def test_a_slow_subscription_delays_no_other_and_costs_nothing_meanwhile(
    queue: SqliteQueue,
    receiver: PushReceiver,
    subscription: Subscription,
    start: Callable,
    monkeypatch: pytest.MonkeyPatch,
    never_looks_around: None,
) -> None:
    rounds: list[object] = []
    exchange = queue.exchange
    monkeypatch.setattr(queue, "exchange", lambda **what: (rounds.append(what), exchange(**what))[1])
    go_on = threading.Event()
    receiver.always_answer(Answer(204, after=go_on), path="/slow")
    queue.subscribe(msgspec.structs.replace(subscription, name="slow", topic="s", endpoint=receiver.url("/slow")))
    queue.subscribe(subscription)
    start(queue)
    publish(queue, 9, topic="s")
    receiver.wait_for(4, "/slow")
    for number in range(1, 21):
        publish(queue, 1)
        receiver.wait_for(number)
    assert len(rounds) < 100
    go_on.set()
    receiver.wait_for(9, "/slow")


def test_idle_it_sleeps(queue: SqliteQueue, subscription: Subscription, start: Callable, clock: FakeClock) -> None:
    queue.subscribe(subscription)
    dispatcher = start(queue)
    wait_for(lambda: not dispatcher._stale)
    looked = threading.Semaphore(0)
    exchanged: list[object] = []
    changed_elsewhere = queue.changed_elsewhere
    queue.changed_elsewhere = lambda: (looked.release(), changed_elsewhere())[1]  # type: ignore[method-assign]
    queue.exchange = lambda **what: exchanged.append(what)  # type: ignore[method-assign]
    for _ in range(3):
        looked.acquire(timeout=PATIENCE_S)
    assert exchanged == []
    del queue.changed_elsewhere, queue.exchange


def test_new_options_count_from_then_on(
    queue: SqliteQueue, receiver: PushReceiver, subscription: Subscription, start: Callable, never_looks_around: None
) -> None:
    queue.subscribe(subscription)
    start(queue)
    publish(queue, 1)
    receiver.wait_for(1)
    queue.subscribe(msgspec.structs.replace(subscription, endpoint=receiver.url("/moved")))
    publish(queue, 3)
    receiver.wait_for(3, "/moved")
    assert len(receiver.received()) == 1


def test_stopping_waits_for_what_is_in_flight(
    queue: SqliteQueue, receiver: PushReceiver, subscription: Subscription, start: Callable, never_looks_around: None
) -> None:
    queue.subscribe(subscription)
    go_on = threading.Event()
    receiver.always_answer(Answer(204, after=go_on))
    dispatcher = start(queue)
    publish(queue, 6)
    receiver.wait_for(4)
    assert not dispatcher.stop(0.01)
    go_on.set()
    assert dispatcher.stop(PATIENCE_S)
    assert [backlog.messages for backlog in queue.backlogs()] == [2], "acknowledged, and nothing new begun"
    with pytest.raises(Retryable):
        dispatcher.check()


def test_a_dispatcher_that_runs_is_ready(queue: SqliteQueue, start: Callable) -> None:
    start(queue).check()  # raises where none runs
    assert not queue.backlogs()


def test_a_second_dispatcher_stands_by_until_the_first_is_gone(
    open_queue: Callable[[], SqliteQueue], receiver: PushReceiver, subscription: Subscription, start: Callable
) -> None:
    first_queue, second_queue = open_queue(), open_queue()
    first_queue.subscribe(subscription)
    first = start(first_queue)
    publish(first_queue, 1)
    receiver.wait_for(1)
    second = start(second_queue)
    publish(second_queue, 10)
    receiver.wait_for(11)
    wait_until_empty(first_queue)
    assert not second._lanes
    assert first.stop(PATIENCE_S)
    publish(first_queue, 5)
    receiver.wait_for(16)
    assert len(receiver.received()) == 16


def test_an_outage_of_the_queue_loses_no_answer(
    queue: SqliteQueue,
    receiver: PushReceiver,
    subscription: Subscription,
    start: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(push_dispatcher, "_AFTER_FAILURE_S", 0.01)
    queue.subscribe(subscription)
    exchange, faults = queue.exchange, [Retryable("full", reason="disk_full") for _ in range(3)]

    def faulty(**what: object) -> object:
        if what["acks"] and faults:
            raise faults.pop()
        return exchange(**what)

    monkeypatch.setattr(queue, "exchange", faulty)
    start(queue)
    publish(queue, 5)
    receiver.wait_for(5)
    wait_until_empty(queue)
    assert faults == []
    assert len(receiver.received()) == 5


def test_a_queue_that_closes_ends_it(
    queue_path: Path,
    clock: FakeClock,
    receiver: PushReceiver,
    subscription: Subscription,
    start: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(push_dispatcher, "_AFTER_FAILURE_S", 0.01)
    queue = SqliteQueue(queue_path, clock)
    queue.subscribe(subscription)
    go_on = threading.Event()
    receiver.always_answer(Answer(204, after=go_on))
    dispatcher = start(queue)
    publish(queue, 1)
    receiver.wait_for(1)
    queue.close()
    assert dispatcher.stop(PATIENCE_S)
    go_on.set()
