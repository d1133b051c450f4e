import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import Permanent
from common.object_names import (
    MAX_SEQ,
    ConnectionObjects,
    channel_and_start_of,
    checked_dead_letter_id,
    connection_of,
    dead_letter,
    dead_letter_id,
    dead_letters_prefix,
    quarantined_push,
    relabelling_of,
    seq_of,
    standing_by,
    standing_by_due_ms,
    standing_by_prefix,
    unregistered_connection,
    unregistered_prefix,
)
from tests.common.test_ids import IDS

OBJECTS = ConnectionObjects("default", "c1")
SEQS = st.integers(0, MAX_SEQ)


@given(SEQS, SEQS)
def test_names_sort_by_number_and_give_it_back(a: int, b: int) -> None:
    for name_of in (OBJECTS.chunk, OBJECTS.gap, OBJECTS.checkpoint):
        assert seq_of(name_of(a)) == a
        assert (name_of(a) < name_of(b)) == (a < b)


@given(st.integers(0, 10**14 - 1), st.integers(0, 10**14 - 1))
def test_observations_sort_by_the_end_of_their_window(a: int, b: int) -> None:
    if a != b:
        assert (OBJECTS.speakers(a, "f") < OBJECTS.speakers(b, "0")) == (a < b)


@given(st.integers(0, 7), st.integers(0, 10**10 - 1))
def test_final_segments_give_back_channel_and_start(channel: int, start_ms: int) -> None:
    assert channel_and_start_of(OBJECTS.final_segment(channel, start_ms)) == (channel, start_ms)


@given(st.integers(0, 7), st.integers(0, 10**10 - 1), st.integers(0, 10**5))
def test_relabellings_give_back_whose_they_are_and_sort_by_number(channel: int, start_ms: int, labels: int) -> None:
    assert relabelling_of(OBJECTS.relabelling(channel, start_ms, labels)) == (channel, start_ms, labels)
    assert OBJECTS.relabelling(channel, start_ms, labels) < OBJECTS.relabelling(channel, start_ms, labels + 1)
    assert OBJECTS.relabelling(channel, start_ms, labels).startswith(OBJECTS.relabellings_of(channel, start_ms))


@pytest.mark.parametrize("name", ["", "relabelled/0/1", "final/0/0000000032/000001", "relabelled/0/x/000001"])
def test_what_is_no_relabelling_is_permanent(name: str) -> None:
    with pytest.raises(Permanent, match="relabelling"):
        relabelling_of(name)


@given(IDS, IDS)
def test_a_description_says_whose_it_is(tenant: str, connection: str) -> None:
    assert connection_of(ConnectionObjects(tenant, connection).stream) == (tenant, connection)


@given(IDS, IDS)
def test_an_unregistered_connection_is_found_by_one_prefix(tenant: str, connection: str) -> None:
    name = ConnectionObjects(tenant, connection, raw_root="up/loads").unregistered
    assert name.startswith(unregistered_prefix("up/loads"))
    assert unregistered_connection(name) == (tenant, connection)


@pytest.mark.parametrize("name", ["raw/unregistered/t", "raw/unregistered/t/c/d", "raw/unregistered/.t/c", "t/c"])
def test_other_names_are_of_no_unregistered_connection(name: str) -> None:
    with pytest.raises(Permanent):
        unregistered_connection(name)


def test_events_of_one_segment_that_differ_have_names_that_differ() -> None:
    names = {OBJECTS.segment_event(0, 32, event) for event in (b"a", b"b", b"a")}
    assert len(names) == 2
    assert all(name.startswith(OBJECTS.segments_prefix) for name in names)


@given(IDS, IDS, IDS, IDS)
def test_no_connection_can_reach_anothers_objects(tenant: str, connection: str, other: str, theirs: str) -> None:
    mine, other_s = ConnectionObjects(tenant, connection), ConnectionObjects(other, theirs)
    if (tenant, connection) != (other, theirs):
        assert not other_s.raw_prefix.startswith(mine.raw_prefix)
        assert not other_s.segments_prefix.startswith(mine.segments_prefix)


