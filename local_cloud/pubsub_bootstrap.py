"""The topology on the Pub/Sub emulator, which remembers nothing: run again after each start. Idempotent.

What the emulator cannot have, and production has: no retry policy (it loses messages that are nacked together; without one it tries
again every second), no ordering, no authentication of pushes.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

from google.api_core import exceptions
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.types import DeadLetterPolicy, ExpirationPolicy, PushConfig, Subscription

from common.topology import PushSubscription, topology

TIMEOUT_S: Final = 15.0


def apply_topology(project: str, prefix: str, base_urls: Mapping[str, str]) -> None:
    """Make the topics and push subscriptions of this release. `base_urls` is by service."""
    create_topics(project, prefix, topology().topics)
    for name, spec in topology().subscriptions.items():
        create_subscription(project, prefix, name, spec, base_urls[spec.service] + spec.path)


def create_topics(project: str, prefix: str, names: Iterable[str]) -> None:
    """Make topics; those that are there stay."""
    client = PublisherClient()
    try:
        for name in names:
            with suppress(exceptions.AlreadyExists):
                client.create_topic(name=_path(project, "topics", prefix + name), retry=None, timeout=TIMEOUT_S)
    finally:
        client.transport.close()  # type: ignore[no-untyped-call]


def create_subscription(project: str, prefix: str, name: str, spec: PushSubscription, endpoint: str) -> None:
    """Make a push subscription; one that is there gets the endpoint."""
    path = _path(project, "subscriptions", prefix + name)
    push_config = PushConfig(push_endpoint=endpoint)
    wanted = Subscription(
        name=path,
        topic=_path(project, "topics", prefix + spec.topic),
        push_config=push_config,
        ack_deadline_seconds=spec.ack_deadline_sec,
        expiration_policy=ExpirationPolicy(),
    )
    if spec.dead_letter_topic is not None:
        wanted.dead_letter_policy = DeadLetterPolicy(
            dead_letter_topic=_path(project, "topics", prefix + spec.dead_letter_topic),
            max_delivery_attempts=spec.max_delivery_attempts or 0,
        )
    client = SubscriberClient()
    try:
        try:
            client.create_subscription(request=wanted, retry=None, timeout=TIMEOUT_S)
        except exceptions.AlreadyExists:
            client.modify_push_config(subscription=path, push_config=push_config, retry=None, timeout=TIMEOUT_S)
    finally:
        client.transport.close()  # type: ignore[no-untyped-call]


def _path(project: str, kind: str, name: str) -> str:
    return f"projects/{project}/{kind}/{name}"
