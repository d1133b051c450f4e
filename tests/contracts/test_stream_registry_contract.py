"""What every stream registry promises."""

import msgspec
import pytest

from common.errors import Retryable
from common.events import StreamOptions
from common.ports.stream_registry import Gap, StreamRecord, StreamRegistry, StreamSummary

OPTIONS = StreamOptions(
    content_type="audio/webm", language="de", channels="separate", channel_speakers=("Änne", "Bo"), source="phone"
)


def record(
    connection_id: str, meeting_id: str = "m1", opened_at_ms: int = 1000, tenant: str = "default"
) -> StreamRecord:
    return StreamRecord(
        tenant=tenant, meeting_id=meeting_id, connection_id=connection_id, opened_at_ms=opened_at_ms, options=OPTIONS
    )


def summary(segments: int = 3) -> StreamSummary:
    return StreamSummary(
        closed_at_ms=9000,
        chunks=4,
        audio_ms=12_000,
        segments=segments,
        segment_ms=10_000,
        silence_skipped_ms=2_000,
        gaps=(Gap(1, 2, 3000, 6000),),
        quarantined=1,
        channels=2,
        epoch_offset_ms=1_700_000_000_000,
    )


def test_an_opened_stream_is_found(streams: StreamRegistry) -> None:
    streams.open(record("c1"))
    assert streams.get("default", "c1") == record("c1")
    assert streams.get("default", "c2") is None
    assert streams.get("other", "c1") is None


def test_opening_again_changes_nothing(streams: StreamRegistry) -> None:
    streams.open(record("c1", opened_at_ms=1000))
    streams.close("default", "c1", summary())
    streams.open(record("c1", meeting_id="m2", opened_at_ms=5000))
    assert streams.get("default", "c1") == msgspec.structs.replace(record("c1"), summary=summary())
    assert streams.of_meeting("default", "m2") == []


def test_what_a_stream_is_can_be_said_after_it_was_opened(streams: StreamRegistry) -> None:
    undescribed = msgspec.structs.replace(record("c1"), options=StreamOptions())
    streams.open(undescribed)
    streams.describe("default", "c1", OPTIONS)
    assert streams.get("default", "c1") == record("c1")
    streams.close("default", "c1", summary())
    streams.describe("default", "c1", StreamOptions(connections="per_participant", participant="Cai"))
    described = streams.get("default", "c1")
    assert described is not None
    assert (described.options.participant, described.summary) == ("Cai", summary())
    assert [each.connection_id for each in streams.unsettled(due_ms=9000, limit=2)] == ["c1"]
    with pytest.raises(Retryable):
        streams.describe("default", "none", OPTIONS)


def test_a_later_account_replaces_an_earlier_one(streams: StreamRegistry) -> None:
    streams.open(record("c1"))
    streams.close("default", "c1", summary(segments=3))
    streams.close("default", "c1", summary(segments=4))
    found = streams.get("default", "c1")
    assert found is not None
    assert found.summary == summary(segments=4)


def test_the_account_of_an_unknown_stream_is_not_lost_silently(streams: StreamRegistry) -> None:
    with pytest.raises(Retryable):
        streams.close("default", "none", summary())
    assert streams.get("default", "none") is None


def test_streams_of_many_meetings_are_found_together(streams: StreamRegistry) -> None:
    for number in range(70):
        streams.open(record(f"c{number}", meeting_id=f"m{number % 65}"))
        streams.open(record(f"c{number}", meeting_id=f"m{number % 65}", tenant="other"))
    streams.close("default", "c3", summary())
    found = streams.of_meetings("default", [f"m{number}" for number in range(66)])
    assert {each.tenant for each in found} == {"default"}
    assert sorted(each.connection_id for each in found) == sorted(f"c{number}" for number in range(70))
    assert [each.connection_id for each in found if each.summary] == ["c3"]
    assert streams.of_meetings("default", []) == []


def test_streams_of_a_meeting_come_in_the_order_of_opening(streams: StreamRegistry) -> None:
    for each in (record("b", opened_at_ms=2000), record("a", opened_at_ms=3000), record("c", opened_at_ms=1000)):
        streams.open(each)
    streams.open(record("d", meeting_id="m2"))
    streams.open(record("e", tenant="other"))
    assert [each.connection_id for each in streams.of_meeting("default", "m1")] == ["c", "b", "a"]


def test_open_streams_are_paged_over_all_tenants(streams: StreamRegistry) -> None:
    for tenant, connection_id in (("t2", "a"), ("t1", "b"), ("t1", "a"), ("t1", "c"), ("t-1", "z")):
        streams.open(record(connection_id, tenant=tenant))
    streams.close("t1", "b", summary())
    first = streams.open_streams(limit=2)
    assert [(each.tenant, each.connection_id) for each in first] == [("t-1", "z"), ("t1", "a")]
    second = streams.open_streams(limit=2, start_after="t1/a")
    assert [(each.tenant, each.connection_id) for each in second] == [("t1", "c"), ("t2", "a")]
    assert streams.open_streams(limit=2, start_after="t2/a") == []


