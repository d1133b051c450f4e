"""Parts of a transcript, and transcripts in gzip. The formats are shown in `test_transcribe_routes`."""

import gzip
import json
from urllib.parse import urlencode

import msgspec
import pytest
from flask.testing import FlaskClient

from tests.transcribe_service.asking import get, problem
from tests.transcribe_service.fakes import World
from tests.transcribe_service.spoken import EPOCH_MS, segment, stream
from transcribe_service.app import create_app


@pytest.fixture
def client(world: World) -> FlaskClient:
    """A meeting of two segments: `one two | three` and `four | five | six`."""
    world.streams.open(stream(segments=2))
    world.transcripts.put(
        segment(("one", 0, 900, "Ada"), ("two", 1000, 1900, "Ada"), ("three", 2000, 2900, "Bob"), end_ms=3000)
    )
    world.transcripts.put(
        segment(("four", 3000, 3900, "Ada"), ("five", 4000, 4900, None), ("six", 5000, 5900, "Bob"), start_ms=3000)
    )
    world.meetings.open("default", "m1", EPOCH_MS)
    return create_app(world.deps()).test_client()


def read(client: FlaskClient, **query: object) -> list[str]:
    found = get(client, f"/v1/meetings/m1/transcript?{urlencode(query)}")
    assert found.status_code == 200, found.data
    return [each["text"] for each in json.loads(found.data)["utterances"]]


def test_a_time_range_has_every_word_of_which_a_part_lies_in_it(client: FlaskClient) -> None:
    assert read(client, from_ms=1000, to_ms=4000) == ["two", "three", "four"]
    assert read(client, from_ms=1899) == ["two", "three", "four", "five", "six"]
    assert read(client, from_ms=1900) == ["three", "four", "five", "six"]
    assert read(client, to_ms=1001) == ["one two"]
    assert read(client, to_ms=1000) == ["one"]
    assert read(client, from_ms=950, to_ms=960) == []
    assert read(client, from_ms=0, to_ms=0) == []


def test_times_of_a_part_are_those_of_the_meeting(client: FlaskClient) -> None:
    query = "from_ms=1000&to_ms=2000"
    (said,) = json.loads(get(client, f"/v1/meetings/m1/transcript?{query}").data)["utterances"]
    assert (said["start_ms"], said["end_ms"], said["start_at"]) == (1000, 1900, "2023-11-14T22:13:21.000Z")
    assert get(client, f"/v1/meetings/m1/transcript?format=text&{query}").data == b"[00:00:01] Ada: two\n"
    assert (
        b"00:00:01,000 --> 00:00:01,900\nAda: two" in get(client, f"/v1/meetings/m1/transcript?format=srt&{query}").data
    )
    assert b"00:00:01.000 --> 00:00:01.900" in get(client, f"/v1/meetings/m1/transcript?format=vtt&{query}").data


def test_utterances_since_a_moment_come_whole(client: FlaskClient) -> None:
    assert read(client, since="2023-11-14T22:13:20.001Z") == ["three", "four", "five", "six"]
    assert read(client, since="2023-11-14T22:13:23Z") == ["four", "five", "six"]
    assert read(client, since="2023-11-14T23:13:23+01:00") == ["four", "five", "six"]
    assert read(client, since="1970-01-01T00:00:00Z") == ["one two", "three", "four", "five", "six"]
    assert read(client, since="9999-12-31T23:59:59Z") == []


def test_what_one_speaker_said_and_what_nobody_is_known_to_have_said(client: FlaskClient, world: World) -> None:
    assert read(client, speaker="Ada") == ["one two", "four"]
    assert read(client, speaker="") == ["five"]
    assert read(client, speaker="nobody") == []
    world.meetings.change("default", "m1", lambda each: msgspec.structs.replace(each, speaker_names={"Ada": "Bob"}))
    assert read(client, speaker="Bob") == ["one two three", "four", "six"]
    assert read(client, speaker="Ada") == ["one two three", "four"], "by the uploader's name too"


def test_filters_are_combined(client: FlaskClient) -> None:
    assert read(client, speaker="Ada", from_ms=1000, since="2023-11-14T22:13:20Z", to_ms=3500) == ["two", "four"]
    assert read(client, speaker="Ada", from_ms=1000, since="2023-11-14T22:13:21Z") == ["four"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("since=yesterday", "since"),
        ("since=", "since"),
        ("since=2023-11-14T22:13:20", "since"),
        ("since=2023-11-14T22:13:20+01:00", "since"),
        ("since=2023-02-30T00:00:00Z", "since"),
        ("since=1700000000000", "since"),
        ("from_ms=-1", "from_ms"),
        ("from_ms=1.5", "from_ms"),
        ("from_ms=", "from_ms"),
        ("to_ms=99999999999999999999", "to_ms"),
        ("from_ms=5&to_ms=4", "to_ms"),
        ("provisional=maybe", "provisional"),
        (f"speaker={'x' * 201}", "speaker"),
    ],
)
def test_a_wrong_value_is_named_with_its_parameter(client: FlaskClient, query: str, parameter: str) -> None:
    found = problem(get(client, f"/v1/meetings/m1/transcript?{query}"), 400)
    assert found["parameter"] == parameter
    assert parameter in found["detail"]


def test_a_part_has_an_entity_tag_of_its_own(client: FlaskClient, world: World) -> None:
    path = "/v1/meetings/m1/transcript?to_ms=1000"
    tag = get(client, path).headers["ETag"]
    assert tag != get(client, "/v1/meetings/m1/transcript").headers["ETag"]
    assert get(client, path, **{"If-None-Match": tag}).status_code == 304
    world.transcripts.put(segment(("seven", 9000, 9100, None), start_ms=9000))
    changed = get(client, path, **{"If-None-Match": tag})
    assert changed.status_code == 200, "the account of the stream is in it"
    text = f"{path}&format=text"
    tag = get(client, text).headers["ETag"]
    world.transcripts.put(segment(("eight", 9500, 9600, None), start_ms=9500))
    assert get(client, text, **{"If-None-Match": tag}).status_code == 304


def test_long_answers_come_in_gzip(client: FlaskClient, world: World) -> None:
    for number in range(100):
        at = 10_000 + number * 1000
        world.transcripts.put(segment((f"word{number}", at, at + 900, "Ada"), start_ms=at))
    for name in ("json", "text", "srt", "vtt", "verbose_json", "diarized_json"):
        path = f"/v1/meetings/m1/transcript?format={name}"
        whole, small = get(client, path), get(client, path, **{"Accept-Encoding": "gzip"})
        assert gzip.decompress(small.data) == whole.data
        assert small.headers["ETag"] == f"W/{whole.headers['ETag']}"
        for tag in (small.headers["ETag"], whole.headers["ETag"]):
            again = get(client, path, **{"If-None-Match": tag, "Accept-Encoding": "gzip"})
            assert (again.status_code, again.data) == (304, b"")
