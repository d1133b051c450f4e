from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.types import Subscription

from common.adapters.google.pubsub_publisher import PubSubPublisher
from common.events import StreamEnded, from_message
from common.topology import PushSubscription, topology
from local_cloud.emulators import PROJECT, Emulators
from local_cloud.pubsub_bootstrap import apply_topology, create_subscription, create_topics
from tests.clocks import FakeClock
from tests.push_receiver import PushReceiver

pytestmark = pytest.mark.component("emulators")
PREFIX = "blue-"
BASE_URLS = {
    name: f"http://127.0.0.1:{port}" for name, port in (("segmenter", 7001), ("transcribe", 7002), ("ingest", 7004))
}


@contextmanager
def publisher_client() -> Iterator[PublisherClient]:
    client = PublisherClient()
    yield client
    client.transport.close()


def subscriptions() -> dict[str, Subscription]:
    """What there is on the emulator, by name without the project."""
    client = SubscriberClient()
    found = list(client.list_subscriptions(project=f"projects/{PROJECT}", retry=None, timeout=10))
    client.transport.close()
    return {each.name.rpartition("/")[2]: each for each in found}


def topics() -> set[str]:
    with publisher_client() as client:
        found = client.list_topics(project=f"projects/{PROJECT}", retry=None, timeout=10)
        return {each.name.rpartition("/")[2] for each in found}


def test_the_emulator_gets_the_topology_with_its_prefix(empty_emulators: Emulators) -> None:
    apply_topology(PROJECT, PREFIX, BASE_URLS)
    assert topics() == {PREFIX + name for name in topology().topics}
    made = subscriptions()
    assert made.keys() == {PREFIX + name for name in topology().subscriptions}
    for name, spec in topology().subscriptions.items():
        found = made[PREFIX + name]
        assert found.topic == f"projects/{PROJECT}/topics/{PREFIX}{spec.topic}"
        assert found.push_config.push_endpoint == BASE_URLS[spec.service] + spec.path
        assert found.ack_deadline_seconds == spec.ack_deadline_sec
        dead_letters = f"projects/{PROJECT}/topics/{PREFIX}{spec.dead_letter_topic}" if spec.dead_letter_topic else ""
        assert found.dead_letter_policy.dead_letter_topic == dead_letters
        assert found.dead_letter_policy.max_delivery_attempts == (spec.max_delivery_attempts or 0)


def test_no_subscription_gets_what_the_emulator_cannot_bear(empty_emulators: Emulators) -> None:
    apply_topology(PROJECT, PREFIX, BASE_URLS)
    for found in subscriptions().values():
        assert "retry_policy" not in found, "the emulator loses messages that are nacked together"
        assert not found.enable_message_ordering
        assert not found.expiration_policy.ttl


def test_it_may_be_applied_again_and_moves_the_pushes_to_a_new_address(empty_emulators: Emulators) -> None:
    apply_topology(PROJECT, PREFIX, BASE_URLS)
    before = subscriptions()
    apply_topology(PROJECT, PREFIX, BASE_URLS)
    assert subscriptions() == before
    apply_topology(PROJECT, PREFIX, {**BASE_URLS, "segmenter": "http://127.0.0.1:7003"})
    endpoints = {name: found.push_config.push_endpoint for name, found in subscriptions().items()}
    assert endpoints[f"{PREFIX}segmenter"] == "http://127.0.0.1:7003/push/segmenter"
    assert endpoints[f"{PREFIX}transcribe"] == "http://127.0.0.1:7002/push/transcribe"


def test_two_installations_share_a_project(empty_emulators: Emulators) -> None:
    apply_topology(PROJECT, PREFIX, BASE_URLS)
    apply_topology(PROJECT, "green-", BASE_URLS)
    assert len(subscriptions()) == 2 * len(topology().subscriptions)
    assert {found.topic for name, found in subscriptions().items() if name.startswith(PREFIX)} == {
        f"projects/{PROJECT}/topics/{PREFIX}{spec.topic}" for spec in topology().subscriptions.values()
    }


def test_a_message_that_failed_five_times_goes_to_the_dead_letters_with_its_origin(empty_emulators: Emulators) -> None:
    event = StreamEnded(tenant="default", meeting_id="m1", connection_id="c1", last_seq=1, object_name="raw/end.json")
    ailing = PushSubscription(event.TOPIC, "any", "/push/a", 10, 0, 0, "dead-letters", 5)
    with (
        PushReceiver() as receiver,
        closing(PubSubPublisher(PROJECT, PREFIX, "/turnscribe/test", FakeClock())) as publisher,
    ):
        create_topics(PROJECT, PREFIX, [event.TOPIC, "dead-letters"])
        create_subscription(PROJECT, PREFIX, "ailing", ailing, receiver.url("/push/a"))
        dead = PushSubscription("dead-letters", "any", "/push/dead", 10, 0, 0)
        create_subscription(PROJECT, PREFIX, "dead", dead, receiver.url("/push/dead"))
        receiver.always_answer(503, path="/push/a")
        publisher.publish(event)
        (received,) = receiver.wait_for(1, "/push/dead")
        assert len(receiver.received("/push/a")) == 5
    assert from_message(received.pushed.message) == event
    attributes = received.pushed.message.attributes
    assert attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"
    assert attributes["CloudPubSubDeadLetterSourceSubscription"] == f"{PREFIX}ailing"
    assert attributes["CloudPubSubDeadLetterSourceSubscriptionProject"] == PROJECT
