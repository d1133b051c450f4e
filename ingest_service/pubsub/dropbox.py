"""The bucket in: an object that is finalised below DROPBOX_PATH becomes a meeting, each version of it once.

Cloud Storage says so on the topic dropbox; the local runner looks into a folder and uses the same `DropBox`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
from structlog.contextvars import bind_contextvars

from common.dead_letters import Origin
from common.errors import Permanent
from common.ids import checked_id
from common.logs import get_logger
from common.push import Pushed, first_published_ms
from ingest_service.intake.requests import Stream
from ingest_service.pubsub.attributes import OPTIONS, options_of, said_in
from ingest_service.pubsub.trust import SCHEME, UploadTrust, split_uri
from ingest_service.pubsub.whole_objects import WholeObjects, digest_of, meeting_named_after

log = get_logger(__name__)
TOPIC: Final = "dropbox"
FINALIZED: Final = "OBJECT_FINALIZE"
ATTRIBUTES: Final = frozenset({"eventtype", "bucketid", "objectid", "objectgeneration"})


class Dropped(msgspec.Struct, frozen=True):
    """One version of a file in the drop box."""

    name: str
    """Of the object, the drop box's own path included."""
    uri: str
    generation: str


@dataclass(frozen=True, slots=True)
class DropBox:
    """Takes what was dropped."""

    objects: WholeObjects
    trust: UploadTrust

    def take(self, dropped: Dropped, *, dropped_ms: int) -> Stream:
        """Make it a meeting, and say which. On return all of it is durable; harmless to repeat. `dropped_ms`: when it was complete, epoch.

        Raises `Permanent` where it is gone, no audio, or says wrong things about itself; `Retryable`, `Backpressure`.
        """
        source = self.objects.sources.stat(dropped.uri, dropped.generation)
        said = {"content_type": source.content_type} | said_in((name, value) for name, value in source.metadata.items())
        identity = digest_of("dropped", dropped.name, source.generation)
        meeting_id = said.get("meeting_id") or meeting_named_after(dropped.name, identity)
        stream = Stream(
            self.trust.tenant_of_dropped(dropped.name),
            f"dropped-{identity[:32]}",
            checked_id(meeting_id, "meeting_id"),
        )
        bind_contextvars(tenant=stream.tenant, meeting_id=stream.meeting_id, connection_id=stream.connection_id)
        options = options_of({name: value for name, value in said.items() if name in OPTIONS and value})
        self.objects.take(source, stream, options, handed_over_ms=dropped_ms)
        return stream


@dataclass(frozen=True, slots=True)
class DropBoxNotifications:
    """The handler of Cloud Storage's notifications; `common.dead_letter_push.RawSource`."""

    box: DropBox
    topic: str = TOPIC
    attributes: frozenset[str] = ATTRIBUTES

    def origin(self, pushed: Pushed) -> Origin:
        """Whose file it is. Raises `Permanent` for what is no file in the drop box."""
        dropped = dropped_object(pushed.message.attributes, self.box.trust)
        if dropped is None:
            raise Permanent("nothing was put into the drop box", reason="invalid_notification")
        return Origin(self.topic, self.box.trust.tenant_of_dropped(dropped.name))

    def handle(self, pushed: Pushed) -> None:
        """Returns when the file is a meeting, or the notification is about nothing that becomes one."""
        dropped = dropped_object(pushed.message.attributes, self.box.trust)
        if dropped is None:
            log.debug("notification_ignored")
            return
        self.box.take(dropped, dropped_ms=first_published_ms(pushed) or self.box.objects.intake.clock.now_ms())


def dropped_object(attributes: Mapping[str, str], trust: UploadTrust) -> Dropped | None:
    """The file that a notification of Cloud Storage is about; None where none was put into the drop box. Pure. Raises `Permanent`.

    Folders, as some programs show them, are empty objects whose names end in a slash.
    """
    said = {name.lower(): value for name, value in attributes.items()}
    if _required(said, "eventType") != FINALIZED:
        return None
    bucket, name = _required(said, "bucketId"), _required(said, "objectId")
    if not trust.own_bucket or bucket != trust.own_bucket:
        raise Permanent("bucketId is not this installation's bucket", reason="other_bucket")
    if not trust.is_dropped(name) or name.endswith("/"):
        return None
    uri = f"{SCHEME}{bucket}/{name}"
    split_uri(uri)
    return Dropped(name, uri, _required(said, "objectGeneration"))


def _required(said: Mapping[str, str], name: str) -> str:
    value = said.get(name.lower(), "")
    if not value:
        raise Permanent(f"{name} is missing", reason="missing_attribute")
    return value
