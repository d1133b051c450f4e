"""Whatever form a message has, it says the same; whatever is wrong is named."""

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import Permanent
from common.events import Message, StreamOptions
from ingest_service.intake.requests import ChunkUpload, EndOfStream, Stream
from ingest_service.pubsub.attributes import HEADER_NAMES, plain
from ingest_service.pubsub.trust import UploadTrust
from ingest_service.pubsub.upload_messages import (
    ChunkMessage,
    EndMessage,
    RecordingMessage,
    Reference,
    SpeakersMessage,
    UploadMessage,
    parse_upload,
)
from tests.ingest_service.pubsub.fakes import BUCKET, OTHERS, PUBLISHED_MS

TRUST = UploadTrust(frozenset({"acme"}), frozenset({OTHERS}), BUCKET, "dropbox")
AT_MS = 1_750_000_000_500
AT = "2025-06-15T17:06:40.500+02:00"
IDS = {"connection_id": "c1", "meeting_id": "m1"}
CHUNK = {**IDS, "seq": "3", "content_type": "audio/webm", "captured_at": AT}
EVERYTHING = {
    **CHUNK,
    "language": "de",
    "source": "phone",
    "channels": "separate",
    "channel_speakers": "Ann,Bo",
    "connections": "per_participant",
    "participant": "Jörg",
    "started_at": "1690000000000",
    "tenant": "acme",
    "last": "true",
    "kind": "chunk",
}
EXPECTED = ChunkMessage(
    ChunkUpload(
        Stream("acme", "c1", "m1"),
        3,
        AT_MS,
        StreamOptions(
            content_type="audio/webm",
            source="phone",
            language="de",
            channels="separate",
            channel_speakers=("Ann", "Bo"),
            connections="per_participant",
            participant="Jörg",
            started_at_ms=1_690_000_000_000,
        ),
    ),
    b"bytes",
    is_last=True,
)
CE = {"ce-specversion": "1.0", "ce-type": "turnscribe.audio.uploaded.v1", "ce-source": "//upstream/x", "ce-id": "1"}


def parsed(data: bytes, attributes: Mapping[str, str]) -> UploadMessage:
    return parse_upload(Message(data, attributes), TRUST, published_ms=PUBLISHED_MS)


def refused(data: bytes, attributes: Mapping[str, str]) -> tuple[str, str]:
    with pytest.raises(Permanent) as caught:
        parsed(data, attributes)
    return caught.value.reason, str(caught.value)


def without(name: str, attributes: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in attributes.items() if key != name}


def as_extensions(attributes: Mapping[str, str]) -> dict[str, str]:
    return {"meetingsource" if key == "source" else plain(key): value for key, value in attributes.items()}


@given(st.permutations(sorted(EVERYTHING)), st.data())
def test_order_and_spelling_of_attributes_change_nothing(names: list[str], data: st.DataObject) -> None:
    spell = st.sampled_from([str.lower, str.upper, str.title, plain, lambda name: name.replace("_", "-")])
    attributes = {data.draw(spell)(name): EVERYTHING[name] for name in names}
    assert parsed(b"bytes", attributes | {"x-own": "y", "googclient_z": "1"}) == EXPECTED


def test_cloud_events_of_both_modes_say_the_same() -> None:
    extensions = as_extensions(EVERYTHING)
    binary = CE | {f"ce-{key}": value for key, value in extensions.items()}
    assert parsed(b"bytes", binary) == EXPECTED
    media_type = {f"ce-{key}": value for key, value in without("contenttype", extensions).items()}
    assert parsed(b"bytes", CE | media_type | {"Content-Type": "audio/webm"}) == EXPECTED
    context = {key.removeprefix("ce-"): value for key, value in CE.items()}
    document = {**context, **extensions, "data_base64": base64.b64encode(b"bytes").decode()}
    for spelled in ("content-type", "Content-Type"):
        structured = {spelled: "application/cloudevents+json; charset=UTF-8"}
        assert parsed(json.dumps(document).encode(), structured) == EXPECTED
    typed = without("contenttype", extensions)
    document = {**context, **typed, "seq": 3, "last": True, "datacontenttype": "audio/webm"}
    document["data_base64"] = base64.b64encode(b"bytes").decode()
    assert parsed(json.dumps(document).encode(), structured) == EXPECTED


def test_a_cloud_event_s_time_stands_in_for_when_audio_was_captured() -> None:
    attributes = CE | {"ce-connectionid": "c1", "ce-meetingid": "m1", "ce-seq": "0", "ce-time": AT}
    message = parsed(b"x", attributes)
    assert isinstance(message, ChunkMessage)
    assert message.upload.captured_at_ms == AT_MS
    message = parsed(b"x", attributes | {"ce-capturedat": "1690000000000"})
    assert isinstance(message, ChunkMessage)
    assert message.upload.captured_at_ms == 1_690_000_000_000


