import json
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.turnscribe.conftest import Scripted
from turnscribe.client import Client, Interval
from turnscribe.errors import (
    BadRequest,
    Conflict,
    NotFound,
    ProblemAnswer,
    ServerFailed,
    ServerUnreachable,
    Unauthorized,
    UnexpectedAnswer,
)
from turnscribe.transport import RetryPolicy, Transport

STORED = {"connection_id": "c", "seq": 0, "size_bytes": 3, "status": "stored"}


@pytest.fixture
def client(scripted: Scripted) -> Iterator[Client]:
    with Client(scripted.url, "secret", retry=RetryPolicy(first_pause_s=0.001), timeout_s=5) as connected:
        yield connected


def test_a_chunk_is_sent_with_what_describes_it(client: Client, scripted: Scripted) -> None:
    scripted.answer(201, STORED)
    stream = client.stream(
        "m",
        "c",
        content_type="audio/webm",
        source="zoom",
        channels="separate",
        channel_speakers=["A", "B"],
        connections="per_participant",
        participant="Ann",
    )
    assert stream.put_chunk(0, b"abc", captured_at_ms=5).status == "stored"
    (request,) = scripted.requests
    assert (request.method, request.body) == ("PUT", b"abc")
    assert request.headers["Authorization"] == "Bearer secret"
    assert request.headers["Content-Type"] == "audio/webm"
    assert urlsplit(request.path).path == "/v1/streams/c/chunks/0"
    assert parse_qs(urlsplit(request.path).query) == {
        "meeting_id": ["m"],
        "source": ["zoom"],
        "channels": ["separate"],
        "connections": ["per_participant"],
        "participant": ["Ann"],
        "channel_speakers": ["A,B"],
        "captured_at_ms": ["5"],
    }


def test_observations_and_end_have_the_api_s_shapes(client: Client, scripted: Scripted) -> None:
    scripted.answer(201, {"observation_id": "one"})
    scripted.answer(201, {"observation_id": "two"})
    scripted.answer(200, {})
    stream = client.stream("m", "c")
    assert stream.observe_masks(9000, [("Ann", "0110")]) == "one"
    assert stream.observe_intervals([Interval("Ann", 1, 2)], covered_from_ms=0, covered_to_ms=10) == "two"
    stream.end(4, observations=2)
    assert [json.loads(request.body) for request in scripted.requests] == [
        {"ts_ms": 9000, "bit_ms": 100, "masks": [["Ann", "0110"]]},
        {
            "clock": "stream",
            "covered_from_ms": 0,
            "covered_to_ms": 10,
            "intervals": [{"speaker": "Ann", "start_ms": 1, "end_ms": 2}],
        },
        {"last_seq": 4, "observations": 2},
    ]


def test_ids_cannot_leave_their_place_in_the_path(client: Client, scripted: Scripted) -> None:
    scripted.answer(400, {"title": "Bad Request", "detail": "connection_id …"})
    with pytest.raises(BadRequest):
        client.stream_status("../x?y")
    assert scripted.requests[0].path == "/v1/streams/..%2Fx%3Fy"


@pytest.mark.parametrize("passing", [429, 502, 503, 504])
def test_a_passing_failure_is_tried_again(client: Client, scripted: Scripted, passing: int) -> None:
    scripted.answer(passing, {}, Retry_After="0")
    scripted.hang_up()
    scripted.answer(201, STORED)
    assert client.stream("m", "c").put_chunk(0, b"abc").seq == 0
    assert [request.body for request in scripted.requests] == [b"abc"] * 3


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequest),
        (401, Unauthorized),
        (403, Unauthorized),
        (404, NotFound),
        (409, Conflict),
        (413, BadRequest),
        (500, ServerFailed),
    ],
)
def test_a_refusal_carries_the_problem_and_is_not_repeated(
    client: Client, scripted: Scripted, status: int, kind: type[ProblemAnswer]
) -> None:
    scripted.answer(status, {"type": "urn:x", "title": "T", "status": status, "detail": "D", "field": "seq"})
    with pytest.raises(kind) as refused:
        client.stream("m", "c").put_chunk(0, b"")
    problem = refused.value.problem
    assert (problem.status, problem.type, problem.title, problem.detail) == (status, "urn:x", "T", "D")
    assert problem.extra == {"field": "seq"}
    assert len(scripted.requests) == 1


def test_an_answer_that_is_no_turnscribe_says_so(client: Client, scripted: Scripted) -> None:
    scripted.answer(200, {"hello": "world"})
    with pytest.raises(UnexpectedAnswer, match="StreamStatus"):
        client.stream_status("c")


def test_a_transcript_is_read_and_unknown_members_are_ignored(client: Client, scripted: Scripted) -> None:
    utterance = {"text": "hi", "start_ms": 1, "end_ms": 2, "connection_id": "c", "segment_id": "c:0:0", "final": True}
    account = {"connection_id": "c", "state": "open", "audio_ms": None, "gaps": [], "new": 1}
    scripted.answer(
        200, {"meeting_id": "m", "complete": False, "streams": [account], "utterances": [utterance], "new": 1}
    )
    transcript = client.transcript("m", provisional=True)
    assert transcript.utterances[0].text == "hi"
    assert "provisional=true" in scripted.requests[0].path


class _Time:
    def __init__(self) -> None:
        self.now_s = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds

    def monotonic_s(self) -> float:
        return self.now_s


@pytest.fixture
def time_() -> _Time:
    return _Time()


@pytest.fixture
def transport(scripted: Scripted, time_: _Time) -> Iterator[Callable[[RetryPolicy], Transport]]:
    made: list[Transport] = []

    def make(retry: RetryPolicy) -> Transport:
        made.append(
            Transport(scripted.url, "t", retry=retry, timeout_s=5, sleep=time_.sleep, monotonic_s=time_.monotonic_s)
        )
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_retry_after_is_honoured(
    scripted: Scripted, time_: _Time, transport: Callable[[RetryPolicy], Transport]
) -> None:
    scripted.answer(429, {}, Retry_After="7")
    scripted.answer(200, {})
    assert transport(RetryPolicy()).request("GET", "/x").status == 200
    (pause_s,) = time_.slept
    assert 7.0 <= pause_s <= 7.7


def test_pauses_grow_and_trying_ends(
    scripted: Scripted, time_: _Time, transport: Callable[[RetryPolicy], Transport]
) -> None:
    for _ in range(40):
        scripted.answer(503, {})
    with pytest.raises(ServerUnreachable, match="503"):
        transport(RetryPolicy(give_up_after_s=30, longest_pause_s=4)).request("GET", "/x")
    assert time_.now_s <= 30
    assert 0.1 <= time_.slept[0] <= 0.2
    assert 2 <= time_.slept[-1] <= 4


def test_nobody_there_is_told_after_the_time_is_up(time_: _Time) -> None:
    transport = Transport(
        "http://127.0.0.1:9",
        "t",
        retry=RetryPolicy(give_up_after_s=1),
        timeout_s=1,
        sleep=time_.sleep,
        monotonic_s=time_.monotonic_s,
    )
    with pytest.raises(ServerUnreachable, match=r"127\.0\.0\.1:9"):
        transport.request("GET", "/x")
    transport.close()
