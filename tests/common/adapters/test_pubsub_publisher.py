import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import grpc
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from common.adapters.google.pubsub_publisher import MAX_REQUEST_BYTES, RECONNECT, PubSubPublisher
from common.errors import Permanent, Retryable
from common.events import StreamEnded, from_message
from common.topology import PushSubscription
from local_cloud.emulators import PROJECT, Emulators
from local_cloud.processes import free_port
from local_cloud.pubsub_bootstrap import create_subscription, create_topics
from tests.clocks import FakeClock
from tests.push_receiver import PushReceiver

PREFIX = "blue-"
PATIENCE_S = 30.0


def ended(object_name: str = "raw/end.json") -> StreamEnded:
    return StreamEnded(tenant="default", meeting_id="m1", connection_id="c1", last_seq=1, object_name=object_name)


@pytest.fixture
def publisher(clock: FakeClock) -> Iterator[PubSubPublisher]:
    with closing(PubSubPublisher(PROJECT, PREFIX, "/turnscribe/test", clock)) as built:
        yield built


@pytest.fixture
def topics(empty_emulators: Emulators) -> Emulators:
    create_topics(PROJECT, PREFIX, [StreamEnded.TOPIC])
    return empty_emulators


def until_it_publishes(publisher: PubSubPublisher) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return publisher.publish(ended())
        except Retryable:
            assert time.monotonic() < deadline_s, "it never published again"
            time.sleep(0.05)


@pytest.mark.component("emulators")
def test_an_event_goes_to_the_topic_with_the_prefix(
    publisher: PubSubPublisher, topics: Emulators, receiver: PushReceiver
) -> None:
    spec = PushSubscription(StreamEnded.TOPIC, "any", "/push/test", 10, 1, 1)
    create_subscription(PROJECT, PREFIX, "test", spec, receiver.url())
    publisher.publish(ended())
    (received,) = receiver.wait_for(1)
    assert from_message(received.pushed.message) == ended()
    assert received.pushed.message.attributes["ce-source"] == "/turnscribe/test"
    assert received.pushed.subscription == f"projects/{PROJECT}/subscriptions/{PREFIX}test"


@pytest.mark.component("emulators")
def test_without_its_topic_a_publisher_is_not_ready_and_the_event_can_be_tried_again(
    publisher: PubSubPublisher, empty_emulators: Emulators
) -> None:
    with pytest.raises(Retryable, match="topics are not there"):
        publisher.check()
    with pytest.raises(Retryable):
        publisher.publish(ended())
    create_topics(PROJECT, PREFIX, [StreamEnded.TOPIC])
    publisher.check()
    publisher.publish(ended())


@pytest.mark.component("emulators")
def test_the_largest_event_is_taken(publisher: PubSubPublisher, topics: Emulators) -> None:
    publisher.publish(ended("x" * (MAX_REQUEST_BYTES - 2_000)))  # raises where it is not


def test_a_larger_event_is_refused_for_good(publisher: PubSubPublisher) -> None:
    with pytest.raises(Permanent) as refused:
        publisher.publish(ended("x" * MAX_REQUEST_BYTES))
    assert refused.value.reason == "event_too_large"
    assert "xx" not in str(refused.value)


@pytest.mark.component("emulators")
def test_a_killed_server_is_a_passing_fault_and_is_found_again_on_its_port(
    publisher: PubSubPublisher, topics: Emulators
) -> None:
    publisher.publish(ended())
    topics.pubsub.kill()
    try:
        with ThreadPoolExecutor(8) as threads:
            for failed in [threads.submit(publisher.publish, ended()) for _ in range(40)]:
                assert isinstance(failed.exception(), Retryable)
        with pytest.raises(Retryable):
            publisher.check()
    finally:
        topics.pubsub.start()
        topics.pubsub.wait_until_listening(PATIENCE_S)
    create_topics(PROJECT, PREFIX, [StreamEnded.TOPIC])
    until_it_publishes(publisher)
    publisher.check()


@pytest.mark.component("emulators")
def test_a_frozen_server_holds_nobody_for_ever(clock: FakeClock, topics: Emulators) -> None:
    with closing(PubSubPublisher(PROJECT, PREFIX, "/turnscribe/test", clock, timeout_s=0.3)) as publisher:
        until_it_publishes(publisher)
        topics.pubsub.freeze()
        try:
            with pytest.raises(Retryable):
                publisher.publish(ended())
            with pytest.raises(Retryable):
                publisher.check()
        finally:
            topics.pubsub.thaw()
        until_it_publishes(publisher)


@pytest.mark.component("emulators")
def test_a_closed_publisher_opens_again_when_it_is_used(publisher: PubSubPublisher, topics: Emulators) -> None:
    publisher.publish(ended())
    publisher.close()
    publisher.close()
    assert publisher._connected is None
    publisher.publish(ended())
    assert publisher._connected is not None


def test_the_channel_to_an_emulator_reconnects_every_second(
    publisher: PubSubPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[str, object]] = []
    open_channel = grpc.insecure_channel

    def recording(target: str, options: object = None) -> grpc.Channel:
        opened.append((target, options))
        return open_channel(target, options)

    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", address)
    monkeypatch.setattr(grpc, "insecure_channel", recording)
    with pytest.raises(Retryable):
        publisher.publish(ended())
    assert opened[-1] == (address, RECONNECT)


def test_the_channel_to_google_is_secure_and_reconnects_every_second(
    publisher: PubSubPublisher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened: dict[str, Sequence[tuple[str, object]]] = {}

    def recording(
        target: str, credentials: grpc.ChannelCredentials, *, options: Sequence[tuple[str, object]], **_rest: object
    ) -> grpc.Channel:
        assert isinstance(credentials, grpc.ChannelCredentials)
        opened[target] = options
        return grpc.insecure_channel(f"127.0.0.1:{free_port()}")

    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(service_account(tmp_path)))
    monkeypatch.setattr(grpc, "secure_channel", recording)
    with pytest.raises(Retryable):
        publisher.publish(ended())
    assert list(opened) == ["pubsub.googleapis.com:443"]
    assert set(RECONNECT) <= set(opened["pubsub.googleapis.com:443"])


def test_missing_credentials_are_told_by_the_first_call_and_not_by_the_start(
    publisher: PubSubPublisher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    with pytest.raises(Retryable, match="DefaultCredentialsError"):
        publisher.check()


def service_account(folder: Path) -> Path:
    """A key file as Google's, with a key that nobody else knows."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "account.json"
    account = {
        "type": "service_account",
        "client_email": "test@example.invalid",
        "token_uri": "http://127.0.0.1:1/token",
        "private_key": key.decode(),
        "project_id": PROJECT,
    }
    path.write_text(json.dumps(account))
    return path
