"""docs/upstream.md names what there is, and its examples are what ingest takes."""

import re
from pathlib import Path

import pytest

from common.errors import Permanent
from common.events import Message
from ingest_service import pubsub
from ingest_service.pubsub.attributes import KNOWN
from ingest_service.pubsub.trust import UploadTrust
from ingest_service.pubsub.upload_messages import ChunkMessage, RecordingMessage, parse_upload

PAGE = (Path(__file__).parents[3] / "docs/upstream.md").read_text()
TRUST = UploadTrust(frozenset(), frozenset({"call-recordings"}), "my-bucket", "dropbox")
JSON = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


def test_every_attribute_is_described_and_no_other() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == set(KNOWN)


def test_every_reason_is_named() -> None:
    folder = Path(pubsub.__file__).parent
    own = {reason for path in folder.glob("*.py") for reason in re.findall(r'reason="(\w+)"', path.read_text())}
    passing = {"short_read", "stored_elsewhere", "invalid_notification"}
    """Two of these only delay; nothing asks a notification about nothing what it is about but the last try."""
    assert [reason for reason in sorted(own - passing) if f"`{reason}`" not in PAGE] == []


def test_the_json_examples_are_taken() -> None:
    reference, structured = JSON
    parsed = parse_upload(Message(reference.encode(), {}), TRUST, published_ms=0)
    assert isinstance(parsed, RecordingMessage)
    assert parsed.options.channel_speakers == ("Ann", "Bo")
    attributes = {"content-type": "application/cloudevents+json"}
    parsed = parse_upload(Message(structured.encode(), attributes), TRUST, published_ms=0)
    assert isinstance(parsed, ChunkMessage)
    assert parsed.upload.options.content_type == "audio/ogg"


def gcloud_attributes() -> list[dict[str, str]]:
    """Of each `gcloud pubsub topics publish` in the page."""
    commands: list[str] = re.findall(r"--attribute=((?:[^\s\\]|\\\n)+)", PAGE)
    return [dict(pair.split("=", 1) for pair in command.replace("\\\n", "").split(",")) for command in commands]


@pytest.mark.parametrize("attributes", gcloud_attributes(), ids=lambda each: "-".join(each)[:40])
def test_the_commands_publish_what_is_taken(attributes: dict[str, str]) -> None:
    data = b'{"last_seq": 3}' if attributes.get("kind") == "end" else b""
    parse_upload(Message(data, attributes), TRUST, published_ms=0)
    with pytest.raises(Permanent):
        parse_upload(Message(data, attributes | {"tenant": "other"}), TRUST, published_ms=0)


def test_there_are_commands() -> None:
    assert len(gcloud_attributes()) == 3
