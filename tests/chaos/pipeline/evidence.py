"""What there is to see of a schedule's streams: what readers get, what lies in the bucket, in Redis and in the queue. Looks, and judges nothing."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, cast

from common.ids import DEFAULT_TENANT
from common.object_names import (
    ConnectionObjects,
    channel_and_start_of,
    seq_of,
    standing_by_prefix,
    unregistered_prefix,
)
from common.ports.blob_store import BlobNotFound, BlobStore
from segmenter_service.segments import END_FRAME
from segmenter_service.voice_activity import FRAME_MS
from tests.chaos.pipeline.accepted import Accepted, AcceptedStream
from tests.chaos.pipeline.installation import Installation
from turnscribe.client import Client
from turnscribe.errors import NotFound, TurnscribeClientError
from turnscribe.transport import RetryPolicy

RAW, SEGMENTS = "raw", "segments"
_DEFECTS: Final = (b'"message":"unhandled_error"', b'"message":"push_failed"')


@dataclass(frozen=True, order=True)
class FinalSegment:
    """A final segment's object."""

    channel: int
    start_ms: int
    end_ms: int
    size_bytes: int = 0


@dataclass
class StreamEvidence:
    """One connection's objects and account."""

    name: str
    connection_id: str
    chunks: dict[int, bytes] = field(default_factory=dict)
    observations: int = 0
    has_end: bool = False
    finals: list[FinalSegment] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)
    """First seqs."""
    quarantine: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    account: dict[str, Any] | None = None
    """As the transcript tells it."""


@dataclass
class Evidence:
    """Everything of one schedule."""

    streams: dict[str, StreamEvidence]
    """By name."""
    transcripts: dict[str, dict[str, Any]]
    """By meeting id; without those that are not there."""
    dead_letters: list[str] = field(default_factory=list)
    unregistered: list[str] = field(default_factory=list)
    standing_by: list[str] = field(default_factory=list)
    quarantined_pushes: list[str] = field(default_factory=list)
    mail: list[str] = field(default_factory=list)
    """Redis keys of mailboxes that are not empty."""
    leases: list[str] = field(default_factory=list)
    waiting: int = 0
    """Messages that are not acknowledged."""
    defects: list[str] = field(default_factory=list)
    """What services answered 500 for since they were started first."""


def look(installation: Installation, accepted: Accepted) -> Evidence:
    """Everything that there is now. Raises `TurnscribeClientError` while the api does not answer."""
    evidence = look_at_bucket(installation, accepted)
    with reader(installation) as client:
        evidence.transcripts = dict(_transcripts(client, sorted({stream.meeting_id for stream in accepted.streams})))
        evidence.dead_letters = [
            f"{each.type} of {each.connection_id}: {each.reason}" for each in client.dead_letters()
        ]
    accounts = {each["connection_id"]: each for found in evidence.transcripts.values() for each in found["streams"]}
    for stream in evidence.streams.values():
        stream.account = accounts.get(stream.connection_id)
    evidence.mail, evidence.leases = look_at_redis(installation)
    evidence.waiting = installation.waiting()
    evidence.defects = list(defects_in(installation.log_folder))
    return evidence


def defects_in(log_folder: Path) -> Iterator[str]:
    """The lines of services that met what nobody expects: neither a fault that passes nor bad input."""
    for path in sorted(log_folder.glob("*.log")):
        for line in path.read_bytes().splitlines():
            if any(name in line for name in _DEFECTS) and line.endswith(b"}"):  # else who wrote it was killed over it
                *_, error = json.loads(line)["exception"].splitlines()
                yield f"{path.stem}: {error}"


def look_at_bucket(installation: Installation, accepted: Accepted) -> Evidence:
    """The objects alone."""
    with bucket(installation) as blobs:
        return Evidence(
            {stream.planned.name: _stream(blobs, stream) for stream in accepted.streams},
            {},
            unregistered=_names(blobs, unregistered_prefix(RAW)),
            standing_by=_names(blobs, standing_by_prefix(SEGMENTS)),
            quarantined_pushes=_names(blobs, f"{RAW}/quarantine/"),
        )


def look_at_redis(installation: Installation) -> tuple[list[str], list[str]]:
    """The keys of mailboxes that hold something, and of leases."""
    client = installation.redis()
    if client is None:
        return [], []
    with closing(client):
        mail, leases = (
            sorted(map(_text, client.scan_iter(f"turnscribe:*:{kind}", count=1_000))) for kind in ("mail", "lease")
        )
        return mail, leases


def _text(key: bytes | str) -> str:
    return key.decode() if isinstance(key, bytes) else key


class _Closable(Protocol):
    def close(self) -> None: ...


@contextmanager
def bucket(installation: Installation) -> Iterator[BlobStore]:
    """The objects, for looking."""
    blobs = installation.blobs()
    try:
        yield blobs
    finally:
        cast("_Closable", blobs).close()  # both adapters have it; the port does not ask for it


@contextmanager
def reader(installation: Installation) -> Iterator[Client]:
    """Somebody who reads."""
    patience = RetryPolicy(give_up_after_s=5.0, longest_pause_s=0.5)
    with Client(installation.read_url, installation.api_token, retry=patience, timeout_s=10.0) as client:
        yield client


def is_settled(installation: Installation, accepted: Accepted) -> bool:
    """Whether nothing is left to be done: every meeting complete, every mailbox and the queue empty."""
    try:
        with reader(installation) as client:
            for meeting_id in {stream.meeting_id for stream in accepted.streams}:
                transcript = client.transcript(meeting_id)
                streams = sum(stream.meeting_id == meeting_id for stream in accepted.streams)
                if not transcript.complete or len(transcript.streams) < streams:
                    return False
    except (NotFound, TurnscribeClientError):
        return False
    if installation.waiting():
        return False
    if any(look_at_redis(installation)):
        return False
    with bucket(installation) as blobs:
        return not (_names(blobs, unregistered_prefix(RAW)) or _names(blobs, standing_by_prefix(SEGMENTS)))


def _transcripts(client: Client, meetings: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for meeting_id in meetings:
        try:
            yield meeting_id, json.loads(client.transcript_bytes(meeting_id, "json"))
        except NotFound:
            continue


def _stream(blobs: BlobStore, accepted: AcceptedStream) -> StreamEvidence:
    objects = ConnectionObjects(DEFAULT_TENANT, accepted.connection_id, RAW, SEGMENTS)
    found = StreamEvidence(accepted.planned.name, accepted.connection_id)
    for info in blobs.list(objects.chunks_prefix):
        found.chunks[seq_of(info.name)] = blobs.read(info.name)
    found.observations = len(_names(blobs, objects.speakers_prefix))
    for info in blobs.list(objects.finals_prefix):
        channel, start_ms = channel_and_start_of(info.name)
        end_ms = int(info.metadata[END_FRAME]) * FRAME_MS
        found.finals.append(FinalSegment(channel, start_ms, end_ms, info.size_bytes))
    found.gaps = [seq_of(name) for name in _names(blobs, objects.gaps_prefix)]
    found.quarantine = [
        name.removeprefix(objects.quarantine_prefix) for name in _names(blobs, objects.quarantine_prefix)
    ]
    found.faults = [name.removeprefix(objects.faults_prefix) for name in _names(blobs, objects.faults_prefix)]
    try:
        blobs.read(objects.end)
        found.has_end = True
    except BlobNotFound:
        found.has_end = False
    return found


def _names(blobs: BlobStore, prefix: str) -> list[str]:
    return [info.name for info in blobs.list(prefix)]
