"""Every route of every service that is for people and their programs asks for a token, each for the scope that it is for."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import fakeredis
import pytest
from flask import Flask
from werkzeug.routing import Rule

import segmenter_service.app
import whisper_service.app
from common.auth import Principal
from common.clock import SystemClock
from common.health import Drain
from common.ports.token_store import Scope
from common.push import SharedTokenAuth
from common.settings import Secret
from ingest_service.app import IngestDeps
from ingest_service.app import create_app as create_ingest
from segmenter_service.app import SegmenterDeps
from tests.ingest_service.fakes import Ingest
from tests.segmenter_service.stage import Stage
from tests.transcribe_service.fakes import World
from transcribe_service.app import create_app as create_transcribe
from whisper_service.app import WhisperDeps
from whisper_service.settings import WhisperSettings
from whisper_service.transcription import Request, Transcription

OPEN = {"/api/v1/extension/check-token", "/v1/recorder.js"}
"""One says whether a token is valid, and so answers without one too; the other is a script without secrets, which browsers load by themselves."""


class BearerOf:
    """Any token is one with these scopes."""

    def __init__(self, *scopes: Scope) -> None:
        self._scopes = frozenset(scopes)

    def verify(self, token: str) -> Principal | None:
        return Principal("acme", self._scopes) if token else None


def ingest(tokens: BearerOf) -> Flask:
    world = Ingest()
    return create_ingest(
        IngestDeps(
            settings=world.settings,
            blobs=world.blobs,
            publisher=world.publisher,
            tokens=tokens,
            token_store=world.token_store,
            clock=world.clock,
            drain=Drain(),
        )
    )


def transcribe(tokens: BearerOf) -> Flask:
    return create_transcribe(replace(World().deps(), tokens=tokens))


def segmenter(_tokens: BearerOf) -> Flask:
    stage = Stage(fakeredis.FakeRedis())
    return segmenter_service.app.create_app(
        SegmenterDeps(
            settings=stage.settings,
            blobs=stage.blobs,
            publisher=stage.publisher,
            streams=stage.streams,
            meetings=stage.meetings,
            redis=stage.redis,
            push_auth=SharedTokenAuth(Secret("pusher")),
            clock=stage.clock,
            drain=Drain(),
        )
    )


class NoEngine:
    def check(self) -> None:
        pass

    def transcribe(self, samples: object, request: Request) -> Transcription:
        raise AssertionError("nobody may ask")


def whisper(_tokens: BearerOf) -> Flask:
    settings = WhisperSettings(whisper_api_token=Secret("w"))
    return whisper_service.app.create_app(WhisperDeps(settings, NoEngine(), SystemClock(), Drain()))


SERVICES: dict[str, Callable[[BearerOf], Flask]] = {
    "ingest": ingest,
    "segmenter": segmenter,
    "transcribe": transcribe,
    "whisper": whisper,
}


def asked(app: Flask) -> Iterator[tuple[str, str, Rule]]:
    """`(method, path, rule)` of all that is for people; health, pushes and sweeps prove themselves otherwise."""
    for rule in app.url_map.iter_rules():
        if rule.websocket or not rule.rule.startswith(("/v1", "/api")) or rule.rule in OPEN:
            continue
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            yield method, re.sub(r"<[^>]*>", "x", rule.rule), rule


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer"}, {"Authorization": "Basic eDp4"}])
def test_without_a_token_every_route_answers_401(service: str, headers: dict[str, str]) -> None:
    app = SERVICES[service](BearerOf(*Scope))
    client = app.test_client()
    for method, path, _ in asked(app):
        answer = client.open(
            path, method=method, headers=headers, data=b"x" if method in {"POST", "PUT", "PATCH"} else None
        )
        assert answer.status_code == 401, f"{method} {path}"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("service", ["ingest", "transcribe"])
def test_a_token_that_allows_nothing_is_refused_everywhere(service: str) -> None:
    app = SERVICES[service](BearerOf())
    client = app.test_client()
    for method, path, _ in asked(app):
        assert client.open(path, method=method, headers={"Authorization": "Bearer t"}).status_code == 403, (
            f"{method} {path}"
        )


@pytest.mark.parametrize("service", ["ingest", "transcribe"])
def test_everything_is_looked_at(service: str) -> None:
    """The walk finds routes: of each service those that it is there for."""
    paths = {path for _, path, _ in asked(SERVICES[service](BearerOf()))}
    known = {
        "ingest": {"/v1/streams/x", "/v1/streams/x/chunks/x", "/v1/tokens", "/v1/tokens/x/disable", "/v1/stream"},
        "transcribe": {
            "/v1/meetings",
            "/v1/meetings/x",
            "/v1/meetings/x/segments/x/audio",
            "/v1/search",
            "/v1/deadletters/x/replay",
        },
    }
    assert known[service] <= paths
