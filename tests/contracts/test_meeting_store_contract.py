"""What every meeting store promises."""

from concurrent.futures import ThreadPoolExecutor

import msgspec

from common.ports.meeting_store import Cursor, Meeting, MeetingStore


def titled(title: str, meeting: Meeting) -> Meeting:
    return msgspec.structs.replace(meeting, title=title)


def test_a_meeting_stays_as_it_was_opened_first(meetings: MeetingStore) -> None:
    meetings.open("acme", "m1", 1000)
    meetings.open("acme", "m1", 2000)
    assert meetings.get("acme", "m1") == Meeting(tenant="acme", meeting_id="m1", opened_at_ms=1000)
    assert meetings.get("acme", "m2") is None
    assert meetings.get("other", "m1") is None


def test_everything_that_people_say_of_a_meeting_is_kept(meetings: MeetingStore) -> None:
    meetings.open("acme", "m1", 1000)
    wanted = Meeting(
        tenant="acme",
        meeting_id="m1",
        opened_at_ms=1000,
        title="Grüße \x00 '; DROP TABLE",
        language="pt-BR",
        detected_language="pt",
        vocabulary=("Łódź", "kubectl"),
        speaker_names={"a.b/c[0]": "Ada", "": "?"},
        take="2",
    )
    assert meetings.change("acme", "m1", lambda _: wanted) == wanted
    assert meetings.get("acme", "m1") == wanted


def test_what_is_not_there_is_not_changed(meetings: MeetingStore) -> None:
    assert meetings.change("acme", "m1", lambda meeting: titled("x", meeting)) is None
    assert meetings.get("acme", "m1") is None


def test_no_change_is_lost_among_writers(meetings: MeetingStore) -> None:
    meetings.open("acme", "m1", 1000)

    def add(word: str) -> None:
        meetings.change(
            "acme", "m1", lambda meeting: msgspec.structs.replace(meeting, vocabulary=(*meeting.vocabulary, word))
        )

    with ThreadPoolExecutor(4) as writers:
        list(writers.map(add, "abcd"))
    found = meetings.get("acme", "m1")
    assert found is not None
    assert sorted(found.vocabulary) == list("abcd")


def test_pages_are_newest_first_and_none_is_left_out_or_shown_twice(meetings: MeetingStore) -> None:
    for meeting_id, opened_at_ms in (("a", 3000), ("b", 1000), ("c", 3000), ("d", 2000), ("e", 10_000)):
        meetings.open("acme", meeting_id, opened_at_ms)
    meetings.open("other", "f", 5000)
    seen: list[str] = []
    after = None
    while page := meetings.page("acme", limit=2, after=after):
        seen += [meeting.meeting_id for meeting in page]
        after = Cursor(page[-1].opened_at_ms, page[-1].meeting_id)
    assert seen == ["e", "c", "a", "d", "b"]


def test_old_meetings_are_found_oldest_first(meetings: MeetingStore) -> None:
    for meeting_id, opened_at_ms in (("a", 3000), ("b", 1000), ("c", 3000), ("d", 2000)):
        meetings.open("acme", meeting_id, opened_at_ms)
    assert [each.meeting_id for each in meetings.opened_before("acme", 3000, limit=9)] == ["b", "d"]
    assert [each.meeting_id for each in meetings.opened_before("acme", 9000, limit=1)] == ["b"]
    assert meetings.opened_before("other", 9000, limit=9) == []


def test_a_meeting_that_is_deleted_is_gone_and_can_be_made_again(meetings: MeetingStore) -> None:
    meetings.open("acme", "m1", 1000)
    meetings.delete("acme", "m1")
    meetings.delete("acme", "m1")
    assert meetings.get("acme", "m1") is None
    assert meetings.page("acme", limit=9) == []
    meetings.open("acme", "m1", 2000)
    assert meetings.get("acme", "m1") == Meeting(tenant="acme", meeting_id="m1", opened_at_ms=2000)


def test_it_can_be_reached(meetings: MeetingStore) -> None:
    meetings.check()


def test_old_meetings_are_paged(meetings: MeetingStore) -> None:
    for number, meeting_id in enumerate(("a", "c", "b")):
        meetings.open("acme", meeting_id, 1000 * (number // 2))
    first = meetings.opened_before("acme", 9000, limit=2)
    assert [each.meeting_id for each in first] == ["a", "c"]
    rest = meetings.opened_before("acme", 9000, limit=2, after=Cursor(0, "c"))
    assert [each.meeting_id for each in rest] == ["b"]
    assert meetings.opened_before("acme", 1000, limit=2, after=Cursor(0, "c")) == []


def test_tenants_with_meetings_are_found(meetings: MeetingStore) -> None:
    assert meetings.tenants() == []
    meetings.open("acme", "m1", 1000)
    meetings.open("acme", "m2", 1000)
    meetings.open("other", "m1", 1000)
    assert meetings.tenants() == ["acme", "other"]
