"""Who gets which events on the local runner: the topology, with the patience of one small machine. Pure."""

from typing import Final

from common.adapters.embedded.subscriptions import Subscription
from common.events import DELIVERIES_TOPIC
from common.topology import PushSubscription, topology
from local_runner.settings import PUSH_ACK_DEADLINE_S, RunnerSettings

MIN_BACKOFF_S: Final = 0.2
MAX_BACKOFF_S: Final = 30.0
MAX_ATTEMPTS: Final = 1000
"""A message must outlive any outage of Whisper: 1,000 tries at up to 30 s are eight hours. Pub/Sub's 100 take longer, with its pauses."""
IN_FLIGHT: Final = 4
SPARE: Final = 2
"""Pushes to transcribe beyond PROCESSING_THREADS and DELIVERY_THREADS: they fetch and wait while the others are at Whisper or a receiver."""


def subscriptions(settings: RunnerSettings) -> tuple[Subscription, ...]:
    """The subscriptions of this release, pushing to the services below this runner's `/internal`."""
    return tuple(_subscription(settings, name, wanted) for name, wanted in topology().subscriptions.items())


def _in_flight(settings: RunnerSettings, wanted: PushSubscription) -> int:
    if wanted.topic == DELIVERIES_TOPIC:
        return settings.transcribe.delivery_threads + SPARE
    if wanted.service == "transcribe":
        return settings.transcribe.processing_threads + SPARE
    return IN_FLIGHT


def _subscription(settings: RunnerSettings, name: str, wanted: PushSubscription) -> Subscription:
    waits_for_whisper = wanted.service == "transcribe"
    transcribe = settings.transcribe
    return Subscription(
        name=name,
        topic=wanted.topic,
        endpoint=f"{settings.url}/internal/{wanted.service}{wanted.path}",
        ack_deadline_s=transcribe.push_ack_deadline_sec if waits_for_whisper else PUSH_ACK_DEADLINE_S,
        max_in_flight=_in_flight(settings, wanted),
        max_attempts=MAX_ATTEMPTS,
        min_backoff_s=MIN_BACKOFF_S,
        max_backoff_s=MAX_BACKOFF_S,
        dead_letter_topic=wanted.dead_letter_topic or "",
    )
