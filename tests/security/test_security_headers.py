"""Every answer of every application says how browsers may use it: all routes, with and without a token, errors too."""

import re
from collections import Counter
from collections.abc import Sequence

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import Client, TestResponse

from common.auth import SingleToken
from common.clock import SystemClock
from common.health import Drain
from common.settings import Secret, load
from local_cloud.stats import stats_app
from local_runner import compose
from tests.security.conftest import OPERATOR
from tests.transcribe_service.asking import get
from tests.transcribe_service.fakes import World
from tests.transcribe_service.reading.test_audio_routes import PATH as AUDIO
from tests.transcribe_service.reading.test_audio_routes import store
from tests.transcribe_service.spoken import segment, stream
from transcribe_service.app import create_app as create_transcribe
from whisper_service.app import WhisperDeps
from whisper_service.app import create_app as create_whisper
from whisper_service.settings import WhisperSettings
from whisper_service.transcription import Request, Transcription

RECORDER = "/v1/recorder.js"
TOKENS: tuple[dict[str, str], ...] = ({}, {"Authorization": f"Bearer {OPERATOR}"}, {"Authorization": "Bearer pushed"})
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
INTERNAL = ("/internal/stats", "/internal/health", "/internal/segmenter/push/x", "/internal/segmenter/sweep")
PREFLIGHT = {"Origin": "https://pages.example", "Access-Control-Request-Method": "PUT"}


def check(answer: TestResponse, path: str) -> None:
    """What holds for all answers, and what for the few that are there to be shown or embedded."""
    headers = answer.headers
    method = answer.request.method
    is_shown = answer.status_code in {200, 304} and method != "OPTIONS"
    of_page = is_shown and (path == "/" or path.startswith("/app/"))
    of_recorder = is_shown and path == RECORDER
    what = f"{method} {path}: {answer.status}"
    assert headers["X-Content-Type-Options"] == "nosniff", what
    assert headers["Referrer-Policy"] == "no-referrer", what
    assert headers["X-Frame-Options"] == "DENY", what
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin", what
    policy = dict(rule.partition(" ")[::2] for rule in headers["Content-Security-Policy"].split("; "))
    for rule in ("default-src", "base-uri", "form-action", "frame-ancestors"):
        assert policy[rule] == "'none'", what
    assert "unsafe" not in str(policy), what
    assert of_page or not {"script-src", "connect-src", "style-src"} & set(policy), what
    assert headers["Permissions-Policy"].startswith("microphone=(self)" if of_page else "microphone=()"), what
    assert headers["Cross-Origin-Resource-Policy"] == ("cross-origin" if of_recorder else "same-origin"), what
    stored = "no-cache" if of_page else "public, max-age=600" if of_recorder else "no-store"
    assert headers["Cache-Control"] == stored, what
    assert "Strict-Transport-Security" not in headers, what
    for name in ("Set-Cookie", "Access-Control-Allow-Credentials"):
        assert name not in headers, what
    said = Counter(name.lower() for name, _ in headers)
    assert [name for name, times in said.items() if times > 1] == [], what


def path_of(rule: Rule) -> str:
    """A path that `rule` matches."""
    return re.sub(r"<[^>]+>", "x1", rule.rule)


def walk(client: Client, paths: set[str], tokens: Sequence[dict[str, str]] = TOKENS) -> int:
    """Ask each path by every method, GET with every token and the others with one after the other; how many answers there were."""
    asked = 0
    for turn, path in enumerate(sorted(paths)):
        for at, method in enumerate(METHODS):
            for token in tokens if method == "GET" else (tokens[(turn + at) % len(tokens)],):
                answer = client.open(path, method=method, headers=token, data=b"x" if method[0] == "P" else None)
                check(answer, path)
                answer.close()
                asked += 1
    return asked


def test_each_route_of_the_composed_application_and_each_of_its_errors(stack: compose.Stack) -> None:
    paths = {path_of(rule) for app in stack.public_apps for rule in app.url_map.iter_rules()}
    assert {"/", "/app/x1", RECORDER, "/openapi.json", "/health/ready", "/v1/meetings/x1", "/push/x1"} <= paths
    paths |= {"/nowhere", "//", "/app/main.js", "/v1/nowhere", "/internal/ingest/push/x1", *INTERNAL}
    assert walk(Client(stack.application), paths) > 9 * 30


