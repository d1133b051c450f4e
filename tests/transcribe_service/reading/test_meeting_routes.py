import dataclasses
import json
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from flask.testing import FlaskClient

from common.auth import Principal
from common.ports.token_store import Scope
from tests.transcribe_service.asking import READER, get, problem
from tests.transcribe_service.fakes import World
from tests.transcribe_service.spoken import EPOCH_MS, segment, stream
from transcribe_service.app import create_app

OPENED_AT = "2023-11-14T22:13:20.000Z"


@pytest.fixture
def client(world: World) -> FlaskClient:
    return create_app(world.deps()).test_client()


@pytest.fixture
def meeting(world: World) -> World:
    world.meetings.open("default", "m1", EPOCH_MS)
    world.streams.open(stream(segments=1))
    world.transcripts.put(segment(("Hello", 100, 600, "Ada"), ("you", 700, 900, "bob@x"), ("all", 900, 950, None)))
    return world


def patch(client: FlaskClient, body: Any, path: str = "/v1/meetings/m1", **headers: str) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body)
    return client.patch(path, data=data, headers=READER | headers)


def said(client: FlaskClient, query: str = "") -> list[tuple[str | None, str | None, str]]:
    found = json.loads(get(client, f"/v1/meetings/m1/transcript{query}").data)["utterances"]
    return [(each["speaker"], each["speaker_key"], each["text"]) for each in found]


def test_a_meeting_with_what_people_say_of_it(client: FlaskClient, meeting: World) -> None:
    document = json.loads(get(client, "/v1/meetings/m1").data)
    assert document.pop("streams")[0]["segments"] == 1
    assert document == {
        "meeting_id": "m1",
        "complete": True,
        "title": "",
        "opened_at": OPENED_AT,
        "language": "",
        "vocabulary": [],
        "speaker_names": {},
    }


def test_what_is_left_out_of_a_patch_stays_and_null_takes_away(client: FlaskClient, meeting: World) -> None:
    everything = {"title": "Weekly", "language": "pt-BR", "vocabulary": ["kubectl"], "speaker_names": {"Ada": "Ada L."}}
    answer = patch(client, everything)
    assert answer.status_code == 200
    assert {name: answer.get_json()[name] for name in everything} == everything
    assert answer.data == get(client, "/v1/meetings/m1").data
    changed = patch(client, {"title": "Daily", "speaker_names": {"bob@x": "Bob"}}).get_json()
    assert {name: changed[name] for name in everything} == {
        **everything,
        "title": "Daily",
        "speaker_names": {"Ada": "Ada L.", "bob@x": "Bob"},
    }
    emptied = patch(client, {"title": None, "language": None, "vocabulary": None, "speaker_names": {"Ada": None}})
    assert {name: emptied.get_json()[name] for name in everything} == {
        "title": "",
        "language": "",
        "vocabulary": [],
        "speaker_names": {"bob@x": "Bob"},
    }
    assert patch(client, {"speaker_names": None}).get_json()["speaker_names"] == {}
    assert patch(client, {}).status_code == 200


def test_a_renamed_speaker_is_read_by_the_new_name_in_every_format_and_null_undoes_it(
    client: FlaskClient, meeting: World
) -> None:
    assert patch(client, {"speaker_names": {"bob@x": "Bob <R&D>"}}).status_code == 200
    assert said(client) == [("Ada", "Ada", "Hello"), ("Bob <R&D>", "bob@x", "you"), (None, None, "all")]
    words = json.loads(get(client, "/v1/meetings/m1/transcript").data)["utterances"][1]["words"]
    assert [word["speaker"] for word in words] == ["Bob <R&D>"]
    for name, shown in (
        ("text", b"Bob <R&D>: you"),
        ("srt", b"Bob <R&D>: you"),
        ("vtt", b"<v Bob &lt;R&amp;D&gt;>you"),
        ("diarized_json", b'"speaker":"Bob <R&D>"'),
    ):
        document = get(client, f"/v1/meetings/m1/transcript?format={name}").data
        assert shown in document
        assert b"bob@x" not in document
    patch(client, {"speaker_names": {"bob@x": None}})
    assert said(client)[1] == ("bob@x", "bob@x", "you")


def test_two_speakers_of_one_name_are_one(client: FlaskClient, meeting: World) -> None:
    patch(client, {"speaker_names": {"bob@x": "Ada"}})
    assert said(client) == [("Ada", "Ada", "Hello you"), (None, None, "all")]
    for name in ("Ada", "bob@x"):
        assert said(client, f"?speaker={name}") == [("Ada", "Ada", "Hello you")]


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"{", "JSON"),
        (b"[]", "array"),
        (b"\xff", "JSON"),
        ({"titel": "x"}, "titel"),
        ({"title": 1}, "$.title"),
        ({"title": "x" * 201}, "$.title"),
        ({"title": "a\nb"}, "$.title"),
        ({"language": "english please"}, "$.language"),
        ({"vocabulary": ["x"] * 201}, "$.vocabulary"),
        ({"vocabulary": [""]}, "$.vocabulary[0]"),
        ({"speaker_names": {"Ada": ""}}, "$.speaker_names[...]"),
        ({"speaker_names": {"": "Ada"}}, "$.speaker_names"),
        ({"speaker_names": {"Ada": "x" * 201}}, "$.speaker_names[...]"),
        ({"speaker_names": {str(number): "x" for number in range(301)}}, "$.speaker_names"),
    ],
)
def test_a_patch_that_breaks_a_rule_is_told_which(client: FlaskClient, meeting: World, body: Any, what: str) -> None:
    before = dict(meeting.meetings.stored)
    found = problem(patch(client, body), 400)
    assert found["type"].endswith(":invalid-body")
    assert what in found["detail"]
    assert meeting.meetings.stored == before


