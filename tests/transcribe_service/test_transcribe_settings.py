import pytest

from common.push_auth import Nobody, push_auth_of
from common.settings import SettingsError, as_logged, load
from tests.clocks import FakeClock
from transcribe_service.settings import TranscribeSettings

GOOD = {"API_TOKEN": "a", "PUSH_TOKEN": "p", "WHISPER_SERVICE_URL": "http://127.0.0.1:9000"}


def test_the_defaults_hold() -> None:
    settings = load(TranscribeSettings, GOOD)
    assert settings.processing_wait_sec + settings.whisper_budget_sec < settings.push_ack_deadline_sec


@pytest.mark.parametrize("missing", sorted(GOOD))
def test_what_must_be_set_is_named(missing: str) -> None:
    with pytest.raises(SettingsError) as failed:
        load(TranscribeSettings, {name: value for name, value in GOOD.items() if name != missing})
    (problem,) = failed.value.problems
    assert problem.startswith(f"{missing}: must be set, unless ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WHISPER_SERVICE_URL", "whisper:9000"),
        ("WHISPER_LANGUAGE", "the Queen's"),
        ("WHISPER_BUDGET_SEC", "60"),
        ("WHISPER_TIMEOUT_SEC", "51"),
        ("WHISPER_TIMEOUT_SEC", "0"),
        ("PROCESSING_THREADS", "0"),
        ("ENGINE_API_URL", "engine:80"),
        ("ENGINE_API_URL", "https://engine/?a=b"),
        ("ENGINE_API_TOKEN", "of-nothing"),
        ("DELIVERY_THREADS", "1"),
        ("WEBHOOK_ALLOW_PRIVATE", "perhaps"),
        ("PROCESSING_THREADS", "many"),
        ("PROVISIONAL_MAX_AGE_SEC", "-1"),
        ("TRANSCRIBE_ROLE", "reader"),
    ],
)
def test_a_bad_value_is_told_by_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as failed:
        load(TranscribeSettings, GOOD | {name: value})
    (told,) = failed.value.problems
    assert told.startswith(f"{name}: ")


API = {"API_TOKEN": "a", "TRANSCRIBE_ROLE": "api"}
WORKER = {"PUSH_TOKEN": "p", "WHISPER_SERVICE_URL": "http://127.0.0.1:9000", "TRANSCRIBE_ROLE": "worker"}
ON_CLOUD_RUN = {"K_SERVICE": "x", "GCS_BUCKET": "audio", "GOOGLE_CLOUD_PROJECT": "a-project"}
PROOF = {"PUSH_AUDIENCE": "https://transcribe.example", "PUSH_SERVICE_ACCOUNTS": "pusher@a-project.example"}


@pytest.mark.parametrize("needed", [API, WORKER, GOOD, API | ON_CLOUD_RUN, WORKER | ON_CLOUD_RUN | PROOF])
def test_each_role_needs_no_more_than_it_uses(needed: dict[str, str]) -> None:
    load(TranscribeSettings, needed)


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({"TRANSCRIBE_ROLE": "api"}, ["API_TOKEN"]),
        ({"TRANSCRIBE_ROLE": "worker"}, ["PUSH_TOKEN", "WHISPER_SERVICE_URL"]),
        ({}, ["API_TOKEN", "PUSH_TOKEN", "WHISPER_SERVICE_URL"]),
        (WORKER | ON_CLOUD_RUN, ["PUSH_AUDIENCE", "PUSH_SERVICE_ACCOUNTS"]),
        (API | {"K_SERVICE": "api"}, ["GCS_BUCKET"]),
    ],
)
def test_what_a_role_needs_is_named_at_once(environ: dict[str, str], missing: list[str]) -> None:
    with pytest.raises(SettingsError) as failed:
        load(TranscribeSettings, environ)
    assert [problem.partition(":")[0] for problem in failed.value.problems] == missing


def test_nobody_pushes_to_an_api_whatever_is_said_of_pushes() -> None:
    said = {"PUSH_AUTH": "none", "PUSH_TOKEN": "p", "PUSH_SIGNATURE": "cloud_run", **PROOF}
    for environ in (API | said, API | said | ON_CLOUD_RUN):
        settings = load(TranscribeSettings, environ)
        assert isinstance(push_auth_of(settings, FakeClock()), Nobody)


def test_secrets_are_not_logged() -> None:
    logged = str(as_logged(load(TranscribeSettings, GOOD | {"WHISPER_API_TOKEN": "hush"})))
    assert "hush" not in logged