def test_everything_of_a_connection_lies_below_its_two_prefixes() -> None:
    objects = ConnectionObjects("t", "c", raw_root="up", segments_root="cut")
    raw = [objects.stream, objects.end, objects.chunk(1), objects.speakers(1, "x"), objects.quarantine("q")]
    cut = [objects.final_segment(0, 32), objects.provisional_segment(0, 32, 1), objects.gap(1), objects.checkpoint(2)]
    assert all(name.startswith(objects.raw_prefix) for name in raw)
    assert all(name.startswith(objects.segments_prefix) for name in cut)
    assert objects.raw_prefix.startswith("up/")
    assert objects.segments_prefix.startswith("cut/")
    assert len({*raw, *cut}) == len(raw) + len(cut)


def test_the_same_push_is_quarantined_once() -> None:
    assert quarantined_push("raw", b"a") == quarantined_push("raw", b"a")
    assert quarantined_push("raw", b"a") != quarantined_push("raw", b"b")


@pytest.mark.parametrize(
    "name", ["", "chunks/1", "chunks/000000001", "chunks/0000000x", "chunks/٠٠٠٠٠٠٠١", "00000001/"]
)
def test_what_has_no_seq_is_permanent(name: str) -> None:
    with pytest.raises(Permanent, match="seq"):
        seq_of(name)


@pytest.mark.parametrize("name", ["", "0.flac", "final/0/x.flac", "final/x/0000000032.flac"])
def test_what_is_no_final_segment_is_permanent(name: str) -> None:
    with pytest.raises(Permanent, match="final segment"):
        channel_and_start_of(name)


@pytest.mark.parametrize("name", ["", "stream.json", "c/stream.json", "raw/h/t/c/end.json", "raw/h/../c/stream.json"])
def test_what_is_no_description_is_permanent(name: str) -> None:
    with pytest.raises(Permanent):
        connection_of(name)


@given(st.integers(0, 10**14 - 1), st.integers(0, 10**14 - 1), st.binary(max_size=9), st.binary(max_size=9))
def test_dead_letters_sort_by_time_and_their_ids_are_theirs(a: int, b: int, one: bytes, other: bytes) -> None:
    first, second = dead_letter_id(a, one), dead_letter_id(b, other)
    assert checked_dead_letter_id(first) == first
    if a != b:
        assert (dead_letter("raw", "t", first) < dead_letter("raw", "t", second)) == (a < b)
    assert (first == second) == ((a, one) == (b, other))


@pytest.mark.parametrize("published_ms", [-(10**20), -1, 10**14, 10**20])
def test_no_clock_gives_a_dead_letter_an_id_that_is_none(published_ms: int) -> None:
    assert checked_dead_letter_id(dead_letter_id(published_ms, b""))


@given(IDS, IDS)
def test_no_tenant_s_dead_letters_lie_among_another_s(tenant: str, other: str) -> None:
    if tenant != other:
        assert not dead_letter("raw", other, dead_letter_id(1, b"")).startswith(dead_letters_prefix("raw", tenant))


@given(st.integers(0, 10**14 - 1), st.integers(0, 10**14 - 1), st.text(max_size=9))
def test_what_stands_by_sorts_by_when_it_is_due(a: int, b: int, identity: str) -> None:
    first, second = standing_by("segments", a, identity), standing_by("segments", b, identity)
    assert first.startswith(standing_by_prefix("segments"))
    assert standing_by_due_ms(first) == a
    if a != b:
        assert (first < second) == (a < b)


@pytest.mark.parametrize("name", ["", "standing-by/", "standing-by/1-a", "standing-by/0000000000000x-a"])
def test_what_does_not_stand_by_is_permanent(name: str) -> None:
    with pytest.raises(Permanent, match="stands by"):
        standing_by_due_ms(name)
