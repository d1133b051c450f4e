"""Line ends and other people's syntax in whatever a client may write: no answer gets a header by it, and no log a line, a token or a word."""

import json
import re
from urllib.parse import quote

import pytest

from tests.hostile.choice import Choice
from tests.hostile.conftest import Runner
from tests.hostile.raw import head, said_to

pytestmark = pytest.mark.timeout(300)

MARK = "zz9secret"
"""In everything that belongs into no log."""
BREAKS = [
    "\r\nX-Injected: 1",
    "\nX-Injected: 1",
    "\r\n\r\n<h1>",
    "\u2028X-Injected: 1",
    "\x85X-Injected: 1",
    "\x0bX",
    '"}\n{"severity":"ERROR"',
]
QUERIES = [
    "/v1/streams/inj/chunks/0?meeting_id=m{}",
    "/v1/streams/inj/chunks/0?meeting_id=m&participant={}",
    "/v1/streams/inj/chunks/0?meeting_id=m&language={}",
    "/v1/streams/inj/chunks/0?meeting_id=m&channels=separate&channel_speakers={}",
    "/v1/streams/inj{}/chunks/0?meeting_id=m",
]
HEADERS = [
    *(
        "Content-Type",
        "Idempotency-Key",
        "X-Request-ID",
        "traceparent",
        "tracestate",
        "Origin",
        "Upload-Metadata",
        "X-Forwarded-For",
    ),
    *(
        "X-Forwarded-Host",
        "Host",
        "X-HTTP-Method-Override",
        "If-None-Match",
        "Range",
        "Last-Event-ID",
        "Cookie",
        "Forwarded",
        "Referer",
    ),
]


ASKED = (("GET", "/v1/meetings"), ("OPTIONS", "/v1/uploads"), ("POST", "/v1/recordings"))


@pytest.mark.parametrize("broken", BREAKS)
def test_no_line_end_reaches_an_answers_head(runner: Runner, choice: Choice, broken: str) -> None:
    for target in choice.of(QUERIES, BREAKS.index(broken), 2):
        answer = runner.asked("PUT", target.format(quote(MARK + broken)), body=b"RIFFx")
        assert answer.status in {201, 200, 400, 404, 409}, (target, answer)
        assert not answer.header("X-Injected"), (target, answer)
    for document in ({"title": MARK + broken}, {"speakers": {MARK + broken: MARK + broken}}):
        assert runner.told("PATCH", "/v1/meetings/m", document).status < 500


@pytest.mark.parametrize("name", HEADERS)
def test_no_header_breaks_out_of_its_line(runner: Runner, choice: Choice, name: str) -> None:
    values = (
        f"{MARK}\nX-Injected: 1",
        f"{MARK}\rX-Injected: 1",
        f"{MARK}\0",
        f"{MARK}\x7f",
        f"{MARK}é",
        f"{MARK}\udcff",
        f"{MARK}{{}}%n${{x}}",
    )
    at = HEADERS.index(name)
    for turn, value in enumerate(choice.of(values, at, 4)):
        for method, target in choice.of(ASKED, at + turn):
            answer = runner.asked(method, target, f"{name}: {value}")
            assert answer.status < 500, (method, target, value, answer)
            assert not answer.header("X-Injected"), (method, value, answer)


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding : chunked",),
        ("Content-Length: +5",),
        ("Content-Length: 5, 5",),
        ("Content-Length: -1",),
        ("Content-Length: 1_000",),
        ("Content-Length: ٥",),
        ("X-Folded: a\r\n b",),
        (": empty",),
        ("No colon",),
        (f"Authorization: Bearer {MARK}\x01",),
    ],
)
def test_a_head_that_two_servers_read_differently_is_refused_and_the_connection_over(
    runner: Runner, lines: tuple[str, ...]
) -> None:
    smuggled = head("GET", "/health", "X-Smuggled: 1")
    body = b"0\r\n\r\n" + smuggled
    answer = said_to(runner.address, head("POST", "/v1/recordings", runner.bearer(), *lines) + body)
    assert answer.status in {400, 401, 411, 413, 501}, answer
    assert answer.header("Connection").lower() == "close" or answer.status == 401, answer


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "Script-Name", "PATH_INFO", "X-Script-Name", "X-Forwarded-Prefix"])
def test_no_header_makes_another_path_of_the_one_that_is_asked_for(runner: Runner, name: str) -> None:
    assert runner.asked("GET", "/elsewhere/health", f"{name}: /elsewhere").status in {400, 404}


