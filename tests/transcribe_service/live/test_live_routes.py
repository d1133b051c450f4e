import dataclasses
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest
from flask import Flask

from common.auth import Principal
from common.events import TranscriptUpdated
from common.ports.token_store import Scope
from common.ports.transcript_store import Changes, SegmentTranscript
from tests.transcribe_service.fakes import API_TOKEN, DOWN, World, settings
from tests.transcribe_service.live.page import Event, Page, parsed
from tests.transcribe_service.spoken import EPOCH_MS, segment, stream
from transcribe_service.app import create_app
from transcribe_service.live.hub import LiveHub, live_places
from transcribe_service.live.waking_publisher import WakingPublisher
from transcribe_service.reading.stored_meeting import StoredMeetings

READER = {"Authorization": f"Bearer {API_TOKEN}"}
LIVE = "/v1/meetings/m1/live"
READERS = 2


@pytest.fixture
def app(world: World) -> Iterator[Flask]:
    quick = msgspec.structs.replace(settings(), live_readers=READERS, live_poll_sec=0.01, live_max_sec=3_000)
    yield create_app(dataclasses.replace(world.deps(), settings=quick))
    world.drain.start()


@pytest.fixture
def meeting(world: World) -> World:
    world.meetings.open("default", "m1", 1_000)
    world.streams.open(stream(segments=2))
    world.transcripts.put(segment(("Hello", 100, 600, "Ada")))
    return world


def spoken(text: str, start_ms: int, *, final: bool = True) -> SegmentTranscript:
    """A segment of ten seconds with one word."""
    return segment((text, start_ms, start_ms + 400, None), start_ms=start_ms, end_ms=start_ms + 10_000, final=final)


class Stream:
    """An answer that is read as it comes."""

    def __init__(self, app: Flask, headers: dict[str, str], query: str) -> None:
        self.answer = app.test_client().get(LIVE + query, headers=headers, buffered=False)
        self.headers = self.answer.headers
        self._parts = iter(self.answer.response)
        self._events: list[Event] = []

    def event(self) -> Event:
        """The next one; raises `StopIteration` at the end."""
        while not self._events:
            part = next(self._parts)
            assert isinstance(part, bytes)
            self._events = parsed(part)
        return self._events.pop(0)


@contextmanager
def live(app: Flask, headers: dict[str, str] | None = None, query: str = "") -> Iterator[Stream]:
    found = Stream(app, READER | (headers or {}), query)
    assert found.answer.status_code == 200, found.answer.get_data()
    try:
        yield found
    finally:
        found.answer.close()


def ended(found: Stream) -> bool:
    try:
        while True:
            found.event()
    except StopIteration:
        return True


def test_first_comes_the_meeting_then_all_that_is_shown_then_what_changes(app: Flask, meeting: World) -> None:
    meeting.transcripts.put(spoken("Bye", 20_000, final=False))
    with live(app) as found:
        assert found.headers["Content-Type"] == "text/event-stream"
        assert found.headers["Cache-Control"] == "no-store"
        assert found.headers["X-Accel-Buffering"] == "no"
        first = found.event()
        status = json.loads(app.test_client().get("/v1/meetings/m1", headers=READER).data)
        assert (first.name, first.data) == ("meeting", status | {"epoch_ms": 1_700_000_000_000})
        hello, bye = found.event(), found.event()
        assert hello.name == bye.name == "segment"
        assert (hello.data["final"], bye.data["final"]) == (True, False)
        assert [each["text"] for each in hello.data["utterances"]] == ["Hello"]
        meeting.transcripts.put(spoken("Bye", 20_000))
        changed = found.event()
        assert (changed.data["segment_id"], changed.data["final"]) == (bye.data["segment_id"], True)
        complete = found.event()
        assert (complete.name, complete.data["complete"]) == ("meeting", True)


def test_the_stream_begins_with_how_soon_to_come_again(app: Flask, meeting: World) -> None:
    answer = app.test_client().get(LIVE, headers=READER, buffered=False)
    hint = next(iter(answer.response))
    answer.close()
    assert isinstance(hint, bytes)
    assert 500 <= int(hint.removeprefix(b"retry: ").removesuffix(b"\n\n")) <= 2_500


@pytest.mark.parametrize("by", ["header", "query"])
def test_who_comes_back_gets_what_came_after(app: Flask, meeting: World, by: str) -> None:
    with live(app) as found:
        found.event()
        last = found.event().id
    meeting.transcripts.put(spoken("Later", 90_000))
    meeting.transcripts.put(spoken("Last", 990_000))
    headers, query = ({"Last-Event-ID": last}, "") if by == "header" else ({}, f"?last_event_id={last}")
    with live(app, headers, query) as found:
        page = Page()
        for _ in range(4):
            page.take(found.event())
    # The segment that the id is of may be told again: between two events of one change nobody knows which of them came.
    assert page.names == ["meeting", "segment", "segment", "segment"]
    assert [each["text"] for each in page.utterances] == ["Hello", "Later", "Last"]


