"""What comes from upstream systems through Pub/Sub and the bucket, on the emulators: every form, shuffled and twice, and poison among it."""

import base64
import json
import os
import random
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from google.cloud import pubsub_v1, storage

from ingest_service.pubsub.whole_objects import digest_of, meeting_named_after
from local_cloud.emulators import PROJECT
from local_cloud.services import BUCKET
from local_cloud.stack import Stack
from tests.e2e.conftest import START_MS, completed, demo_environment, without_ids
from tests.e2e.playing import CHUNK_MS, DELAY_MS, conversation, play_beginning
from tests.waiting import until
from turnscribe.client import Client
from turnscribe.errors import NotFound

pytestmark = [pytest.mark.component("whisper", "emulators"), pytest.mark.slow, pytest.mark.timeout(600)]

CHUNKS = 4
OTHERS = "upstream-calls"
CE = {
    "ce-specversion": "1.0",
    "ce-type": "turnscribe.audio.uploaded.v1",
    "ce-source": "//upstream/recorder",
    "ce-id": "1",
}
SETTINGS = {
    "SPEAKER_DELAY_SEC": "1",
    "SPEAKER_WAIT_SEC": "60",
    "TRANSCRIBER_STEP_SEC": "60",
    "CHECK_AND_PROCESS_CONNECTIONS_INTERVAL_SEC": "1",
    "UPLOAD_SOURCE_BUCKETS": OTHERS,
    "UPLOAD_TENANTS": "acme",
}
Publish = Callable[[bytes, Mapping[str, str]], None]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack"), demo_environment() | SETTINGS) as running:
        running.emulators.create_bucket(OTHERS)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in running.emulators.environ.items():
                patch.setenv(name, value)
            yield running


@pytest.fixture(scope="module")
def reads(stack: Stack) -> Iterator[Client]:
    with Client(stack.read_url, stack.api_token) as client:
        yield client


@pytest.fixture(scope="module")
def buckets(stack: Stack) -> Iterator[storage.Client]:
    with closing(storage.Client(project=PROJECT)) as client:
        yield client


@pytest.fixture
def publish(stack: Stack) -> Iterator[Publish]:
    with pubsub_v1.PublisherClient() as publisher:
        topic = publisher.topic_path(PROJECT, "audio-uploads")
        yield lambda data, attributes: publisher.publish(topic, data, **attributes).result(30)


@pytest.fixture(scope="module")
def talk() -> bytes:
    """The first seconds of the shipped conversation, as a file."""
    recording, _ = conversation()
    return b"".join(recording.bytes_of(piece) for piece in recording.pieces[:CHUNKS])


def new_ids() -> dict[str, str]:
    run = secrets.token_hex(4)
    return {"meeting_id": f"meeting-{run}", "connection_id": f"connection-{run}"}


def words(transcript: dict[str, Any]) -> list[str]:
    return [utterance["text"] for utterance in transcript["utterances"]]


@pytest.fixture(scope="module")
def spoken(stack: Stack, reads: Client, talk: bytes) -> list[str]:
    """What is said in the file, as a chunk of a stream that came over HTTP says it."""
    ids = new_ids()
    with Client(stack.ingest_url, stack.api_token) as uploads:
        stream = uploads.stream(ids["meeting_id"], ids["connection_id"], content_type="video/webm")
        stream.put_chunk(0, talk, captured_at_ms=START_MS)
        stream.end(0)
    said = words(completed(reads, ids["meeting_id"]))
    assert said
    return said


def test_chunks_and_speakers_in_any_order_and_twice_say_what_http_says(
    stack: Stack, reads: Client, publish: Publish
) -> None:
    recording, windows = conversation()
    heard = [window for window in windows if window.end_ms <= CHUNKS * CHUNK_MS + DELAY_MS]
    ids = new_ids()
    chunks = [
        (
            recording.bytes_of(piece),
            ids
            | {"seq": str(piece.seq), "content_type": recording.content_type}
            | {"captured_at": str(START_MS + (piece.end_ms or 0))},
        )
        for piece in recording.pieces[:CHUNKS]
    ]
    speakers = [
        (
            json.dumps({"ts_ms": START_MS + window.end_ms, "masks": [list(mask) for mask in window.masks]}).encode(),
            ids | {"kind": "speakers"},
        )
        for window in heard
    ]
    end = (json.dumps({"last_seq": CHUNKS - 1, "observations": len(heard)}).encode(), ids | {"kind": "end"})
    messages = [*chunks, *speakers, end] * 2
    random.Random(4).shuffle(messages)
    for data, attributes in messages:
        publish(data, attributes)
    published = without_ids(completed(reads, ids["meeting_id"]))
    with Client(stack.ingest_url, stack.api_token) as uploads:
        played = play_beginning(uploads, CHUNKS)
    assert published == without_ids(completed(reads, played.meeting_id))
    assert len({utterance["speaker"] for utterance in published["utterances"]} - {None}) >= 1


def test_an_object_of_another_bucket_is_a_recording(
    reads: Client, publish: Publish, buckets: storage.Client, talk: bytes, spoken: list[str]
) -> None:
    buckets.bucket(OTHERS).blob("2025/board talk.webm").upload_from_string(talk, content_type="video/webm")
    uri = f"gs://{OTHERS}/2025/board talk.webm"
    by_attribute, by_json = new_ids(), new_ids()
    for _ in range(2):
        publish(b"", {"uri": uri, "meeting_id": by_attribute["meeting_id"]})
    publish(json.dumps({"uri": uri, "meeting_id": by_json["meeting_id"]}).encode(), {})
    for ids in (by_attribute, by_json):
        transcript = completed(reads, ids["meeting_id"])
        assert words(transcript) == spoken
        assert len(transcript["streams"]) == 1, "twice is once"


