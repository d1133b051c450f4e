"""REVISION, which the image sets, is what each service says of itself."""

from collections.abc import Callable

import fakeredis
import pytest
from flask import Flask
from msgspec.structs import replace

import segmenter_service.app
import transcribe_service.app
import whisper_service.app
from common.clock import SystemClock
from common.health import Drain
from common.push import SharedTokenAuth
from common.settings import Secret
from ingest_service.settings import IngestSettings
from tests.ingest_service.fakes import Ingest
from tests.segmenter_service.stage import Stage
from tests.transcribe_service.fakes import World
from whisper_service.settings import WhisperSettings

COMMIT = "0f3a9c1e"


def ingest() -> Flask:
    return Ingest(IngestSettings(api_token=Secret("t"), revision=COMMIT)).client.application


def segmenter() -> Flask:
    stage = Stage(fakeredis.FakeRedis())
    return segmenter_service.app.create_app(
        segmenter_service.app.SegmenterDeps(
            settings=replace(stage.settings, revision=COMMIT),
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


def transcribe() -> Flask:
    deps = World().deps()
    settings = replace(deps.settings, revision=COMMIT)
    return transcribe_service.app.create_app(deps.__class__(**{**deps.__dict__, "settings": settings}))


class NoEngine:
    def check(self) -> None:
        pass

    def transcribe(self, samples: object, request: object) -> None:
        raise AssertionError("nobody asked")


def whisper() -> Flask:
    settings = WhisperSettings(revision=COMMIT)
    deps = whisper_service.app.WhisperDeps(settings, NoEngine(), SystemClock(), Drain())  # type: ignore[arg-type]
    return whisper_service.app.create_app(deps)


@pytest.mark.parametrize("service", [ingest, segmenter, transcribe, whisper], ids=lambda each: each.__name__)
def test_a_service_says_which_commit_it_was_built_from(service: Callable[[], Flask]) -> None:
    answer = service().test_client().get("/health/version").get_json()
    assert (answer["service"], answer["revision"]) == (service.__name__, COMMIT)
