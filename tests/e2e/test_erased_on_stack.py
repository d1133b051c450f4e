"""Deleting a meeting as in production: on the emulators and a real Redis, while its uploader goes on and Redis is flushed."""

from collections.abc import Iterator

import pytest
import redis
from google.cloud import firestore, storage

from local_cloud.emulators import PROJECT
from local_cloud.stack import Stack
from tests.e2e.conftest import demo_environment
from tests.e2e.playing import play_beginning
from tests.waiting import until
from turnscribe.client import Client
from turnscribe.errors import NotFound

pytestmark = [pytest.mark.component("whisper", "emulators"), pytest.mark.slow, pytest.mark.timeout(300)]
SETTINGS = {"CHECK_AND_PROCESS_CONNECTIONS_INTERVAL_SEC": "1", "TRANSCRIBER_STEP_SEC": "60"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack"), demo_environment() | SETTINGS) as running:
        yield running


@pytest.fixture(autouse=True)
def clients_of_the_emulators(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in stack.emulators.environ.items():
        monkeypatch.setenv(name, value)


def left(stack: Stack, *ids: str) -> list[str]:
    """Names of whatever lies in the bucket, in Redis and in Firestore and has one of these in its name."""
    found: list[str] = []
    with storage.Client(project=PROJECT) as client:
        for bucket in client.list_buckets():
            found += [blob.name for blob in client.list_blobs(bucket)]
    with redis.Redis("127.0.0.1", stack.emulators.redis.port) as hot:
        found += [key.decode() for key in hot.scan_iter()]
    database = firestore.Client(project=PROJECT)
    for group in ("meetings", "segments", "work"):
        found += [each.reference.path for each in database.collection_group(group).stream()]
    database.close()
    return [each for each in found if any(name in each for name in ids)]


@pytest.mark.parametrize("flushed", [False, True])
def test_nothing_of_a_deleted_meeting_is_left_in_bucket_redis_and_firestore(stack: Stack, flushed: bool) -> None:
    with Client(stack.ingest_url, stack.api_token) as uploads, Client(stack.read_url, stack.api_token) as reads:
        stream = play_beginning(uploads, 4)
        until(lambda: _is_known(reads, stream.meeting_id), "the meeting is known")
        assert left(stack, stream.meeting_id, stream.connection_id)
        deletion_id = reads.meetings.delete(stream.meeting_id).deletion_id
        if flushed:
            with redis.Redis("127.0.0.1", stack.emulators.redis.port) as hot:
                hot.flushall()
        stream.put_chunk(50, b"late, from an uploader that goes on")
        until(lambda: reads.meetings.deletion(deletion_id).complete, "nothing is left")
        until(lambda: left(stack, stream.meeting_id, stream.connection_id) == [], "listings find nothing either")
        with pytest.raises(NotFound):
            reads.transcript(stream.meeting_id)


def _is_known(reads: Client, meeting_id: str) -> bool:
    return any(each.meeting_id == meeting_id for each in reads.meetings.list())
