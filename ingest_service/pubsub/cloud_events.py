"""CloudEvents 1.0 as Pub/Sub carries them: which form a message has, and what it says in it. Pure.

Binary mode: context attributes are message attributes `ce-…`, the data is the message's. Structured mode: the message's data is a JSON
document with both (Google Cloud Pub/Sub Protocol Binding for CloudEvents).
"""

import base64
import binascii
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from common.errors import Permanent
from common.events import Message
from common.json_input import UNREADABLE_JSON, decoded_json
from ingest_service.pubsub.attributes import members_as_text

UPLOADED: Final = "turnscribe.audio.uploaded.v1"
"""The one type of event that is taken."""
STRUCTURED: Final = "application/cloudevents+json"
_PREFIX: Final = "ce-"
_CONTEXT: Final = frozenset({"specversion", "type", "source", "id", "time", "subject", "dataschema", "traceparent"})
"""What they say is not about the audio; `source` is the producer."""


class Envelope(msgspec.Struct, frozen=True):
    """What a message says, whatever its form: names as they are spelled in it, and the data."""

    said: tuple[tuple[str, str], ...]
    data: bytes
    data_type: str
    """Media type of the data; empty where nobody says."""
    time: str = ""
    """Of a CloudEvent."""
    is_json: bool = False
    """The data is a JSON value inside a JSON document: no bytes of audio, whatever they are."""


class _Document(msgspec.Struct):
    specversion: str
    type: str
    time: str = ""
    datacontenttype: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")
    data_base64: Annotated[str, Meta(max_length=16 * 1024**2)] | None = None


def opened(message: Message) -> Envelope:
    """The message without its form. Raises `Permanent` for a CloudEvent that is none, or of a type that nobody here knows."""
    attributes = {name.lower(): value for name, value in message.attributes.items()}
    media_type = attributes.get("content-type", "")
    if _is(media_type, STRUCTURED) or _is(attributes.get("content_type", ""), STRUCTURED):
        return _structured(message.data)
    others = tuple((name, value) for name, value in message.attributes.items() if name.lower() != "content-type")
    if f"{_PREFIX}specversion" not in attributes:
        return Envelope(others, message.data, media_type)
    context = {name.removeprefix(_PREFIX): value for name, value in attributes.items() if name.startswith(_PREFIX)}
    _check(context.get("specversion", ""), context.get("type", ""))
    extensions = tuple((name, value) for name, value in context.items() if name not in _CONTEXT)
    plain = tuple((name, value) for name, value in others if not name.lower().startswith(_PREFIX))
    return Envelope(
        (*plain, *extensions), message.data, media_type or context.get("datacontenttype", ""), context.get("time", "")
    )


def _structured(content: bytes) -> Envelope:
    try:
        document = decoded_json(content, _Document)
        members = msgspec.json.decode(content, type=dict[str, object])
    except UNREADABLE_JSON as error:
        raise Permanent(f"CloudEvent: {error}", reason="invalid_cloudevent") from error
    _check(document.specversion, document.type)
    extensions = {name: value for name, value in members.items() if name not in _CONTEXT | {"data", "data_base64"}}
    return Envelope(
        tuple(members_as_text(extensions)),
        _data(document),
        document.datacontenttype,
        document.time,
        is_json=document.data_base64 is None,
    )


def _data(document: _Document) -> bytes:
    if document.data_base64 is not None:
        if bytes(document.data):
            raise Permanent("CloudEvent: has both data and data_base64", reason="invalid_cloudevent")
        try:
            return base64.b64decode(document.data_base64, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Permanent("CloudEvent: data_base64 is not base64", reason="invalid_cloudevent") from error
    return bytes(document.data)


def _check(version: str, event_type: str) -> None:
    if version != "1.0":
        raise Permanent("message is not a CloudEvent 1.0 (specversion)", reason="not_a_cloudevent")
    if event_type != UPLOADED:
        raise Permanent(f"type of the CloudEvent must be {UPLOADED}", reason="unknown_event_type")


def _is(media_type: str, wanted: str) -> bool:
    return media_type.partition(";")[0].strip().lower() == wanted
