"""What Terraform tells a service is what the service understands, all of it, and enough to start on Cloud Run."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
import pytest

from common.server_settings import ServerSettings
from common.settings import Settings, load
from ingest_service.settings import IngestSettings
from segmenter_service.settings import SegmenterSettings
from tests.terraform.installation import Installation
from transcribe_service.settings import TranscribeSettings
from whisper_service.settings import WhisperSettings

pytestmark = pytest.mark.component("terraform")

SETTINGS: Final[Mapping[str, type[Settings]]] = {
    "ingest": IngestSettings,
    "segmenter": SegmenterSettings,
    "transcribe": TranscribeSettings,
    "api": TranscribeSettings,
}


def environ_of(made: Installation, service: str) -> dict[str, str]:
    """The environment of a process on Cloud Run, with something in place of each secret."""
    planned = made.services[service]
    secrets = {name: f"secret-{name}" for name in planned.secrets}
    return {**planned.environ, **secrets, "K_SERVICE": planned.name, "PORT": "8080"}


def names(*classes: type[Settings]) -> set[str]:
    """All variables that these classes read."""
    return {field.name.upper() for cls in classes for field in msgspec.structs.fields(cls)}


@pytest.mark.parametrize("service", SETTINGS)
def test_each_service_starts_with_what_terraform_tells_it(made: Installation, service: str) -> None:
    environ = environ_of(made, service)
    settings, server = load(SETTINGS[service], environ), load(ServerSettings, environ)
    assert settings.gcs_bucket == made.outputs["bucket"]
    assert settings.google_cloud_project == "a-project"
    # A health check finds a thread however full the instance is.
    assert server.web_concurrency * (server.gunicorn_threads - 4) == made.services[service].concurrency


@pytest.mark.parametrize("service", SETTINGS)
def test_each_variable_is_one_that_the_service_reads(made: Installation, service: str) -> None:
    planned = made.services[service]
    assert planned.environ.keys() | planned.secrets.keys() <= names(SETTINGS[service], ServerSettings)
    assert not planned.environ.keys() & planned.secrets.keys()


def test_a_whisper_server_that_is_made_understands_what_it_is_told(made: Installation) -> None:
    if "whisper" not in made.services:
        assert made.services["transcribe"].environ["WHISPER_SERVICE_URL"] == "https://whisper.example"
        return
    planned = made.services["whisper"]
    of_libraries = {name for name in planned.environ if name.startswith("HF_")}
    assert planned.secrets == {}
    assert planned.environ.keys() - of_libraries <= names(WhisperSettings)
    # The model and the device are where the server runs.
    server = load(WhisperSettings, {**environ_of(made, "whisper"), "WHISPER_MODEL": "tiny.en", "WHISPER_DEVICE": "cpu"})
    assert server.whisper_workers + server.whisper_queue == planned.concurrency
    transcribe = load(TranscribeSettings, environ_of(made, "transcribe"))
    assert transcribe.whisper_auth == "google"
    assert transcribe.whisper_service_url == f"https://{planned.name}-123456789.europe-west1.run.app"


def test_requests_that_may_last_end_before_cloud_run_ends_them(made: Installation) -> None:
    ingest = load(IngestSettings, environ_of(made, "ingest"))
    assert max(ingest.websocket_max_sec, ingest.transcription_wait_sec) < made.services["ingest"].timeout_sec
    api = load(TranscribeSettings, environ_of(made, "api"))
    assert api.live_max_sec < made.services["api"].timeout_sec
    transcribe = load(TranscribeSettings, environ_of(made, "transcribe"))
    assert transcribe.processing_wait_sec + transcribe.whisper_budget_sec < made.services["transcribe"].timeout_sec


def test_each_reader_of_a_live_meeting_has_a_thread_and_others_have_some_too(made: Installation) -> None:
    environ = environ_of(made, "api")
    api, server = load(TranscribeSettings, environ), load(ServerSettings, environ)
    assert api.live_readers + 8 <= server.gunicorn_threads


def test_a_page_may_record_where_it_is_told_to(made: Installation) -> None:
    ingest, api = load(IngestSettings, environ_of(made, "ingest")), load(TranscribeSettings, environ_of(made, "api"))
    assert api.ingest_public_url == made.outputs["urls"]["ingest"]
    assert made.outputs["urls"]["api"] in ingest.allowed_origins
    assert ingest.transcript_api_url == made.outputs["service_urls"]["api"]


def test_the_hot_state_is_in_redis_behind_tls_and_a_password(made: Installation) -> None:
    segmenter = load(SegmenterSettings, environ_of(made, "segmenter"))
    assert (segmenter.redis_host, segmenter.redis_port, segmenter.redis_tls) == ("10.8.2.3", 6378, True)
    assert "BEGIN CERTIFICATE" in segmenter.redis_ca_cert
    assert segmenter.redis_password
    others = (made.services[each].environ for each in made.services if each != "segmenter")
    assert not any(name.startswith("REDIS_") for environ in others for name in environ)


def test_what_services_share_they_call_the_same(made: Installation) -> None:
    def differing(variables: Iterable[str]) -> set[str]:
        return {name for name in variables if len({made.services[each].environ.get(name) for each in SETTINGS}) > 1}

    shared = (
        "GCS_BUCKET",
        "GOOGLE_CLOUD_PROJECT",
        "FIRESTORE_DATABASE",
        "PUBSUB_PREFIX",
        "RAW_AUDIO_PATH",
        "SEGMENTS_PATH",
    )
    assert differing(shared) == set()
    assert made.services["transcribe"].environ["RETENTION_DAYS"] == made.services["api"].environ["RETENTION_DAYS"]
