"""What the embedded queue speaks of: subscriptions, deliveries, backlogs, and when to try again. Pure."""

import random
from typing import Annotated

import msgspec

from common.events import Message

_Positive = Annotated[float, msgspec.Meta(gt=0)]


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """One receiver of a topic. The options are those of a Pub/Sub push subscription."""

    name: str
    topic: str
    endpoint: str
    """URL that deliveries are posted to."""
    ack_deadline_s: _Positive = 60.0
    """The receiver's time to answer; also the time-out of the push."""
    max_attempts: Annotated[int, msgspec.Meta(ge=1)] = 100
    """A message that failed so often goes to the dead-letter topic, where there is one."""
    dead_letter_topic: str = ""
    """Empty, or without any subscription: a message is tried until it succeeds."""
    min_backoff_s: _Positive = 0.25
    max_backoff_s: _Positive = 30.0
    max_in_flight: Annotated[int, msgspec.Meta(ge=1)] = 8
    """Deliveries at the same time."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to deliver one message to one subscription."""

    delivery_id: int
    """Stays the same from attempt to attempt."""
    subscription: str
    message: Message
    message_id: str
    """The same on every subscription of the topic."""
    published_at_ms: int
    attempt: int
    """1 at first."""


class Nack(msgspec.Struct, frozen=True):
    """A delivery that failed."""

    delivery: Delivery
    reason: str
    """Short stable slug, e.g. `http_503`; the last one is logged when the message is given up."""
    not_before_s: float = 0.0
    """Try again no earlier than so many seconds from now (Retry-After)."""


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """What one subscription has before it."""

    subscription: str
    messages: int
    """Not acknowledged, those in flight included."""
    oldest_age_ms: int
    """Of the message published first; 0 without messages."""


def backoff_s(subscription: Subscription, attempt: int, chance: random.Random) -> float:
    """Seconds until the next attempt after attempt number `attempt` failed: doubled each time, capped, and 0 to 50% less by chance."""
    doubled: float = subscription.min_backoff_s * 2.0 ** min(attempt - 1, 60)
    return min(doubled, subscription.max_backoff_s) * (1.0 - 0.5 * chance.random())
