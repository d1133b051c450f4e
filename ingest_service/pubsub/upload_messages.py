"""A message of the topic audio-uploads as one checked struct. Pure; docs/upstream.md says the same to publishers.

Whatever is wrong is `Permanent` and names the attribute: the message goes to quarantine, and no other waits for it.
"""

from typing import Final, Literal, TypeVar, cast

import msgspec

from common.errors import Permanent
from common.events import Message, StreamOptions
from common.ids import checked_id
from common.json_input import UNREADABLE_JSON, refuse_deep_json
from ingest_service.intake.observations import MAX_BODY_BYTES, Observation, observation
from ingest_service.intake.requests import ChunkUpload, EndOfStream, Stream, checked_seq, end_of_stream
from ingest_service.pubsub.attributes import (
    Said,
    epoch_ms,
    members_as_text,
    options_of,
    said_in,
    truth,
)
from ingest_service.pubsub.cloud_events import Envelope, opened
from ingest_service.pubsub.refusals import as_pushes_know_it
from ingest_service.pubsub.trust import SCHEME, UploadTrust

Kind = Literal["chunk", "speakers", "end", "recording"]
KINDS: Final = frozenset({"chunk", "speakers", "end", "recording"})
_MAX_REFERENCE_BYTES: Final = 64 * 1024
_NO_AUDIO_TYPES: Final = ("application/json", "application/cloudevents", "application/x-www-form-urlencoded")
"""Media types that say how the message is written, or what a push's own request is, and nothing of the audio."""
T = TypeVar("T")


class Reference(msgspec.Struct, frozen=True):
    """An object that holds the bytes, and which version of it; the newest where `generation` is empty."""

    uri: str
    generation: str = ""


class ChunkMessage(msgspec.Struct, frozen=True):
    """One chunk of a stream."""

    upload: ChunkUpload
    content: bytes | Reference
    is_last: bool
    """The stream ends with it."""


class SpeakersMessage(msgspec.Struct, frozen=True):
    """Who spoke in one window."""

    stream: Stream
    observed: Observation


class EndMessage(msgspec.Struct, frozen=True):
    """A stream is complete."""

    stream: Stream
    end: EndOfStream


class RecordingMessage(msgspec.Struct, frozen=True):
    """A whole file. Ids that are empty follow from what it is."""

    stream: Stream
    options: StreamOptions
    captured_at_ms: int
    content: bytes | Reference


UploadMessage = ChunkMessage | SpeakersMessage | EndMessage | RecordingMessage


def parse_upload(message: Message, trust: UploadTrust, *, published_ms: int) -> UploadMessage:
    """What a message says. `published_ms` (epoch) stands in where it does not say when its audio was captured. Raises `Permanent`."""
    envelope = opened(message)
    said = _said(envelope)
    reference = _reference(said, envelope)
    kind = _kind(said, reference)
    tenant = trust.tenant(said.get("tenant", ""))
    if reference is not None:
        trust.check_source(tenant, reference.uri)
    captured_at_ms = published_ms
    if captured_at := said.get("captured_at", envelope.time):
        captured_at_ms = epoch_ms(captured_at, "captured_at")
    with as_pushes_know_it():
        match kind:
            case "chunk":
                seq = checked_seq(_required(said, "seq"))
                upload = ChunkUpload(_stream(said, tenant), seq, captured_at_ms, options_of(said))
                is_last = truth(said.get("last", "false"), "last")
                return ChunkMessage(upload, envelope.data if reference is None else reference, is_last)
            case "speakers":
                if len(envelope.data) > MAX_BODY_BYTES:
                    raise Permanent(f"data has more than {MAX_BODY_BYTES} bytes", reason="too_large")
                return SpeakersMessage(_stream(said, tenant), observation(envelope.data))
            case "end":
                return EndMessage(_stream(said, tenant), end_of_stream(envelope.data))
            case _:
                return _recording(said, tenant, captured_at_ms, envelope.data if reference is None else reference)


def _said(envelope: Envelope) -> dict[str, str]:
    said = said_in((*envelope.said, *_members_of_reference(envelope)))
    if not said.get("content_type") and not envelope.data_type.lower().startswith(_NO_AUDIO_TYPES):
        said |= {"content_type": envelope.data_type} if envelope.data_type else {}
    return said


def _members_of_reference(envelope: Envelope) -> list[tuple[str, str]]:
    """What JSON data says that is a reference: `{"uri": "gs://…", …}`. Nothing where the data is something else."""
    data = envelope.data
    if not data[:1].isspace() and not data.startswith(b"{"):
        return []
    if len(data) > _MAX_REFERENCE_BYTES:
        return []
    try:
        refuse_deep_json(data)
        members = msgspec.json.decode(data, type=dict[str, object])
    except (Permanent, *UNREADABLE_JSON):
        return []
    return members_as_text(members) if "uri" in members else []


def _reference(said: Said, envelope: Envelope) -> Reference | None:
    if "uri" not in said:
        if envelope.is_json and said.get("kind", "chunk") in {"chunk", "recording"}:
            raise Permanent("audio in a structured CloudEvent is in data_base64", reason="invalid_cloudevent")
        return None
    if envelope.data and not _members_of_reference(envelope):
        raise Permanent("message has both data and a uri", reason="invalid_attribute")
    if not said["uri"].startswith(SCHEME):
        raise Permanent("uri must be gs://bucket/object", reason="invalid_uri")
    return Reference(said["uri"], said.get("generation", ""))


def _kind(said: Said, reference: Reference | None) -> Kind:
    kind = said.get("kind", "recording" if reference is not None and "seq" not in said else "chunk")
    if kind not in KINDS:
        raise Permanent(f"kind must be one of {', '.join(sorted(KINDS))}", reason="invalid_attribute")
    if reference is not None and kind not in {"chunk", "recording"}:
        raise Permanent(
            f"uri is for chunks and recordings; kind {kind} has its JSON as data", reason="invalid_attribute"
        )
    return cast("Kind", kind)


def _recording(said: Said, tenant: str, captured_at_ms: int, content: bytes | Reference) -> RecordingMessage:
    if "seq" in said:
        raise Permanent("seq is for chunks; a recording is whole", reason="invalid_attribute")
    if content == b"":
        raise Permanent("a recording needs data or a uri", reason="missing_attribute")
    ids = (checked_id(said[name], name) if name in said else "" for name in ("connection_id", "meeting_id"))
    return RecordingMessage(Stream(tenant, *ids), options_of(said), captured_at_ms, content)


def _stream(said: Said, tenant: str) -> Stream:
    ids = (checked_id(_required(said, name), name) for name in ("connection_id", "meeting_id"))
    return Stream(tenant, *ids)


def _required(said: Said, name: str) -> str:
    if name not in said:
        raise Permanent(f"{name} is missing", reason="missing_attribute")
    return said[name]
