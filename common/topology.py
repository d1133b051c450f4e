"""Topics, push subscriptions and schedules: `topology.json` beside this file, typed and checked.

The one place that says who gets which events. The embedded queue, the emulator bootstrap and Terraform all read that file.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Final

import msgspec
from msgspec import Meta

Path = Annotated[str, Meta(pattern="^/")]
AckDeadlineSec = Annotated[int, Meta(ge=10, le=600)]
BackoffSec = Annotated[int, Meta(ge=0, le=600)]
DeliveryAttempts = Annotated[int, Meta(ge=5, le=100)]

FILE_NAME: Final = "topology.json"


class PushSubscription(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who gets a topic's messages, and how patiently. The limits are Pub/Sub's."""

    topic: str
    service: str
    path: Path
    """On the service; the subscription's name in the logs is the path's last part."""
    ack_deadline_sec: AckDeadlineSec
    min_backoff_sec: BackoffSec
    max_backoff_sec: BackoffSec
    dead_letter_topic: str | None = None
    """Where a message goes that failed `max_delivery_attempts` times; None: it is tried until it expires."""
    max_delivery_attempts: DeliveryAttempts | None = None


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A POST that the scheduler makes."""

    service: str
    path: Path
    every_minutes: Annotated[int, Meta(ge=1, le=60)]


class Topology(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What there is between the services. Names are without an installation's prefix."""

    topics: tuple[str, ...]
    subscriptions: Mapping[str, PushSubscription]
    schedules: Mapping[str, Schedule]

    def problems(self) -> Iterator[str]:
        """What the types cannot say."""
        for name, subscription in self.subscriptions.items():
            for topic in (subscription.topic, subscription.dead_letter_topic):
                if topic is not None and topic not in self.topics:
                    yield f"{name}: there is no topic {topic}"
            if (subscription.dead_letter_topic is None) != (subscription.max_delivery_attempts is None):
                yield f"{name}: dead_letter_topic and max_delivery_attempts belong together"
            if subscription.min_backoff_sec > subscription.max_backoff_sec:
                yield f"{name}: min_backoff_sec is above max_backoff_sec"
        listened_to = {subscription.topic for subscription in self.subscriptions.values()}
        for name, subscription in self.subscriptions.items():
            if subscription.dead_letter_topic is not None and subscription.dead_letter_topic not in listened_to:
                yield f"{name}: nobody listens to {subscription.dead_letter_topic}; its messages would be lost"


@cache
def topology() -> Topology:
    """The topology of this release."""
    return msgspec.json.decode(files("common").joinpath(FILE_NAME).read_bytes(), type=Topology)
