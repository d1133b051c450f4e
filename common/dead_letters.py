"""Messages that failed too often, kept in the bucket with the reason, until somebody has them published again.

Who moves them here is `common.dead_letter_push`; people ask for them at `/v1/deadletters`. Each lies under its event's tenant.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from common.clock import iso_utc
from common.errors import Permanent, TurnscribeError
from common.events import Event, Message, from_message
from common.json_input import UNREADABLE_JSON
from common.object_names import checked_dead_letter_id, dead_letter, dead_letter_id, dead_letters_prefix
from common.ports.blob_store import BlobInfo, BlobNotFound, BlobStore
from common.ports.publisher import Publisher

SOURCE_COUNT: Final = "CloudPubSubDeadLetterSourceDeliveryCount"
SOURCE_SUBSCRIPTION: Final = "CloudPubSubDeadLetterSourceSubscription"
SOURCE_PUBLISH_TIME: Final = "CloudPubSubDeadLetterSourceTopicPublishTime"
"""What Pub/Sub adds to the attributes of a message that it moves to a dead-letter topic."""
DEFECT: Final = "internal_error"
"""The reason where the service's own code failed; the log has the rest."""

_QUEUES_OWN: Final = ("cloudpubsubdeadlettersource", "goog")
"""Nobody else may publish attributes that begin with `goog`."""
MAX_DETAIL: Final = 1_000
"""Characters. Cloud Storage takes 8 KiB of metadata for an object."""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it came. In JSON, `data` is base64."""

    data: bytes
    attributes: Mapping[str, str]
    message_id: str
    """On the dead-letter topic."""
    subscription: str
    """Where it failed; the dead-letter subscription where the attributes don't say."""
    attempts: int | None
    """How often it was delivered there; None where the attributes don't say."""
    died_at_ms: int
    """When its last try failed, epoch."""
    topic: str = ""
    """Where it is published again, without the installation's prefix; empty: it is an event, which knows."""

    @property
    def message(self) -> Message:
        """What was published."""
        return Message(self.data, self.attributes)


class Origin(msgspec.Struct, frozen=True):
    """What a dead letter is about."""

    type: str
    """The event's type, or the topic of what is no event of ours."""
    tenant: str
    meeting_id: str = ""
    connection_id: str = ""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What a list says about a dead letter. Nothing of it is the users' content."""

    id: str
    type: str
    meeting_id: str
    connection_id: str
    reason: str
    """Of the last try: the failure's stable slug."""
    detail: str
    died_at: str
    """ISO 8601, UTC."""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Dead letters in the order in which their messages were published."""

    dead_letters: tuple[Entry, ...]
    next: str | None
    """List on after this id; None at the end."""


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of some dead letters."""

    replayed: int
    unreadable: tuple[str, ...]
    """Ids of those that this release can't read as events; they stay."""
    next: str | None
    """Go on after this id; None at the end."""


def as_dead_letter(
    message: Message, *, message_id: str, subscription: str, died_at_ms: int, topic: str = ""
) -> DeadLetter:
    """The stored form of `message`. Pure. `subscription` is the one that it came through last."""
    attributes = {name.lower(): value for name, value in message.attributes.items()}
    count = attributes.get(SOURCE_COUNT.lower(), "")
    return DeadLetter(
        data=message.data,
        attributes=message.attributes,
        message_id=message_id,
        subscription=attributes.get(SOURCE_SUBSCRIPTION.lower(), subscription),
        attempts=int(count) if count.isdecimal() else None,
        died_at_ms=died_at_ms,
        topic=topic,
    )


def source_subscription(message: Message) -> str:
    """The subscription that gave the message up, without its project; empty where the attributes don't say. Pure."""
    attributes = {name.lower(): value for name, value in message.attributes.items()}
    return attributes.get(SOURCE_SUBSCRIPTION.lower(), "").rpartition("/")[2]


def without_source(message: Message) -> Message:
    """The message as it was published: without what the queues have added. Pure."""
    kept = {name: value for name, value in message.attributes.items() if not name.lower().startswith(_QUEUES_OWN)}
    return Message(message.data, kept)


def reason_of(error: Exception) -> str:
    """Stable slug of a failure. Pure."""
    return error.reason if isinstance(error, TurnscribeError) else DEFECT