def test_cloud_events_of_both_modes_are_taken(reads: Client, publish: Publish, talk: bytes, spoken: list[str]) -> None:
    binary, structured = new_ids(), new_ids()
    extensions = {"ce-meetingid": binary["meeting_id"], "ce-connectionid": binary["connection_id"]}
    publish(talk, CE | extensions | {"ce-seq": "0", "ce-last": "true", "Content-Type": "video/webm"})
    document = {
        **{name.removeprefix("ce-"): value for name, value in CE.items()},
        "meetingid": structured["meeting_id"],
        "connectionid": structured["connection_id"],
        "kind": "recording",
        "datacontenttype": "video/webm",
        "data_base64": base64.b64encode(talk).decode(),
    }
    publish(json.dumps(document).encode(), {"content-type": "application/cloudevents+json"})
    for ids in (binary, structured):
        assert words(completed(reads, ids["meeting_id"])) == spoken


def test_files_in_the_drop_box_become_meetings_and_what_is_none_holds_up_nothing(
    reads: Client, buckets: storage.Client, talk: bytes, spoken: list[str]
) -> None:
    bucket = buckets.bucket(BUCKET)
    bucket.blob("dropbox/minutes.txt").upload_from_string(b"These are the minutes of a meeting, in words.")
    bucket.blob("dropbox/empty/").upload_from_string(b"")
    meetings = []
    for _ in range(2):  # the second one overwrites the first
        blob = bucket.blob("dropbox/Café talk.webm")
        blob.upload_from_string(talk, content_type="video/webm")
        blob.reload()
        digest = digest_of("dropped", blob.name, str(blob.generation))
        meetings.append(meeting_named_after(blob.name, digest))
        assert words(completed(reads, meetings[-1])) == spoken
    assert len(set(meetings)) == 2
    named = bucket.blob("dropbox/named.webm")
    named.metadata = {"meeting_id": f"named-{secrets.token_hex(4)}", "language": "en"}
    named.upload_from_string(talk, content_type="video/webm")
    assert completed(reads, named.metadata["meeting_id"])["utterances"]
    until(lambda: "unknown_container" in reasons(buckets), "the file of words is put aside")


def reasons(buckets: storage.Client) -> set[str]:
    """Of everything in quarantine."""
    return {blob.metadata["reason"] for blob in buckets.list_blobs(BUCKET, prefix="raw/quarantine/")}


def test_poison_is_put_aside_with_its_reason_while_others_go_on(
    reads: Client, publish: Publish, buckets: storage.Client, talk: bytes, spoken: list[str]
) -> None:
    ids = new_ids()
    poison: dict[str, tuple[bytes, dict[str, str]]] = {
        "missing_attribute": (b"x", {}),
        "invalid_id": (b"x", ids | {"seq": "0", "connection_id": "../x"}),
        "tenant_not_allowed": (b"x", ids | {"seq": "0", "tenant": "globex"}),
        "source_not_found": (b"", {"uri": f"gs://{OTHERS}/nothing"}),
        "source_not_allowed": (b"", {"uri": f"gs://{BUCKET}/raw/x"}),
        "unknown_event_type": (b"x", CE | {"ce-type": "other"}),
        "invalid_cloudevent": (b"\xff", {"content-type": "application/cloudevents+json"}),
    }
    for message in poison.values():
        publish(*message)
    publish(talk, ids | {"seq": "0", "content_type": "video/webm", "last": "true"})
    assert words(completed(reads, ids["meeting_id"])) == spoken
    until(lambda: reasons(buckets) >= poison.keys(), "each is put aside with its reason")


def test_turnscribe_publish_sends_a_file_and_doing_it_again_changes_nothing(
    reads: Client, talk: bytes, spoken: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "talk.webm"
    path.write_bytes(talk)
    ids = new_ids()
    topic = f"projects/{PROJECT}/topics/audio-uploads"
    command = [
        sys.executable,
        "-m",
        "turnscribe",
        "publish",
        "--topic",
        topic,
        "--meeting",
        ids["meeting_id"],
        "--json",
    ]
    for _ in range(2):
        done = subprocess.run([*command, str(path)], env=dict(os.environ), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
    transcript = completed(reads, ids["meeting_id"])
    assert words(transcript) == spoken
    assert len(transcript["streams"]) == 1


def test_a_tenant_s_file_is_the_tenant_s_alone(
    stack: Stack, reads: Client, buckets: storage.Client, talk: bytes, spoken: list[str]
) -> None:
    meeting_id = f"theirs-{secrets.token_hex(4)}"
    blob = buckets.bucket(BUCKET).blob("dropbox/acme/talk.webm")
    blob.metadata = {"meeting_id": meeting_id}
    blob.upload_from_string(talk, content_type="video/webm")
    with Client(stack.ingest_url, stack.api_token) as operator:
        token = operator.tokens.create(["read"], tenant="acme").token
    with Client(stack.read_url, token) as theirs:
        assert words(completed(theirs, meeting_id)) == spoken
    with pytest.raises(NotFound):
        reads.transcript(meeting_id)
