import pytest

from common.settings import SettingsError, load
from ingest_service.intake.connection_limits import ConnectionLimits
from ingest_service.settings import IngestSettings


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
    ],
)
def test_what_is_wrong_is_named(environ: dict[str, str], problem: str) -> None:
    token = {"API_TOKEN": "t"} if environ else {}
    with pytest.raises(SettingsError) as caught:
        load(IngestSettings, token | environ)
    assert caught.value.problems[0].startswith(problem)