def identity(message: Message, *, is_event: bool = True) -> bytes:
    """The same for the same message, however often and by whatever way it comes: its data and its own attributes. Pure."""
    attributes = {name.lower(): value for name, value in without_source(message).attributes.items()}
    own = sorted(
        (k, v) for k, v in attributes.items() if k != "ce-traceparent" and (k.startswith("ce-") or not is_event)
    )
    return msgspec.json.encode((message.data, own))


@dataclass(frozen=True)
class DeadLetters:
    """The dead letters below RAW_AUDIO_PATH. All methods raise `Retryable` when the bucket can't be reached."""

    blobs: BlobStore
    raw_root: str

    def keep(self, event: Event, letter: DeadLetter, error: Exception, *, published_ms: int) -> str:
        """Store a letter with the reason of its last failure; the same message is kept once. Durable on return. Returns its id."""
        origin = Origin(event.TYPE, event.tenant, event.meeting_id, event.connection_id)
        return self.keep_message(origin, letter, error, published_ms=published_ms)

    def keep_message(self, origin: Origin, letter: DeadLetter, error: Exception, *, published_ms: int) -> str:
        """The same for a message that may be no event of ours."""
        letter_id = dead_letter_id(published_ms, identity(letter.message, is_event=not letter.topic))
        metadata = {
            "reason": reason_of(error),
            # What others write may quote content.
            "detail": str(error)[:MAX_DETAIL] if isinstance(error, TurnscribeError) else type(error).__name__,
            "type": origin.type,
            "meeting": origin.meeting_id,
            "connection": origin.connection_id,
            "died-at": iso_utc(letter.died_at_ms),
        }
        self.blobs.create(dead_letter(self.raw_root, origin.tenant, letter_id), msgspec.json.encode(letter), metadata)
        return letter_id

    def page(self, tenant: str, *, limit: int, after: str = "") -> Page:
        """At most `limit` (from 1) dead letters of a tenant whose ids sort after `after`."""
        prefix = dead_letters_prefix(self.raw_root, tenant)
        found: list[Entry] = []
        for info in self.blobs.list(prefix, start_after=f"{prefix}{after}" if after else ""):
            if len(found) == limit:
                return Page(dead_letters=tuple(found), next=found[-1].id)
            found.append(_entry(info))
        return Page(dead_letters=tuple(found), next=None)

    def read(self, tenant: str, letter_id: str) -> tuple[Entry, DeadLetter]:
        """One dead letter. Raises `InvalidId`, `BlobNotFound`."""
        name = dead_letter(self.raw_root, tenant, checked_dead_letter_id(letter_id))
        return _entry(self.blobs.info(name)), self._letter(name)

    def replay(self, tenant: str, letter_id: str, publisher: Publisher) -> None:
        """Publish the letter's message as if it were new, then forget the letter. A failure between leaves it: handlers don't mind twice.

        Raises `InvalidId`, `BlobNotFound`, or `Permanent` when it is no event that this release can read.
        """
        name = dead_letter(self.raw_root, tenant, checked_dead_letter_id(letter_id))
        letter = self._letter(name)
        if letter.topic:
            publisher.publish_message(letter.topic, without_source(letter.message))
        else:
            publisher.publish(from_message(letter.message))
        self.blobs.delete(name)

    def replay_page(self, tenant: str, publisher: Publisher, *, limit: int, after: str = "") -> Replayed:
        """Replay at most `limit` (from 1) dead letters of a tenant whose ids sort after `after`."""
        page = self.page(tenant, limit=limit, after=after)
        replayed, unreadable = 0, list[str]()
        for entry in page.dead_letters:
            try:
                self.replay(tenant, entry.id, publisher)
            except Permanent:
                unreadable.append(entry.id)
            except BlobNotFound:
                continue  # somebody else has replayed it
            else:
                replayed += 1
        return Replayed(replayed=replayed, unreadable=tuple(unreadable), next=page.next)

    def _letter(self, name: str) -> DeadLetter:
        try:
            return msgspec.json.decode(self.blobs.read(name), type=DeadLetter)
        except UNREADABLE_JSON as error:
            raise Permanent(f"stored dead letter: {error}", reason="invalid_dead_letter") from error


def _entry(info: BlobInfo) -> Entry:
    known = info.metadata
    return Entry(
        id=info.name.rpartition("/")[2],
        type=known.get("type", ""),
        meeting_id=known.get("meeting", ""),
        connection_id=known.get("connection", ""),
        reason=known.get("reason", ""),
        detail=known.get("detail", ""),
        died_at=known.get("died-at", ""),
    )