def test_origins_are_not_reflected_and_no_cookie_is_set(runner: Runner, choice: Choice) -> None:
    origins = (
        "https://evil.example",
        "null",
        "https://meet.example.evil.example",
        "https://meet.exampleevil",
        "http://meet.example",
    )
    asked = (("OPTIONS", "/v1/recordings"), ("GET", "/v1/meetings"), ("POST", "/v1/recordings"))
    for turn, origin in enumerate(origins):
        for method, target in choice.of(asked, turn, 2):
            answer = runner.asked(method, target, f"Origin: {origin}", "Access-Control-Request-Method: POST")
            assert answer.header("Access-Control-Allow-Origin") == "", (origin, answer)
            assert answer.header("Set-Cookie") == ""
    allowed = runner.asked("POST", "/v1/recordings", "Origin: https://meet.example")
    assert allowed.header("Access-Control-Allow-Origin") == "https://meet.example"
    assert allowed.header("Access-Control-Allow-Credentials") == ""
    assert "Origin" in allowed.header("Vary")


def test_no_answer_sends_anybody_elsewhere(runner: Runner) -> None:
    for target in (
        "//evil.example",
        "//evil.example/..",
        "/\\evil.example",
        "/%2f%2fevil.example",
        "/app//evil.example",
        "/app/../..//evil.example",
        "/v1/meetings/",
        "/app?next=https://evil.example",
        "http://evil.example/app",
        "/@evil.example",
    ):
        answer = runner.asked("GET", target, "Host: evil.example", "X-Forwarded-Host: evil.example")
        assert answer.status < 500
        assert "evil.example" not in answer.header("Location"), (target, answer)
    made = runner.asked(
        "POST", "/v1/uploads", "Tus-Resumable: 1.0.0", "Upload-Length: 5", "X-Forwarded-Host: evil.example"
    )
    assert made.status == 201
    assert "evil.example" not in made.header("Location"), made


def test_tokens_words_and_names_are_in_no_log_and_each_line_is_an_object(runner: Runner) -> None:
    victims = runner.tokens["victim"]
    runner.asked("GET", f"/v1/meetings?token={victims}")
    runner.asked("GET", f"/v1/search?q={MARK}")
    said_to(runner.address, f"GET /v1/meetings?token={victims} HTTP/1.1\r\nBad Header: {MARK}\r\n\r\n".encode())
    said_to(runner.address, f"GET /x?token={victims} {MARK} HTTP/9.9\r\n\r\n".encode())
    said_to(runner.address, head("GET", "/v1/meetings", f"Authorization: Bearer {victims}\0"))
    runner.asked("PUT", f"/v1/streams/inj-log/chunks/0?meeting_id=m&participant={MARK}", body=f"RIFF{MARK}".encode())
    masks = {"ts_ms": 1_750_000_000_000, "masks": [[MARK, "01"], [MARK, "0x1"]]}
    runner.told("POST", "/v1/streams/inj-log/speakers", masks)
    runner.told("POST", "/v1/webhooks", {"url": f"https://{MARK}.example/{MARK}?key={MARK}"})
    runner.told("POST", "/v1/tokens", {"tenant": "t", "scopes": [MARK], MARK: MARK})
    runner.asked("POST", "/internal/segmenter/push/stream-events", body=MARK.encode())
    forged = json.dumps({"message": {"data": MARK, "attributes": {"ce-type": MARK}}}).encode()
    runner.asked("POST", "/internal/segmenter/push/stream-events", body=forged)
    lines = runner.log
    assert len(lines) > 50
    for line in lines:
        assert isinstance(json.loads(line), dict), line
        assert MARK not in line, line
        assert not any(token in line for token in runner.tokens.values()), line
    assert not re.search(r"Bearer |tst_[A-Za-z0-9]{20}", "\n".join(lines))
