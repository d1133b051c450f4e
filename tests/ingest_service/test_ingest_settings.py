import pytest
from flask import Flask, request

from common.clock import SystemClock
from common.errors import Permanent
from common.oidc import OidcAuth
from common.push_auth import NoAuth, Nobody, SharedTokenAuth, push_auth_of
from common.settings import SettingsError, load
from ingest_service.intake.connection_limits import ConnectionLimits
from ingest_service.settings import IngestSettings

OWN_BUCKET = {"GCS_BUCKET": "audio", "GOOGLE_CLOUD_PROJECT": "a-project"}


def test_defaults_need_only_a_token() -> None:
    settings = load(IngestSettings, {"API_TOKEN": "t"})
    assert settings.max_chunk_bytes == 16 * 1024**2
    assert settings.audio_chunk_duration_sec == 3.0
    assert settings.allowed_origins == frozenset()
    assert settings.connection_limits == ConnectionLimits()


def test_cloud_runs_limit_can_be_set() -> None:
    assert load(IngestSettings, {"API_TOKEN": "t", "MAX_CHUNK_BYTES": "33554432"}).max_chunk_bytes == 32 * 1024**2


def test_origins_are_a_list() -> None:
    origins = "https://meet.example, http://localhost:3000,http://[::1]:8080,*,"
    assert load(IngestSettings, {"API_TOKEN": "t", "CORS_ALLOWED_ORIGINS": origins}).allowed_origins == {
        "https://meet.example",
        "http://localhost:3000",
        "http://[::1]:8080",
        "*",
    }


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({}, "API_TOKEN: must be set"),
        ({"MAX_CHUNK_BYTES": "1023"}, "MAX_CHUNK_BYTES: "),
        ({"MAX_CHUNK_BYTES": "16M"}, "MAX_CHUNK_BYTES: "),
        ({"AUDIO_CHUNK_DURATION_SEC": "0"}, "AUDIO_CHUNK_DURATION_SEC: "),
        ({"AUDIO_CHUNK_DURATION_SEC": "inf"}, "AUDIO_CHUNK_DURATION_SEC: "),
        ({"AUDIO_CHUNK_DURATION_SEC": "100"}, "AUDIO_CHUNK_DURATION_SEC: 100 s of uncompressed stereo"),
        ({"MAX_CHUNKS_PER_CONNECTION": "0"}, "MAX_CHUNKS_PER_CONNECTION: "),
        ({"MAX_CHUNKS_PER_CONNECTION": "2047"}, "MAX_RECORDING_BYTES: 2147483648 bytes are more than"),
        ({"MAX_CONNECTION_AGE_SEC": "59"}, "MAX_CONNECTION_AGE_SEC: "),
        ({"CORS_ALLOWED_ORIGINS": "meet.example"}, "CORS_ALLOWED_ORIGINS: 'meet.example' is no origin"),
        ({"CORS_ALLOWED_ORIGINS": "https://meet.example/"}, "CORS_ALLOWED_ORIGINS: "),
        ({"CORS_ALLOWED_ORIGINS": "https://Meet.example"}, "CORS_ALLOWED_ORIGINS: "),
        ({"CORS_ALLOWED_ORIGINS": "https://meet.example:443"}, "CORS_ALLOWED_ORIGINS: "),
        ({"CORS_ALLOWED_ORIGINS": "https://meet.example:x"}, "CORS_ALLOWED_ORIGINS: "),
        ({"UPLOAD_TENANTS": "acme,a/b"}, "UPLOAD_TENANTS: 'a/b'"),
        ({"UPLOAD_SOURCE_BUCKETS": "calls,gs://x"}, "UPLOAD_SOURCE_BUCKETS: 'gs://x' is no name of a bucket"),
        ({**OWN_BUCKET, "UPLOAD_SOURCE_BUCKETS": "calls,audio"}, "UPLOAD_SOURCE_BUCKETS: must not name GCS_BUCKET"),
        ({"DROPBOX_PATH": "/in"}, "DROPBOX_PATH: "),
        ({"DROPBOX_PATH": "in/"}, "DROPBOX_PATH: "),
        ({"DROPBOX_PATH": "in/../raw"}, "DROPBOX_PATH: "),
        ({"DROPBOX_PATH": "raw"}, "DROPBOX_PATH: must differ from RAW_AUDIO_PATH"),
        ({"DROPBOX_PATH": "segments/in"}, "DROPBOX_PATH: must differ from SEGMENTS_PATH"),
    ],
)
def test_what_is_wrong_is_named(environ: dict[str, str], problem: str) -> None:
    token = {"API_TOKEN": "t"} if environ else {}
    with pytest.raises(SettingsError) as caught:
        load(IngestSettings, token | environ)
    assert caught.value.problems[0].startswith(problem)


def test_messages_speak_for_the_default_tenant_and_those_that_are_named() -> None:
    trust = load(IngestSettings, {"API_TOKEN": "t", "UPLOAD_TENANTS": "acme, globex"}).trust
    assert [trust.tenant(named) for named in ("", "default", "acme", "globex")] == [
        "default",
        "default",
        "acme",
        "globex",
    ]
    with pytest.raises(Permanent):
        trust.tenant("other")
    assert load(IngestSettings, {"API_TOKEN": "t", "UPLOAD_TENANTS": "*"}).trust.tenant("other") == "other"


@pytest.mark.parametrize(
    ("environ", "auth"),
    [
        ({}, Nobody),
        (OWN_BUCKET, Nobody),
        (OWN_BUCKET | {"K_SERVICE": "ingest"}, Nobody),
        ({"PUSH_TOKEN": "p"}, SharedTokenAuth),
        (OWN_BUCKET | {"PUSH_AUTH": "none"}, NoAuth),
        (OWN_BUCKET | {"PUSH_AUDIENCE": "https://ingest.example", "PUSH_SERVICE_ACCOUNTS": "push@a.example"}, OidcAuth),
    ],
)
def test_where_nothing_is_said_about_pushes_nobody_may_push(environ: dict[str, str], auth: type) -> None:
    found = push_auth_of(load(IngestSettings, {"API_TOKEN": "t", **environ}), SystemClock())
    assert type(found) is auth
    with Flask("test").test_request_context():
        assert found.allows(request) == (auth is NoAuth)


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        (OWN_BUCKET | {"PUSH_SERVICE_ACCOUNTS": "push@a.example"}, "PUSH_AUDIENCE"),
        (OWN_BUCKET | {"PUSH_AUTH": "oidc", "PUSH_AUDIENCE": "https://a.example"}, "PUSH_SERVICE_ACCOUNTS"),
        (OWN_BUCKET | {"K_SERVICE": "ingest", "PUSH_AUTH": "none"}, "PUSH_AUTH"),
        (OWN_BUCKET | {"K_SERVICE": "ingest", "PUSH_AUTH": "token", "PUSH_TOKEN": "p"}, "PUSH_AUTH"),
    ],
)
def test_what_is_said_about_pushes_must_be_whole(environ: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(IngestSettings, {"API_TOKEN": "t", **environ})
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [named]
