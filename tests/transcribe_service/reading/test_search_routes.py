import json
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from flask.testing import FlaskClient

from common.ports.transcript_store import SegmentTranscript
from tests.transcribe_service.asking import get, problem
from tests.transcribe_service.fakes import World
from tests.transcribe_service.spoken import EPOCH_MS, segment, stream
from transcribe_service.app import create_app


@pytest.fixture
def client(world: World) -> FlaskClient:
    world.meetings.open("default", "m1", EPOCH_MS)
    world.meetings.change("default", "m1", lambda each: msgspec.structs.replace(each, title="Weekly"))
    world.streams.open(stream(segments=2))
    world.transcripts.put(segment(("The", 100, 200, "Ada"), ("budget.", 300, 600, "Ada"), ("Yes", 700, 900, "bob@x")))
    return create_app(world.deps()).test_client()


def of(meeting_id: str, spoken: SegmentTranscript) -> SegmentTranscript:
    return msgspec.structs.replace(spoken, meeting_id=meeting_id)


def search(client: FlaskClient, q: str, **query: object) -> dict[str, Any]:
    answer = get(client, f"/v1/search?{urlencode({'q': q, **query})}")
    assert answer.status_code == 200, answer.data
    found: dict[str, Any] = json.loads(answer.data)
    return found


def test_a_hit_says_where_it_was_said_and_by_whom(client: FlaskClient) -> None:
    hit = {
        "meeting_id": "m1",
        "title": "Weekly",
        "segment_id": "c1:0:0",
        "start_ms": 100,
        "start_at": "2023-11-14T22:13:20.100Z",
        "speaker": "Ada",
        "text": "The budget.",
    }
    for q in ("budget", "BUDGET the", '"the budget"', "budg"):
        assert search(client, q) == {"hits": [hit], "next": None}
    assert search(client, '"budg"') == search(client, "nothing") == {"hits": [], "next": None}


def test_the_utterance_that_has_it_is_shown_else_the_first_that_has_some_of_it(client: FlaskClient) -> None:
    (hit,) = search(client, "yes")["hits"]
    assert (hit["speaker"], hit["text"], hit["start_ms"]) == ("bob@x", "Yes", 700)
    (hit,) = search(client, "yes budget")["hits"]
    assert hit["text"] == "The budget."
    (hit,) = search(client, '"budget yes"')["hits"]
    assert hit["text"] == "The budget.", "over the change of speakers"


def test_speakers_have_their_shown_names(client: FlaskClient, world: World) -> None:
    world.meetings.change("default", "m1", lambda each: msgspec.structs.replace(each, speaker_names={"bob@x": "Bob"}))
    assert search(client, "yes")["hits"][0]["speaker"] == "Bob"


def test_only_the_shown_transcription_is_found(client: FlaskClient, world: World) -> None:
    world.transcripts.put(of("m1~2", segment(("Das", 100, 200, "Ada"), ("Budget.", 300, 600, "Ada"))))
    assert [hit["text"] for hit in search(client, "budget")["hits"]] == ["The budget."]
    world.meetings.change("default", "m1", lambda each: msgspec.structs.replace(each, take="2"))
    assert [hit["text"] for hit in search(client, "budget")["hits"]] == ["Das Budget."]


def test_what_is_not_final_or_of_another_tenant_is_not_found(client: FlaskClient, world: World) -> None:
    world.transcripts.put(segment(("budget", 5000, 5100, None), start_ms=5000, final=False))
    theirs = msgspec.structs.replace(segment(("budget", 0, 100, None)), tenant="other")
    world.transcripts.put(theirs)
    assert len(search(client, "budget")["hits"]) == 1


def test_pages_go_from_what_was_said_last_to_what_was_said_first(client: FlaskClient, world: World) -> None:
    for number in range(25):
        at = number * 1000
        world.transcripts.put(of(f"old{number % 4}", segment((f"page{number}", at, at + 1, None), start_ms=at)))
        world.transcripts.put(of(f"old{number % 4}~x", segment((f"page{number}", at, at + 1, None), start_ms=at)))
    seen, query = [], dict[str, object]()
    for _ in range(50):
        page = search(client, "page", limit=2, **query)
        seen += [hit["text"] for hit in page["hits"]]
        if page["next"] is None:
            break
        query = {"cursor": page["next"]}
    assert seen == [f"page{number}" for number in reversed(range(25))]


def test_of_several_connections_a_hit_is_on_the_meeting_s_clock_and_among_what_is_shown(
    client: FlaskClient, world: World
) -> None:
    world.streams.open(stream("c2", segments=1))
    world.transcripts.put(segment(("early", 0, 100, None), connection="c2", offset_ms=EPOCH_MS - 7000, end_ms=500))
    (hit,) = search(client, "budget")["hits"]
    whole = json.loads(get(client, "/v1/meetings/m1/transcript").data)["utterances"]
    assert hit["start_ms"] == 7100
    assert (hit["text"], hit["start_ms"]) in {(each["text"], each["start_ms"]) for each in whole}


def test_of_a_connection_that_was_replayed_what_is_replaced_is_not_found(client: FlaskClient, world: World) -> None:
    record = world.streams.records["default", "c1"]
    world.streams.records["default", "c1"] = msgspec.structs.replace(record, generation=1)
    world.transcripts.put(msgspec.structs.replace(segment(("Again", 50, 800, "Ada"), start_ms=50), generation=1))
    assert search(client, "budget")["hits"] == []
    assert [hit["text"] for hit in search(client, "again")["hits"]] == ["Again"]


def test_a_meeting_that_is_deleted_is_found_no_more(client: FlaskClient, world: World) -> None:
    world.transcripts.delete_meeting("default", "m1")
    world.meetings.delete("default", "m1")
    assert search(client, "budget")["hits"] == []


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("", "q"),
        ("q=", "q"),
        ("q=...", "q"),
        ("q=" + "x" * 201, "q"),
        ("q=" + "+".join(f"w{number}" for number in range(11)), "q"),
        ("q=a&limit=0", "limit"),
        ("q=a&limit=51", "limit"),
        ("q=a&cursor=x", "cursor"),
        ("q=a&cursor=WzEsIm0xIl0", "cursor"),
        ("q=a&cursor=WzEsIi4uL3giLCJjOjA6MCJd", "cursor"),
    ],
)
def test_what_is_wrong_is_named(client: FlaskClient, query: str, parameter: str) -> None:
    assert problem(get(client, f"/v1/search?{query}"), 400)["parameter"] == parameter


def test_the_answer_has_an_entity_tag(client: FlaskClient, world: World) -> None:
    tag = get(client, "/v1/search?q=budget").headers["ETag"]
    assert get(client, "/v1/search?q=budget", **{"If-None-Match": tag}).status_code == 304
    world.transcripts.put(segment(("budget", 9000, 9100, None), start_ms=9000))
    assert get(client, "/v1/search?q=budget", **{"If-None-Match": tag}).status_code == 200
