"""What the services of the stack inherit, and what they are told."""

import os
from pathlib import Path

import pytest

from common.settings import SettingsError, load
from common.topology import topology
from local_cloud.emulators import Emulators
from local_cloud.services import (
    SETTINGS,
    check,
    inherited,
    own_environ,
    page_environ,
    service_command,
    service_environ,
    whisper_environ,
)
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
    "TRANSCRIBE_ROLE": "all",
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


def test_the_api_is_transcribe_s_image_in_another_role() -> None:
    roles = {name: own_environ(name, {}).get("TRANSCRIBE_ROLE") for name in SETTINGS}
    assert roles == {"ingest": None, "segmenter": None, "transcribe": "worker", "api": "api"}
    assert service_command("api") == service_command("transcribe")
    assert service_command("ingest")[-1] == "ingest_service.bootstrap:application()"


def test_readers_that_stay_find_threads_and_so_do_pushes() -> None:
    threads = {name: own_environ(name, {}).get("GUNICORN_THREADS") for name in SETTINGS}
    readers = load(TranscribeSettings, {"API_TOKEN": "t", "TRANSCRIBE_ROLE": "api"}).live_readers
    assert int(threads["api"] or 0) > readers
    pushed = [each for each in topology().subscriptions.values() if each.service == "transcribe"]
    swept = [each for each in topology().schedules.values() if each.service == "transcribe"]
    assert int(threads["transcribe"] or 0) >= 2 * len(pushed) + len(swept)
    assert threads["ingest"] is None
    assert all("GUNICORN_THREADS" not in own_environ(name, {"GUNICORN_THREADS": "9"}) for name in SETTINGS)


def test_the_page_may_record_into_ingest() -> None:
    told = page_environ({"CORS_ALLOWED_ORIGINS": "https://meet.example"}, ingest_port=80, read_port=81)
    assert told == {
        "INGEST_PUBLIC_URL": "http://127.0.0.1:80",
        "CORS_ALLOWED_ORIGINS": "https://meet.example,http://127.0.0.1:81",
    }
    assert page_environ({}, ingest_port=80, read_port=81)["CORS_ALLOWED_ORIGINS"] == "http://127.0.0.1:81"
