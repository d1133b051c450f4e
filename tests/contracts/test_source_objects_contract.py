"""What every adapter that reads objects of others promises."""

import pytest

from common.errors import Permanent
from tests.contracts.conftest import Source

NAME = "calls/2025/Café talk.mp3"
DATA = bytes(range(256)) * 5_000


def reason(caught: "pytest.ExceptionInfo[Permanent]") -> str:
    return caught.value.reason


def test_an_object_is_described_without_being_read(source: Source) -> None:
    source.put(NAME, DATA)
    found = source.objects.stat(source.uri(NAME))
    assert (found.uri, found.size_bytes) == (source.uri(NAME), len(DATA))
    assert found.generation
    assert found.content_type == "audio/mpeg"
    assert found.metadata == {}
    assert source.objects.stat(source.uri(NAME), found.generation) == found


@pytest.mark.parametrize(("offset", "length"), [(0, 1), (0, len(DATA)), (777, 1_000), (len(DATA) - 5, 1_000)])
def test_parts_are_read_where_they_are(source: Source, offset: int, length: int) -> None:
    source.put(NAME, DATA)
    found = source.objects.stat(source.uri(NAME))
    assert source.objects.read(found, offset, length) == DATA[offset : offset + length]


def test_there_is_nothing_after_the_end(source: Source) -> None:
    source.put(NAME, b"")
    found = source.objects.stat(source.uri(NAME))
    assert found.size_bytes == 0
    assert source.objects.read(found, 0, 10) == b""


def test_what_is_not_there_is_gone_for_good(source: Source) -> None:
    with pytest.raises(Permanent) as caught:
        source.objects.stat(source.uri("nothing.wav"))
    assert reason(caught) == "source_not_found"


def test_another_version_is_another_object(source: Source) -> None:
    source.put(NAME, DATA)
    first = source.objects.stat(source.uri(NAME))
    source.put(NAME, DATA[::-1] + b"x")
    second = source.objects.stat(source.uri(NAME))
    assert second.generation != first.generation
    for call in (
        lambda: source.objects.stat(source.uri(NAME), first.generation),
        lambda: source.objects.read(first, 0, 10),
    ):
        with pytest.raises(Permanent) as caught:
            call()
        assert reason(caught) == "source_not_found"
    assert source.objects.read(second, 0, 3) == DATA[::-1][:3]


def test_what_was_deleted_can_not_be_read_on(source: Source) -> None:
    source.put(NAME, DATA)
    found = source.objects.stat(source.uri(NAME))
    assert source.objects.read(found, 0, 10) == DATA[:10]
    source.delete(NAME)
    with pytest.raises(Permanent) as caught:
        source.objects.read(found, 10, 10)
    assert reason(caught) == "source_not_found"


@pytest.mark.parametrize("uri", ["", "x", "https://example.com/a", "gs://", "gs://bucket", "file:", "file:../x"])
def test_what_names_no_object_is_refused(source: Source, uri: str) -> None:
    with pytest.raises(Permanent):
        source.objects.stat(uri)
