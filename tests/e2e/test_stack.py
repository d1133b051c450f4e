"""The system as in production, on the emulators: two gunicorn workers for each service, real Redis, real Whisper.

What one process says on embedded adapters, this says too, to the byte, whatever happens in mid-stream.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis
from google.cloud import pubsub_v1
from openai import OpenAI

from common.events import to_message
from local_cloud.emulators import PROJECT
from local_cloud.stack import Stack
from tests.common.example_events import WITHOUT_AUDIO
from tests.e2e.conftest import START_MS, Demo, completed, demo_environment, new_stream, without_ids
from tests.e2e.excerpts import write_excerpt
from tests.e2e.playing import nothing, play_beginning, play_conversation
from tests.waiting import until
from turnscribe.client import Client
from turnscribe.errors import NotFound, Unauthorized

pytestmark = [pytest.mark.component("whisper", "emulators"), pytest.mark.slow, pytest.mark.timeout(600)]

WORKERS = 2
SETTINGS = {
    "WEB_CONCURRENCY": str(WORKERS),
    "SPEAKER_DELAY_SEC": "1",
    "SPEAKER_WAIT_SEC": "60",
    "TRANSCRIBER_STEP_SEC": "60",  # live revisions change no final transcript; without them this takes half the time
    "CHECK_AND_PROCESS_CONNECTIONS_INTERVAL_SEC": "1",
    "REPUBLISH_AFTER_SEC": "20",
    "TOKEN_CACHE_SEC": "1",
}
OUTAGE_S = 20


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack"), demo_environment() | SETTINGS) as running:
        yield running


@pytest.fixture
def uploads(stack: Stack) -> Iterator[Client]:
    with Client(stack.ingest_url, stack.api_token) as client:
        yield client


@pytest.fixture
def reads(stack: Stack) -> Iterator[Client]:
    with Client(stack.read_url, stack.api_token) as client:
        yield client


def flush_redis(stack: Stack) -> None:
    with redis.Redis("127.0.0.1", stack.emulators.redis.port) as client:
        client.flushall()


def kill_pubsub(stack: Stack) -> None:
    """It forgets every topic and every message, those in flight too."""
    stack.emulators.pubsub.kill()
    stack.emulators.pubsub.start()
    stack.emulators.pubsub.wait_until_listening(60)
    stack.apply_topology()


def freeze_stores(stack: Stack) -> None:
    """Firestore and the bucket accept connections and answer nothing."""
    stores = stack.emulators.firestore, stack.emulators.gcs
    for store in stores:
        store.freeze()
    time.sleep(OUTAGE_S)
    for store in stores:
        store.thaw()


FAULTS: dict[str, Callable[[Stack], None]] = {
    "none": lambda _stack: nothing(),
    "redis flushed": flush_redis,
    "pub/sub killed": kill_pubsub,
    "stores frozen": freeze_stores,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_cloud_says_what_one_process_says(
    stack: Stack, uploads: Client, reads: Client, uninterrupted: Demo, fault: str
) -> None:
    def strike() -> None:
        time.sleep(0.5)  # so that the fault strikes while there is something in hand
        FAULTS[fault](stack)

    stream = play_conversation(uploads, in_the_middle=strike)
    transcript = completed(reads, stream.meeting_id)
    assert without_ids(transcript) == without_ids(uninterrupted.transcript)


def test_eight_streams_at_once_lose_and_double_nothing(uploads: Client, reads: Client) -> None:
    with ThreadPoolExecutor(8) as uploaders:
        streams = list(uploaders.map(lambda _: play_beginning(uploads, 4), range(8)))
    transcripts = [without_ids(completed(reads, stream.meeting_id)) for stream in streams]
    (account,) = transcripts[0]["streams"]
    assert account["segments"] > 1
    assert transcripts[0]["utterances"]
    assert transcripts == [transcripts[0]] * 8


def test_another_tenants_token_uploads_and_reads_its_own_until_it_is_disabled(
    stack: Stack, uploads: Client, reads: Client
) -> None:
    made = uploads.tokens.create(["ingest", "read"], label="recorders", tenant="acme")
    with Client(stack.ingest_url, made.token) as theirs, Client(stack.read_url, made.token) as they_read:
        stream = play_beginning(theirs, 4)
        assert completed(they_read, stream.meeting_id)["utterances"]
        with pytest.raises(NotFound):
            reads.transcript(stream.meeting_id)
        with pytest.raises(NotFound):
            uploads.stream_status(stream.connection_id)
        uploads.tokens.disable(made.id, tenant="acme")

        def refused() -> bool:
            """By both workers of both services: each connection reaches any of them."""
            try:
                theirs.stream_status(stream.connection_id)
            except Unauthorized:
                try:
                    they_read.transcript(stream.meeting_id)
                except Unauthorized:
                    return True
            return False

        until(lambda: all(refused() for _ in range(20)), "every process refuses it", within_s=30)


def connections_to(port: int) -> int:
    """Established TCP connections of this machine to `port` of 127.0.0.1."""
    tables = (Path("/proc/net/tcp").read_text(), Path("/proc/net/tcp6").read_text())  # the JVMs speak IPv6 of IPv4
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    return sum(row[2].endswith(f"0100007F:{port:04X}") and row[3] == "01" for row in rows)


def test_a_thousand_requests_open_no_connection_more(stack: Stack, uploads: Client) -> None:
    stream = new_stream(uploads, "audio/webm")
    kept = {"redis": stack.emulators.redis, "pubsub": stack.emulators.pubsub, "firestore": stack.emulators.firestore}

    def observe(number: int) -> None:
        stream.observe_masks(START_MS + number * 1000, [("Chair", "1" * 10)])

    def counted() -> dict[str, int]:
        return {name: connections_to(server.port) for name, server in kept.items()}

    with ThreadPoolExecutor(8) as uploaders:
        list(uploaders.map(observe, range(400)))
        before = counted()
        list(uploaders.map(observe, range(400, 1400)))
        after = counted()
    assert all(before.values()), before
    assert after["firestore"] == before["firestore"]
    # A worker connects with the first event that it publishes; the bucket's server has a connection of its own for notifications.
    assert after["pubsub"] <= WORKERS * len(stack.services) + 1
    # Redis has a pool, which opens what is wanted at the same time: the emulator has two pushes in flight, the sweep is one more.
    assert after["redis"] <= WORKERS * 3


def test_a_message_that_nobody_can_take_is_kept_shown_and_replayed(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in stack.emulators.environ.items():
        monkeypatch.setenv(name, value)
    message = to_message(WITHOUT_AUDIO, source="/turnscribe/segmenter", now_ms=START_MS)

    def deadletters(*arguments: str) -> str:
        command = [sys.executable, "-m", "turnscribe", "deadletters", *arguments, "--url", stack.read_url, "--json"]
        environ = os.environ | {"TURNSCRIBE_TOKEN": stack.api_token}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    with pubsub_v1.PublisherClient() as publisher:
        topic = publisher.topic_path(PROJECT, "transcribe-dead-letters")
        publisher.publish(topic, message.data, **message.attributes).result(30)
    until(lambda: "segment_audio_missing" in deadletters("list"), "the dead letter is listed with its reason")
    (listed,) = [each for each in json.loads(deadletters("list")) if each["reason"] == "segment_audio_missing"]
    assert "gone:0:0" in deadletters("show", listed["id"])
    deadletters("replay", listed["id"])
    assert listed["id"] not in deadletters("list")


def test_openai_s_client_is_answered_by_two_services_that_only_share_the_caller_s_token(
    stack: Stack, tmp_path: Path
) -> None:
    write_excerpt(tmp_path / "excerpt.webm", "webm")
    with OpenAI(base_url=f"{stack.ingest_url}/v1", api_key=stack.api_token, max_retries=0) as client:
        found = client.audio.transcriptions.create(model="whisper-1", file=tmp_path / "excerpt.webm")
    assert "good morning everyone" in found.text.lower().replace(",", "")