def test_who_came_before_the_first_segment_gets_it_without_a_reset(app: Flask, world: World) -> None:
    world.meetings.open("default", "m1", 1_000)
    world.streams.open(stream())
    with live(app) as found:
        first = found.event()
        assert (first.name, first.data["epoch_ms"]) == ("meeting", 0)
        world.transcripts.put(segment(("Hello", 100, 600, "Ada")))
        told, shown = found.event(), found.event()
        assert (told.name, told.data["epoch_ms"]) == ("meeting", EPOCH_MS)
        assert (shown.name, shown.data["utterances"][0]["start_ms"]) == ("segment", 100)
    with live(app, {"Last-Event-ID": first.id}) as found:  # whose connection broke meanwhile
        assert [found.event().name for _ in range(2)] == ["meeting", "segment"]


def test_a_clock_that_moves_under_what_is_shown_begins_anew(app: Flask, meeting: World) -> None:
    with live(app) as found:
        assert [found.event().name for _ in range(2)] == ["meeting", "segment"]
        meeting.streams.open(stream("c2"))
        earlier = segment(("Early", 100, 600, "Bo"), connection="c2", offset_ms=EPOCH_MS - 5_000)
        meeting.transcripts.put(earlier)
        assert [found.event().name for _ in range(4)] == ["reset", "meeting", "segment", "segment"]
    with live(app, {"Last-Event-ID": f"{'0' * 18}1-00000000"}) as found:
        assert found.event().name == "reset"


@pytest.mark.parametrize(
    "last",
    ["x", "7", "9999999999999999999-00000000", "0000000000000000001-00000000", f"{10**40}-00000000", "é", "-", "1-1"],
)
def test_who_comes_back_with_an_id_of_nothing_begins_anew(app: Flask, meeting: World, last: str) -> None:
    with live(app, query=f"?last_event_id={last}") as found:
        assert [found.event().name for _ in range(3)] == ["reset", "meeting", "segment"]


def test_an_id_from_the_future_begins_anew(app: Flask, meeting: World) -> None:
    with live(app) as found:
        state = found.event().id.partition("-")[2]
    with live(app, {"Last-Event-ID": f"9999999999999999999-{state}"}) as found:
        assert found.event().name == "reset"


def test_another_transcription_that_becomes_the_shown_one_takes_the_place_of_all(app: Flask, meeting: World) -> None:
    with live(app) as found:
        found.event()
        before = found.event()
        meeting.transcripts.put(
            msgspec.structs.replace(segment(("Hallo", 100, 600, "Ada"), start_ms=50), meeting_id="m1~better")
        )
        meeting.meetings.change("default", "m1", lambda each: msgspec.structs.replace(each, take="better"))
        meeting.clock.advance(3)
        names = [found.event() for _ in range(3)]
        assert [each.name for each in names] == ["reset", "meeting", "segment"]
        assert names[2].data["utterances"][0]["text"] == "Hallo"
    with live(app, {"Last-Event-ID": before.id}) as found:
        assert found.event().name == "reset"


def test_a_speaker_who_is_renamed_is_shown_so_everywhere(app: Flask, meeting: World) -> None:
    with live(app) as found:
        found.event(), found.event()
        meeting.meetings.change(
            "default", "m1", lambda each: msgspec.structs.replace(each, speaker_names={"Ada": "A."})
        )
        meeting.clock.advance(3)
        shown, told = found.event(), found.event()
        assert (shown.data["utterances"][0]["speaker"], told.data["speaker_names"]) == ("A.", {"Ada": "A."})


def test_a_deleted_meeting_says_so_and_ends(app: Flask, meeting: World) -> None:
    with live(app) as found:
        found.event(), found.event()
        meeting.transcripts.delete_meeting("default", "m1")
        meeting.streams.records.clear()
        meeting.meetings.delete("default", "m1")
        meeting.clock.advance(3)
        last = found.event()
        assert (last.name, last.data) == ("deleted", {"meeting_id": "m1"})
        assert ended(found)
    assert app.test_client().get(LIVE, headers=READER).status_code == 404


def test_the_meeting_of_another_tenant_is_unknown(app: Flask, world: World) -> None:
    world.streams.open(msgspec.structs.replace(stream(), tenant="other"))
    assert app.test_client().get(LIVE, headers=READER).status_code == 404
    assert app.test_client().get("/v1/meetings/a:b/live", headers=READER).status_code == 400


