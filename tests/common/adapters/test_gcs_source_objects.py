"""What Cloud Storage may answer, and what it means to who asked."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from common.adapters.google.gcs_source_objects import GcsSourceObjects
from common.errors import Backpressure, Permanent, Retryable
from common.ports.source_objects import SourceObject
from local_cloud.processes import free_port
from tests.common.adapters.storage_server import Answer, StorageServer

SOURCE = SourceObject("gs://calls/a.ogg", 10, "7")


@contextmanager
def sources_at(url: str) -> Iterator[GcsSourceObjects]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", url)
        sources = GcsSourceObjects("p", connect_timeout_s=1, answer_timeout_s=1)
    with closing(sources):
        yield sources


@contextmanager
def answering(answer: Answer | None) -> Iterator[tuple[GcsSourceObjects, StorageServer]]:
    with StorageServer(lambda *_request: answer) as server, sources_at(server.url) as sources:
        yield sources, server


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, Permanent), (400, Permanent), (403, Retryable), (429, Backpressure), (500, Retryable), (503, Retryable)],
)
def test_each_answer_is_one_of_three_failures_and_nothing_is_tried_again(status: int, kind: type[Exception]) -> None:
    with answering(Answer(status)) as (sources, server):
        with pytest.raises(kind):
            sources.stat(SOURCE.uri)
        with pytest.raises(kind):
            sources.read(SOURCE, 0, 5)
        assert len(server.requests) == 2


def test_a_version_and_a_range_are_asked_for() -> None:
    ranges: list[str] = []

    def answer(_method: str, _path: str, headers: dict[str, str], _body: bytes) -> Answer:
        ranges.append(headers.get("Range", headers.get("range", "")))
        return Answer(206, b"abc", {"Content-Range": "bytes 4-6/10"})

    with StorageServer(answer) as server, sources_at(server.url) as sources:
        assert sources.read(SOURCE, 4, 3) == b"abc"
        ((_, path),) = server.requests
    assert "generation=7" in path
    assert ranges == ["bytes=4-6"]


def test_a_part_that_comes_short_is_a_passing_fault() -> None:
    with answering(Answer(206, b"ab", {"Content-Range": "bytes 4-5/10"})) as (sources, _), pytest.raises(Retryable):
        sources.read(SOURCE, 4, 3)


def test_who_does_not_answer_is_a_passing_fault() -> None:
    with answering(None) as (sources, _), pytest.raises(Retryable):
        sources.stat(SOURCE.uri)
    with sources_at(f"http://127.0.0.1:{free_port()}") as sources, pytest.raises(Retryable):
        sources.stat(SOURCE.uri)


@pytest.mark.parametrize(("uri", "generation"), [("gs://Bad_Bucket-/x", ""), ("gs://b", ""), ("gs://calls/a", "x")])
def test_what_can_not_be_asked_for_is_not_asked_for(uri: str, generation: str) -> None:
    with answering(Answer(200)) as (sources, server):
        with pytest.raises(Permanent):
            sources.stat(uri, generation)
        assert server.requests == []