def test_closed_streams_are_due_until_they_are_settled(streams: StreamRegistry) -> None:
    for number, connection_id in enumerate(("a", "b", "c")):
        streams.open(record(connection_id))
        streams.close("default", connection_id, msgspec.structs.replace(summary(), closed_at_ms=1000 * number))
    streams.open(record("open"))

    def due(due_ms: int, limit: int = 10) -> list[str]:
        return [each.connection_id for each in streams.unsettled(due_ms=due_ms, limit=limit)]

    assert due(1000) == ["a", "b"]
    assert due(5000, limit=2) == ["a", "b"]
    a, b, _c = streams.unsettled(due_ms=5000, limit=3)
    assert a == streams.get("default", "a")
    streams.look_again(a, 7000)
    streams.look_again(b, None)
    assert due(5000) == ["c"]
    assert due(7000) == ["c", "a"]


def test_a_new_account_is_due_whatever_was_said_of_the_earlier_one(streams: StreamRegistry) -> None:
    streams.open(record("a"))
    streams.close("default", "a", summary(segments=3))
    (earlier,) = streams.unsettled(due_ms=9000, limit=1)
    streams.look_again(earlier, None)
    streams.close("default", "a", summary(segments=4))
    streams.look_again(earlier, None)
    (later,) = streams.unsettled(due_ms=9000, limit=1)
    assert later.summary == summary(segments=4)
    streams.look_again(later, None)
    assert streams.unsettled(due_ms=99_000, limit=1) == []
    streams.look_again(record("never-there"), 1)


def test_a_registry_that_works_is_ready(streams: StreamRegistry) -> None:
    streams.check()  # raises where it is not
    assert streams.open_streams(limit=1) == [], "asking leaves nothing behind"


def erased(found: StreamRecord) -> StreamRecord:
    return msgspec.structs.replace(found, options=StreamOptions(), summary=None, erased_at_ms=5000)


def reopened(found: StreamRecord) -> StreamRecord:
    return msgspec.structs.replace(found, generation=found.generation + 1, summary=None)


def test_an_erased_stream_is_known_to_those_alone_who_ask_for_it(streams: StreamRegistry) -> None:
    streams.open(record("open"))
    streams.open(record("closed"))
    streams.close("default", "closed", summary())
    for connection_id in ("open", "closed"):
        streams.change("default", connection_id, erased)
        assert streams.get("default", connection_id) == erased(record(connection_id))
    assert streams.of_meeting("default", "m1") == []
    assert streams.open_streams(limit=9) == []
    assert streams.unsettled(due_ms=99_000, limit=9) == []


def test_an_erased_stream_takes_nothing_in_any_more(streams: StreamRegistry) -> None:
    streams.open(erased(record("c1")))
    streams.open(record("c1"))
    streams.close("default", "c1", summary())
    streams.describe("default", "c1", OPTIONS)
    assert streams.get("default", "c1") == erased(record("c1"))
    assert streams.of_meeting("default", "m1") == []
    assert streams.unsettled(due_ms=99_000, limit=9) == []


def test_only_an_erased_stream_is_forgotten(streams: StreamRegistry) -> None:
    streams.open(record("kept"))
    streams.open(erased(record("c1")))
    for connection_id in ("kept", "c1", "none"):
        streams.forget("default", connection_id)
    assert streams.get("default", "kept") == record("kept")
    assert streams.get("default", "c1") is None


def test_a_stream_whose_account_is_taken_back_is_open_again(streams: StreamRegistry) -> None:
    streams.open(record("c1"))
    streams.close("default", "c1", summary())
    changed = streams.change("default", "c1", reopened)
    assert changed is not None
    assert changed.generation == 1
    assert streams.open_streams(limit=9) == [changed]
    assert streams.unsettled(due_ms=99_000, limit=9) == []
    streams.close("default", "c1", summary())
    assert streams.get("default", "c1") == changed, "the account of what was there before it was replayed"
    again = msgspec.structs.replace(summary(), generation=1)
    streams.close("default", "c1", again)
    assert [each.summary for each in streams.unsettled(due_ms=9000, limit=9)] == [again]
    assert streams.open_streams(limit=9) == []


def test_a_change_leaves_alone_when_the_stream_is_due(streams: StreamRegistry) -> None:
    streams.open(record("c1"))
    streams.close("default", "c1", summary())
    (due,) = streams.unsettled(due_ms=9000, limit=9)
    streams.look_again(due, 20_000)
    streams.change("default", "c1", lambda found: msgspec.structs.replace(found, emptied_at_ms=1))
    assert streams.unsettled(due_ms=19_999, limit=9) == []
    assert len(streams.unsettled(due_ms=20_000, limit=9)) == 1
    streams.change("default", "c1", lambda found: msgspec.structs.replace(found, audio_erased_at_ms=1))
    assert streams.unsettled(due_ms=99_000, limit=9) == [], "without audio nothing can be transcribed"
    assert len(streams.of_meeting("default", "m1")) == 1
    assert streams.change("default", "none", erased) is None