def test_who_can_not_set_headers_gives_the_token_in_the_query(app: Flask, meeting: World) -> None:
    assert app.test_client().get(LIVE).status_code == 401
    with live(app, {"Authorization": ""}, f"?token={API_TOKEN}") as found:
        assert found.event().name == "meeting"


def test_there_are_so_many_readers_and_no_more(app: Flask, meeting: World) -> None:
    for _ in range(3):  # who left made room, and who only asks for the head takes none
        with live(app), live(app):
            refused = app.test_client().get(LIVE, headers=READER)
            assert refused.status_code == 429
            assert int(refused.headers["Retry-After"]) > 0
        for _ in range(READERS + 1):
            assert app.test_client().head(LIVE, headers=READER).status_code == 200
            assert app.test_client().get("/v1/meetings/nobody/live", headers=READER).status_code == 404


def test_a_store_that_is_down_refuses_newcomers_and_loses_nobody(app: Flask, meeting: World) -> None:
    for _ in range(READERS + 1):
        meeting.transcripts.faults.before.append(DOWN)
        assert app.test_client().get(LIVE, headers=READER).status_code == 503
    with live(app) as found:
        found.event(), found.event()
        meeting.transcripts.faults.before.append(DOWN)
        meeting.drain.wait(0.05)  # time for the watcher to meet it
        meeting.transcripts.faults.before.clear()
        meeting.transcripts.put(spoken("more", 20_000))
        assert found.event().data["utterances"][0]["text"] == "more"


def test_when_the_server_stops_readers_are_let_go(app: Flask, meeting: World) -> None:
    with live(app) as found:
        found.event()
        meeting.drain.start()
        assert ended(found)
    refused = app.test_client().get(LIVE, headers=READER)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")


def test_an_answer_ends_in_good_time(app: Flask, meeting: World) -> None:
    with live(app) as found:
        found.event(), found.event()
        meeting.clock.advance(3_000)
        meeting.transcripts.put(spoken("more", 20_000))
        assert ended(found)


def test_who_is_shut_out_is_not_read_to_for_long(world: World, meeting: World) -> None:
    class Tokens:
        holds = True

        def verify(self, _token: str) -> Principal | None:
            return Principal("default", frozenset({Scope.READ})) if self.holds else None

    tokens = Tokens()
    app = create_app(dataclasses.replace(world.deps(), tokens=tokens))
    with live(app) as found:
        found.event(), found.event()
        tokens.holds = False
        meeting.clock.advance(60)
        meeting.transcripts.put(spoken("more", 20_000))
        assert ended(found)
    world.drain.start()


def test_what_this_process_stores_is_seen_without_waiting_for_the_next_look(meeting: World) -> None:
    stored = StoredMeetings(meeting.transcripts, meeting.streams, meeting.meetings)
    hub = LiveHub(stored, readers=1, poll_s=3_600, clock=meeting.clock, drain=meeting.drain)
    publisher = WakingPublisher(meeting.publisher, hub.wake)
    reader = hub.reader("default", "m1", "")
    page = Page()
    assert page.read(reader) == 2
    made = spoken("more", 20_000)
    meeting.transcripts.put(made)
    event = TranscriptUpdated(
        tenant="default", meeting_id="m1", connection_id="c1", segment_id=made.segment_id, revision=1, final=True
    )
    threading.Timer(0.05, publisher.publish, [event]).start()
    sent = reader.next(60)
    assert sent is not None
    assert "more" in sent.decode()
    assert meeting.publisher.published == [event]
    meeting.drain.start()
    reader.close()


def test_any_number_of_readers_asks_the_store_as_often_as_one(meeting: World) -> None:
    asked = []
    ask = meeting.transcripts.changes

    def counted(tenant: str, meeting_id: str, *, after: str) -> Changes:
        asked.append(after)
        return ask(tenant, meeting_id, after=after)

    meeting.transcripts.changes = counted  # type: ignore[method-assign]
    stored = StoredMeetings(meeting.transcripts, meeting.streams, meeting.meetings)
    hub = LiveHub(stored, readers=100, poll_s=3_600, clock=meeting.clock, drain=meeting.drain)
    readers = [hub.reader("default", "m1", "") for _ in range(100)]
    for reader in readers:
        assert Page().read(reader) == 2
    assert asked == [""]
    meeting.drain.start()
    for reader in readers:
        reader.close()


@pytest.mark.parametrize(
    ("wanted", "threads", "places"),
    [(250, None, 250), (250, 258, 250), (250, 8, 4), (250, 40, 32), (10, 40, 10), (5, 1, 1)],
)
def test_readers_leave_threads_to_others(wanted: int, threads: int | None, places: int) -> None:
    assert live_places(wanted, threads) == places