def test_statuses_of_every_kind_are_among_them(stack: compose.Stack) -> None:
    client = Client(stack.application)
    operator = {"Authorization": f"Bearer {OPERATOR}"}
    found = set()
    for method, path, body in (
        ("GET", "/v1/meetings", b""),
        ("POST", "/v1/recordings", b"OggS" + bytes(16)),
        ("GET", "/v1/meetings/m1", b""),
        ("GET", "/v1/search", b""),
        ("DELETE", "/v1/recorder.js", b""),
        ("POST", "/v1/webhooks", b"x" * (17 * 1024 * 1024)),
        ("GET", "/v1/stream", b""),
        ("GET", f"/v1/meetings?cursor={'x' * 8000}", b""),
    ):
        answer = client.open(path, method=method, headers=operator, data=body)
        check(answer, path.partition("?")[0])
        found.add(answer.status_code)
    answer = client.get("/v1/meetings")
    check(answer, "/v1/meetings")
    assert found | {answer.status_code} >= {200, 201, 400, 401, 404, 405, 413}


def test_a_failure_that_nobody_thought_of_has_them_too(stack: compose.Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    app = stack.public_apps[1]

    def fail(**_values: str) -> None:
        raise ZeroDivisionError

    (endpoint,) = {rule.endpoint for rule in app.url_map.iter_rules() if rule.rule == "/v1/meetings"}
    monkeypatch.setitem(app.view_functions, endpoint, fail)
    answer = Client(stack.application).get("/v1/meetings", headers=TOKENS[1])
    assert answer.status_code == 500
    check(answer, "/v1/meetings")


@pytest.mark.parametrize("path", ["/", "/v1/meetings", RECORDER, "/openapi.json", "/nowhere", "/internal/stats"])
def test_where_tls_ends_in_front_browsers_are_told_to_keep_to_it(stack: compose.Stack, path: str) -> None:
    client = Client(stack.application)
    for proto in ("https", "HTTPS", "https,http"):
        answer = client.get(path, headers={"X-Forwarded-Proto": proto})
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in client.get(path, headers={"X-Forwarded-Proto": "http"}).headers


def test_pages_that_may_upload_still_may_and_no_other_can(stack: compose.Stack) -> None:
    client = Client(stack.application)
    for origin, allowed in (("https://pages.example", "https://pages.example"), ("https://evil.example", None)):
        answer = client.options("/v1/streams/c1", headers=PREFLIGHT | {"Origin": origin})
        assert answer.headers.get("Access-Control-Allow-Origin") == allowed
        answer = client.get(RECORDER, headers={"Origin": origin})
        assert (answer.status_code, answer.headers.get("Access-Control-Allow-Origin")) == (200, allowed)
        check(answer, RECORDER)
        read = client.get("/v1/meetings", headers={"Origin": origin} | TOKENS[1])
        assert "Access-Control-Allow-Origin" not in read.headers, "what was said is for pages of its own origin alone"


def test_no_cache_keeps_what_was_said() -> None:
    world = World()
    world.streams.open(stream(segments=1))
    store(world, "c1", 3200)
    world.transcripts.put(segment(("Hello", 3300, 3600, "Ada"), start_ms=3200))
    client = create_transcribe(world.deps()).test_client()
    meeting = "/v1/meetings/m1"
    formats = [f"{meeting}/transcript?format={each}" for each in ("json", "srt", "vtt", "text")]
    for path in (meeting, *formats, "/v1/meetings", "/v1/search?q=words", AUDIO):
        answer = get(client, path)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store"), path
        tag = answer.headers.get("ETag")
        again = get(client, path, **{"If-None-Match": tag or "none"})
        assert (again.status_code, again.headers["Cache-Control"]) == (304 if tag else 200, "no-store"), path


def test_audio_may_be_played_on_other_pages_and_by_itself_and_is_no_document() -> None:
    world = World()
    world.streams.open(stream(segments=1))
    store(world, "c1", 3200)
    answer = get(create_transcribe(world.deps()).test_client(), AUDIO)
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert answer.headers["Content-Security-Policy"].endswith("; media-src 'self'")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


class Silent:
    """An engine that is never ready."""

    def check(self) -> None:
        """Nothing is wrong."""

    def transcribe(self, samples: object, request: Request) -> Transcription:
        raise AssertionError("nothing is transcribed here")


def others() -> dict[str, Flask]:
    settings = load(WhisperSettings, {"WHISPER_API_TOKEN": OPERATOR})
    operator = SingleToken(Secret(OPERATOR))
    return {
        "whisper": create_whisper(WhisperDeps(settings, Silent(), SystemClock(), Drain())),
        "stack": stats_app(operator, dict),
    }


@pytest.mark.parametrize("name", sorted(others()))
def test_the_whisper_service_and_the_figures_have_them_too(name: str) -> None:
    app = others()[name]
    paths = {path_of(rule) for rule in app.url_map.iter_rules()} | {"/nowhere"}
    assert walk(Client(app), paths) == 9 * len(paths) >= 36
