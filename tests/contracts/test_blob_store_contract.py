"""What every blob store promises."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.ports.blob_store import BlobInfo, BlobNotFound, BlobStore, Created

# A folder's name may sort before or after its own continuation: "-" < "." < "/" < "0".
FOLDERS = st.sampled_from(["a", "a-", "a0", "b", "é"])
LEAVES = st.sampled_from(["a.x", "a!x", "x", "x0", "00000001", "ü.flac"])
NAMES = st.builds(lambda folders, leaf: "/".join([*folders, leaf]), st.lists(FOLDERS, max_size=3), LEAVES)


def test_what_was_created_is_read_back(blobs: BlobStore) -> None:
    assert (
        blobs.create("raw/one", b"\x00bytes\nand more", {"content-type": "audio/webm", "who": "Zoë\n"})
        is Created.CREATED
    )
    assert blobs.read("raw/one") == b"\x00bytes\nand more"
    assert blobs.info("raw/one") == BlobInfo("raw/one", 15, {"content-type": "audio/webm", "who": "Zoë\n"})


def test_an_object_may_be_empty(blobs: BlobStore) -> None:
    assert blobs.create("raw/empty", b"") is Created.CREATED
    assert blobs.create("raw/empty", b"") is Created.ALREADY_SAME
    assert blobs.read("raw/empty") == b""
    assert blobs.info("raw/empty") == BlobInfo("raw/empty", 0, {})
    assert list(blobs.list("raw/")) == [BlobInfo("raw/empty", 0, {})]


def test_the_same_content_again_is_no_conflict_and_the_first_metadata_stays(blobs: BlobStore) -> None:
    blobs.create("raw/one", b"bytes", {"from": "first"})
    assert blobs.create("raw/one", b"bytes", {"from": "second"}) is Created.ALREADY_SAME
    assert blobs.info("raw/one").metadata == {"from": "first"}


@pytest.mark.parametrize("other", [b"", b"byte", b"bytes!", b"BYTES"])
def test_other_content_never_replaces_what_is_there(blobs: BlobStore, other: bytes) -> None:
    blobs.create("raw/one", b"bytes")
    assert blobs.create("raw/one", other) is Created.ALREADY_DIFFERENT
    assert blobs.read("raw/one") == b"bytes"


def test_what_is_not_there_is_named(blobs: BlobStore) -> None:
    with pytest.raises(BlobNotFound, match="raw/none"):
        blobs.read("raw/none")
    with pytest.raises(BlobNotFound, match="raw/none"):
        blobs.info("raw/none")


def test_deleting_is_idempotent_and_makes_room(blobs: BlobStore) -> None:
    blobs.create("raw/a/one", b"1")
    blobs.create("raw/a/two", b"2")
    blobs.delete("raw/a/one")
    blobs.delete("raw/a/one")
    blobs.delete("never/was")
    assert [info.name for info in blobs.list("")] == ["raw/a/two"]
    blobs.delete("raw/a/two")
    assert blobs.create("raw/a/one", b"other") is Created.CREATED


def test_one_of_many_writers_wins(blobs: BlobStore) -> None:
    together = threading.Barrier(8)

    def write(number: int) -> Created:
        together.wait()
        return blobs.create("raw/contended", b"writer %d" % number)

    with ThreadPoolExecutor(8) as writers:
        outcomes = list(writers.map(write, range(8)))
    assert sorted(outcome.value for outcome in outcomes) == ["already_different"] * 7 + ["created"]
    assert blobs.read("raw/contended") == b"writer %d" % outcomes.index(Created.CREATED)


def test_the_same_bytes_from_many_writers_are_one_object(blobs: BlobStore) -> None:
    together = threading.Barrier(8)

    def write(_number: int) -> Created:
        together.wait()
        return blobs.create("raw/contended", b"the same")

    with ThreadPoolExecutor(8) as writers:
        outcomes = list(writers.map(write, range(8)))
    assert sorted(outcome.value for outcome in outcomes) == ["already_same"] * 7 + ["created"]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    names=st.sets(NAMES, max_size=12),
    prefix=st.one_of(st.just(""), NAMES, FOLDERS),
    after=st.one_of(st.just(""), NAMES),
)
def test_listings_come_in_the_order_of_names(blobs: BlobStore, names: set[str], prefix: str, after: str) -> None:
    root = f"{uuid.uuid4()}/"
    for name in names:
        blobs.create(root + name, name.encode(), {"n": name})
    listed = list(blobs.list(root + prefix, start_after=root + after))
    assert listed == [
        BlobInfo(root + name, len(name.encode()), {"n": name})
        for name in sorted(names, key=str.encode)
        if name.startswith(prefix) and name > after
    ]


def test_a_prefix_may_end_inside_a_part(blobs: BlobStore) -> None:
    for name in ("raw/12/x", "raw/13/x", "raw/2/x"):
        blobs.create(name, b"")
    assert [info.name for info in blobs.list("raw/1")] == ["raw/12/x", "raw/13/x"]
    assert [info.name for info in blobs.list("raw/12/x")] == ["raw/12/x"]
    assert list(blobs.list("raw/12/x/")) == []


def test_a_listing_outlives_deletions(blobs: BlobStore) -> None:
    names = [f"raw/{number}/x" for number in range(6)]
    for name in names:
        blobs.create(name, b"")
    listing = blobs.list("raw/")
    first = next(iter(listing)).name
    for name in names[3:]:
        blobs.delete(name)
    assert [first, *(info.name for info in listing)][:3] == names[:3]


def test_a_store_that_works_is_ready(blobs: BlobStore) -> None:
    blobs.check()  # raises where it is not
    assert list(blobs.list("")) == [], "asking leaves nothing behind"