def test_without_any_time_that_of_publishing_counts() -> None:
    message = parsed(b"x", {**IDS, "seq": "0"})
    assert isinstance(message, ChunkMessage)
    assert message.upload == ChunkUpload(Stream("default", "c1", "m1"), 0, PUBLISHED_MS, StreamOptions())
    assert not message.is_last


@given(st.integers(10**11, 4 * 10**12), st.integers(-14, 14))
def test_times_are_iso_or_epoch_milliseconds(at_ms: int, offset_h: int) -> None:
    at = datetime.fromtimestamp(at_ms // 1000, UTC).replace(microsecond=at_ms % 1000 * 1000)
    elsewhere = at.astimezone(timezone(timedelta(hours=offset_h)))
    spelled = (str(at_ms), at.isoformat(), at.isoformat().replace("+00:00", "Z"), elsewhere.isoformat())
    messages = [parsed(b"x", {**CHUNK, "captured_at": value}) for value in spelled]
    assert messages == [messages[0]] * 4


def test_the_other_kinds() -> None:
    stream = Stream("default", "c1", "m1")
    assert parsed(b'{"last_seq": 4, "observations": 2}', IDS | {"kind": "end"}) == EndMessage(stream, EndOfStream(4, 2))
    masks = json.dumps({"ts_ms": AT_MS, "masks": [["Ann", "0111"]]}).encode()
    said = parsed(masks, IDS | {"kind": "speakers"})
    assert isinstance(said, SpeakersMessage)
    assert (said.stream, said.observed.covered_to_ms) == (stream, AT_MS)
    whole = parsed(b"bytes", {"kind": "recording", "content_type": "audio/ogg"})
    assert whole == RecordingMessage(Stream("default", "", ""), StreamOptions("audio/ogg"), PUBLISHED_MS, b"bytes")


URI = f"gs://{OTHERS}/calls/2025/a b.ogg"


@pytest.mark.parametrize(
    ("data", "attributes"),
    [
        (b"", {"uri": URI, "meeting_id": "m1", "generation": "7"}),
        (json.dumps({"uri": URI, "meeting_id": "m1", "generation": 7}).encode(), {}),
        (
            json.dumps({"uri": URI}).encode(),
            {"meeting_id": "m1", "generation": "7", "Content-Type": "application/json"},
        ),
        (json.dumps({"uri": URI}).encode(), CE | {"ce-meetingid": "m1", "ce-generation": "7"}),
        (
            json.dumps(
                {
                    **{key.removeprefix("ce-"): value for key, value in CE.items()},
                    "datacontenttype": "application/json",
                    "meetingid": "m1",
                    "data": {"uri": URI, "generation": "7"},
                }
            ).encode(),
            {"content-type": "application/cloudevents+json"},
        ),
    ],
    ids=["attribute", "json", "both", "cloudevent", "structured"],
)
def test_a_reference_is_a_whole_recording(data: bytes, attributes: dict[str, str]) -> None:
    expected = RecordingMessage(Stream("default", "", "m1"), StreamOptions(), PUBLISHED_MS, Reference(URI, "7"))
    assert parsed(data, attributes) == expected


def test_a_reference_with_a_seq_is_one_chunk() -> None:
    message = parsed(b"", {**IDS, "seq": "1", "uri": URI})
    assert isinstance(message, ChunkMessage)
    assert (message.upload.seq, message.content) == (1, Reference(URI))


@given(st.binary(max_size=40).filter(lambda data: b"uri" not in data))
def test_bytes_are_never_taken_for_a_reference(data: bytes) -> None:
    message = parsed(data, CHUNK)
    assert isinstance(message, ChunkMessage)
    assert message.content == data


WRONG = [
    (b"x", without("connection_id", CHUNK), "missing_attribute", "connection_id"),
    (b"x", without("meeting_id", CHUNK), "missing_attribute", "meeting_id"),
    (b"x", without("seq", CHUNK), "missing_attribute", "seq"),
    (b"x", CHUNK | {"connection_id": "../x"}, "invalid_id", "connection_id"),
    (b"x", CHUNK | {"meeting_id": "a/b"}, "invalid_id", "meeting_id"),
    (b"x", CHUNK | {"seq": "-1"}, "invalid_parameter", "seq"),
    (b"x", CHUNK | {"seq": "999999999"}, "invalid_parameter", "seq"),
    (b"x", CHUNK | {"captured_at": "yesterday"}, "invalid_attribute", "captured_at"),
    (b"x", CHUNK | {"captured_at": "1700000000"}, "invalid_parameter", "captured_at"),
    (b"x", CHUNK | {"captured_at": "2025-06-15T17:06:40"}, "invalid_attribute", "captured_at"),
    (b"x", CHUNK | {"captured_at": "9" * 30}, "invalid_attribute", "captured_at"),
    (b"x", CHUNK | {"started_at": "now"}, "invalid_attribute", "started_at"),
    (b"x", CHUNK | {"language": "Klingon!"}, "invalid_parameter", "language"),
    (b"x", CHUNK | {"channels": "both"}, "invalid_parameter", "channels"),
    (b"x", CHUNK | {"channel_speakers": "A"}, "invalid_parameter", "channel_speakers"),
    (b"x", CHUNK | {"last": "yes"}, "invalid_attribute", "last"),
    (b"x", CHUNK | {"kind": "video"}, "invalid_attribute", "kind"),
    (b"x", CHUNK | {"tenant": "globex"}, "tenant_not_allowed", "tenant"),
    (b"x", CHUNK | {"tenant": "a/b"}, "invalid_id", "tenant"),
    (b"x", CHUNK | {"Connection-Id": "c2"}, "invalid_attribute", "connection_id"),
    (b"", {"kind": "recording"}, "missing_attribute", "recording"),
    (b"x", {"kind": "recording", "seq": "1"}, "invalid_attribute", "seq"),
    (b"x", IDS | {"kind": "end"}, "invalid_body", ""),
    (b"x", IDS | {"kind": "speakers"}, "invalid_body", ""),
    (b"x" * 300_000, IDS | {"kind": "speakers"}, "too_large", "data"),
    (b"x", {"uri": URI}, "invalid_attribute", "uri"),
    (b"", {"uri": "https://example.com/a"}, "invalid_uri", "uri"),
    (b"", {"uri": "gs://x"}, "invalid_uri", "uri"),
    (b"", {"uri": f"gs://{OTHERS}/"}, "invalid_uri", "uri"),
    (b"", {"uri": f"gs://{BUCKET}/dropbox/../raw/x"}, "invalid_uri", "uri"),
    (b"", {"uri": "gs://somebodys/a"}, "source_not_allowed", "uri"),
    (b"", {"uri": f"gs://{BUCKET}/raw/0000/acme/c1/chunks/00000000"}, "source_not_allowed", "uri"),
    (b"", {"uri": f"gs://{BUCKET}/dropbox/acme/a.ogg"}, "source_not_allowed", "uri"),
    (b"", {"uri": f"gs://{BUCKET}/dropbox/a.ogg", "tenant": "acme"}, "source_not_allowed", "uri"),
    (b"", {"uri": URI, "kind": "end"}, "invalid_attribute", "uri"),
    (b'{"uri": {}}', {}, "invalid_attribute", "uri"),
    (b"x", CE | {"ce-type": "other"}, "unknown_event_type", "type"),
    (b"x", CE | {"ce-specversion": "0.3"}, "not_a_cloudevent", "specversion"),
    (b"{", {"content-type": "application/cloudevents+json"}, "invalid_cloudevent", "CloudEvent"),
    (b"[]", {"content-type": "application/cloudevents+json"}, "invalid_cloudevent", "CloudEvent"),
    (b"\xff", {"content-type": "application/cloudevents+json"}, "invalid_cloudevent", "CloudEvent"),
]


@pytest.mark.parametrize(("data", "attributes", "reason", "named"), WRONG)
def test_what_is_wrong_is_named(data: bytes, attributes: dict[str, str], reason: str, named: str) -> None:
    found, message = refused(data, attributes)
    assert found == reason
    assert named in message


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"data": "hello"}, "invalid_cloudevent"),
        ({"data_base64": "%%"}, "invalid_cloudevent"),
        ({"data_base64": "eA==", "data": {}}, "invalid_cloudevent"),
        ({"data_base64": "eA==", "seq": {}}, "invalid_attribute"),
    ],
)
def test_a_structured_event_without_bytes_of_audio_is_refused(members: dict[str, object], reason: str) -> None:
    context = {key.removeprefix("ce-"): value for key, value in CE.items()}
    document = {**context, "connectionid": "c1", "meetingid": "m1", "seq": 0} | members
    found, _ = refused(json.dumps(document).encode(), {"content-type": "application/cloudevents+json"})
    assert found == reason


_NAMES = st.sampled_from([*sorted(HEADER_NAMES), *CE, "ce-seq", "x"])
_VALUES = st.one_of(st.text(max_size=20), st.sampled_from(["0", "true", "recording", "speakers", "end", URI, "1.0"]))


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode), st.dictionaries(_NAMES, _VALUES))
def test_no_message_is_a_failure_of_ours(data: bytes, attributes: dict[str, str]) -> None:
    with suppress(Permanent):
        parsed(data, attributes)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists, max_leaves=5))
def test_no_member_of_a_reference_is_a_failure_of_ours(value: object) -> None:
    for name in ("uri", "seq", "channel_speakers", "generation"):
        with suppress(Permanent):
            parsed(json.dumps({"uri": URI, name: value}).encode(), {})
