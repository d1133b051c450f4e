"""What the oracle judges is what is there: objects in a bucket, and keys as the segmenter's own scripts write them."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import fakeredis
import pytest
import redis

from common.adapters.embedded.file_blob_store import FileBlobStore
from common.ids import DEFAULT_TENANT
from common.object_names import ConnectionObjects, standing_by, unregistered_prefix
from segmenter_service.mailbox import Mailbox, Scripts
from segmenter_service.segments import END_FRAME
from tests.chaos.pipeline.accepted import Accepted, AcceptedStream
from tests.chaos.pipeline.evidence import FinalSegment, defects_in, look_at_bucket, look_at_redis
from tests.chaos.pipeline.installation import Installation
from tests.chaos.pipeline.recordings import Piece, Recording
from tests.chaos.pipeline.streams import PlannedStream

PLANNED = PlannedStream(Recording("talk", "audio/webm", (Piece(b"x", 1_000),), 1_000, ()), "chunks")


@pytest.fixture
def redis_client() -> Iterator[redis.Redis]:
    with fakeredis.FakeRedis() as client:
        yield client


class OnlyStores:
    """An installation of which nothing runs."""

    def __init__(self, folder: Path, client: redis.Redis) -> None:
        self._folder = folder
        self._client = client

    def blobs(self) -> FileBlobStore:
        return FileBlobStore(self._folder)

    def redis(self) -> redis.Redis:
        return self._client

    def waiting(self) -> int:
        return 3


def test_every_kind_of_object_is_found(tmp_path: Path, redis_client: redis.Redis) -> None:
    stream = AcceptedStream(PLANNED, "meeting", "connection")
    objects = ConnectionObjects(DEFAULT_TENANT, "connection")
    final = objects.final_segment(1, 512)
    with closing(FileBlobStore(tmp_path)) as blobs:
        for name in (objects.end, objects.speakers(1_000, "ab"), objects.gap(4), objects.quarantine("00000001")):
            blobs.create(name, b"{}")
        blobs.create(objects.chunk(7), b"bytes")
        blobs.create(objects.fault("chunk-differs"), b"")
        blobs.create(final, b"audio", {END_FRAME: "20"})
        blobs.create(f"{unregistered_prefix('raw')}default/other", b"")
        blobs.create(standing_by("segments", 5, "x"), b"")
        blobs.create("raw/quarantine/push", b"")
    installation = cast("Installation", OnlyStores(tmp_path, redis_client))
    evidence = look_at_bucket(installation, Accepted("run", (stream,)))
    seen = evidence.streams["talk"]
    assert seen.chunks == {7: b"bytes"}
    assert (seen.observations, seen.has_end, seen.gaps) == (1, True, [4])
    assert seen.finals == [FinalSegment(1, 512, 640, 5)]
    assert (seen.quarantine, seen.faults) == (["00000001"], ["chunk-differs"])
    assert evidence.unregistered == ["raw/unregistered/default/other"]
    assert len(evidence.standing_by) == 1
    assert evidence.quarantined_pushes == ["raw/quarantine/push"]


def test_mail_and_leases_that_are_left_are_found_and_a_state_that_is_kept_is_not(
    tmp_path: Path, redis_client: redis.Redis
) -> None:
    mailbox = Mailbox(redis_client, Scripts(redis_client), DEFAULT_TENANT, "connection", ttl_ms=60_000)
    installation = cast("Installation", OnlyStores(tmp_path, redis_client))
    mailbox.deposit_all({b"c0": b"{}"})
    assert look_at_redis(installation) == (["turnscribe:{default/connection}:mail"], [])
    lease = mailbox.acquire()
    assert lease is not None
    assert look_at_redis(installation)[1] == ["turnscribe:{default/connection}:lease"]
    lease.commit(b"state", [b"c0"], swept=True)
    assert lease.release(lease.contents().bell)
    assert look_at_redis(installation) == ([], [])


def test_what_services_answered_500_for_is_found_in_their_logs(tmp_path: Path) -> None:
    trace = 'Traceback (most recent call last):\\n  File \\"x.py\\"\\nValueError: unexpected'
    lines = [
        '{"status":503,"message":"push_retryable"}',
        f'{{"error_type":"ValueError","exception":"{trace}","severity":"ERROR","message":"unhandled_error"}}',
        f'{{"error_type":"ValueError","exception":"{trace}","message":"push_failed","severity":"ERROR"}}',
        '{"error_type":"ValueError","exception":"Tra","message":"push_failed","sever',
    ]
    (tmp_path / "segmenter.log").write_text("\n".join(lines))
    (tmp_path / "ingest.log").write_text("no JSON at all\n")
    assert list(defects_in(tmp_path)) == ["segmenter: ValueError: unexpected"] * 2
