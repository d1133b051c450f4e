import pytest

from common.settings import SettingsError, as_logged, load
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
    assert problem.startswith(f"{missing}: must be set")


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
    ],
)
def test_a_bad_value_is_told_by_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as failed:
        load(TranscribeSettings, GOOD | {name: value})
    (told,) = failed.value.problems
    assert told.startswith(f"{name}: ")


def test_secrets_are_not_logged() -> None:
    logged = str(as_logged(load(TranscribeSettings, GOOD | {"WHISPER_API_TOKEN": "hush"})))
    assert "hush" not in logged