def test_names_that_come_bit_by_bit_are_counted_together(client: FlaskClient, meeting: World) -> None:
    assert patch(client, {"speaker_names": {f"a{number}": "x" for number in range(299)}}).status_code == 200
    assert patch(client, {"speaker_names": {"b": "x", "a0": None, "c": "x"}}).status_code == 200
    assert problem(patch(client, {"speaker_names": {"d": "x"}}), 400)["field"] == "speaker_names"
    problem(patch(client, b" " * 600_000), 413)


def test_changing_needs_the_scope_edit_and_reading_does_not_do(world: World, meeting: World) -> None:
    class Reader:
        def verify(self, token: str) -> Principal:
            return Principal("default", frozenset({Scope.READ, Scope.INGEST, Scope.ADMIN}))

    client = create_app(dataclasses.replace(world.deps(), tokens=Reader())).test_client()
    assert get(client, "/v1/meetings/m1").status_code == 200
    assert problem(patch(client, {"title": "x"}), 403)["scope"] == "edit"


def test_a_meeting_of_an_earlier_release_can_be_read_and_changed(client: FlaskClient, world: World) -> None:
    """There is no record of it, only its streams and segments."""
    world.streams.open(stream(segments=1))
    world.transcripts.put(segment(("Hello", 100, 600, "Ada")))
    assert json.loads(get(client, "/v1/meetings/m1").data)["opened_at"] == OPENED_AT
    assert said(client) == [("Ada", "Ada", "Hello")]
    assert json.loads(get(client, "/v1/meetings").data)["meetings"] == []
    assert patch(client, {"title": "Found"}).get_json()["title"] == "Found"
    (listed,) = json.loads(get(client, "/v1/meetings").data)["meetings"]
    assert listed == {"meeting_id": "m1", "title": "Found", "opened_at": OPENED_AT, "state": "closed"}


def test_segments_without_any_stream_are_a_meeting_too(client: FlaskClient, world: World) -> None:
    world.transcripts.put(segment(("Hello", 100, 600, "Ada")))
    assert json.loads(get(client, "/v1/meetings/m1").data)["opened_at"] == OPENED_AT


def test_readers_see_the_shown_transcription_and_no_other(client: FlaskClient, meeting: World) -> None:
    other = segment(("Hallo", 100, 600, "Ada"))
    meeting.transcripts.put(msgspec.structs.replace(other, meeting_id="m1~2"))
    assert said(client)[0][2] == "Hello"
    meeting.meetings.change("default", "m1", lambda each: msgspec.structs.replace(each, take="2"))
    assert said(client) == [("Ada", "Ada", "Hallo")]
    assert json.loads(get(client, "/v1/meetings/m1").data)["streams"][0]["segments"] == 1


def test_the_list_goes_from_page_to_page_the_newest_first(client: FlaskClient, world: World) -> None:
    for number in range(7):
        world.meetings.open("default", f"m{number}", EPOCH_MS + number)
        world.meetings.open("other", f"x{number}", EPOCH_MS + number)
    world.streams.open(stream("c1"))
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        page = json.loads(get(client, f"/v1/meetings?limit=3{cursor}").data)
        seen += [f"{each['meeting_id']} {each['state']}" for each in page["meetings"]]
        cursor = f"&cursor={page['next']}"
    assert page["next"] is None
    assert seen == ["m6 closed", "m5 closed", "m4 closed", "m3 closed", "m2 closed", "m1 open", "m0 closed"]


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "1e2", "٣", "", "9" * 30])
def test_a_limit_has_limits(client: FlaskClient, limit: str) -> None:
    assert problem(get(client, f"/v1/meetings?limit={quote(limit)}"), 400)["parameter"] == "limit"


@pytest.mark.parametrize(
    "cursor", ["", "x", "!", "W10", "WzEsIi4uL3giXQ", "Wy0xLCJtIl0", "WzFlOTksIm0iXQ", "é", "AAAA"]
)
def test_a_cursor_that_was_not_given_is_refused(client: FlaskClient, cursor: str) -> None:
    assert problem(get(client, f"/v1/meetings?cursor={quote(cursor)}"), 400)["parameter"] == "cursor"


def test_who_has_the_list_already_gets_it_no_second_time(client: FlaskClient, meeting: World) -> None:
    first = get(client, "/v1/meetings")
    assert get(client, "/v1/meetings", **{"If-None-Match": first.headers["ETag"]}).status_code == 304
    patch(client, {"title": "News"})
    assert get(client, "/v1/meetings", **{"If-None-Match": first.headers["ETag"]}).status_code == 200
