"""What the services of the stack inherit, and what they are told."""

import os
from pathlib import Path

import pytest

from common.settings import SettingsError, load
from local_cloud.emulators import Emulators
from local_cloud.services import SETTINGS, check, inherited, page_environ, service_environ, threads, whisper_environ
from transcribe_service.settings import TranscribeSettings

PRODUCTION = {
    "GCS_BUCKET": "the-real-one",
    "GOOGLE_CLOUD_PROJECT": "the-real-one",
    "GOOGLE_APPLICATION_CREDENTIALS": "/keys/the-real-one.json",
    "FIRESTORE_DATABASE": "the-real-one",
    "REDIS_HOST": "redis.example",
    "REDIS_TLS": "true",
    "REDIS_PASSWORD": "secret",
    "PUSH_AUTH": "oidc",
    "TRANSCRIPT_API_URL": "https://transcribe.example",
    "K_SERVICE": "ingest",
    "PORT": "80",
    "HTTPS_PROXY": "http://proxy.example",
}


@pytest.mark.component("emulators")
def test_nothing_leads_a_service_away_from_this_machine(tmp_path: Path) -> None:
    emulators = Emulators(tmp_path, os.environ)  # never started
    told = service_environ(
        PRODUCTION | {"SPEAKER_DELAY_SEC": "1", "WEB_CONCURRENCY": "2"},
        emulators,
        api_token="t",
        whisper_url="http://127.0.0.1:9",
        port=1234,
        read_port=1235,
    )
    assert told["TRANSCRIPT_API_URL"] == "http://127.0.0.1:1235"
    assert (told["API_HOST"], told["API_PORT"]) == ("127.0.0.1", "1234")
    assert (told["REDIS_HOST"], told["REDIS_PORT"]) == ("127.0.0.1", str(emulators.redis.port))
    assert told["STORAGE_EMULATOR_HOST"] == f"http://127.0.0.1:{emulators.gcs.port}"
    assert (told["SPEAKER_DELAY_SEC"], told["WEB_CONCURRENCY"]) == ("1", "2")
    left = {name: value for name, value in told.items() if PRODUCTION.get(name) == value}
    assert left == {}
    check(dict.fromkeys(SETTINGS, told), None)


def test_whisper_listens_on_this_machine_and_knows_no_token_of_ours() -> None:
    told = whisper_environ({"API_TOKEN": "t", "PORT": "1", "WHISPER_BEAM_SIZE": "1"}, 90)
    assert told == {"WHISPER_BEAM_SIZE": "1", "API_HOST": "127.0.0.1", "API_PORT": "90"}


def test_everything_else_is_inherited() -> None:
    assert inherited(PRODUCTION | {"PATH": "/bin"}) == {"PATH": "/bin"}


def test_everything_that_is_wrong_is_told_at_once() -> None:
    environ = {"API_TOKEN": "t", "PUSH_AUTH": "none", "WHISPER_SERVICE_URL": "http://127.0.0.1:9"}
    wrong = environ | {"LOG_LEVEL": "LOUD", "WEB_CONCURRENCY": "0", "PROCESSING_THREADS": "none"}
    with pytest.raises(SettingsError) as error:
        check(dict.fromkeys(SETTINGS, wrong), {"WHISPER_BEAM_SIZE": "0"})
    named = [problem.partition(":")[0] for problem in error.value.problems]
    assert named == ["LOG_LEVEL", "WEB_CONCURRENCY", "PROCESSING_THREADS", "WHISPER_BEAM_SIZE"]


def test_readers_that_stay_take_no_thread_from_pushes() -> None:
    for_readers = int(threads("transcribe", {})["GUNICORN_THREADS"])
    assert (
        for_readers
        > load(
            TranscribeSettings, {"API_TOKEN": "t", "PUSH_TOKEN": "t", "WHISPER_SERVICE_URL": "http://w"}
        ).live_readers
    )
    assert threads("transcribe", {"GUNICORN_THREADS": "9"}) == {}
    assert threads("ingest", {}) == {}


def test_the_page_may_record_into_ingest() -> None:
    told = page_environ({"CORS_ALLOWED_ORIGINS": "https://meet.example"}, ingest_port=80, read_port=81)
    assert told == {
        "INGEST_PUBLIC_URL": "http://127.0.0.1:80",
        "CORS_ALLOWED_ORIGINS": "https://meet.example,http://127.0.0.1:81",
    }
    assert page_environ({}, ingest_port=80, read_port=81)["CORS_ALLOWED_ORIGINS"] == "http://127.0.0.1:81"
