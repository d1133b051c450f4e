import pytest

from common.settings import SettingsError
from local_runner.settings import RunnerSettings, load_runner_settings
from tests.earlier_deployment import EARLIER_NAMES


def _load(environ: dict[str, str]) -> RunnerSettings:
    return load_runner_settings(environ, token=lambda: "kept")


def test_nothing_needs_to_be_set() -> None:
    settings = _load({})
    assert settings.shared.api_token.reveal() == "kept"
    assert len(settings.shared.push_token.reveal()) >= 20
    assert settings.whisper is not None
    assert settings.transcribe.whisper_service_url == settings.whisper.url
    assert settings.url == "http://127.0.0.1:8080"


def test_every_start_has_a_push_token_of_its_own() -> None:
    assert _load({}).shared.push_token.reveal() != _load({}).shared.push_token.reveal()


def test_all_services_read_the_same_values() -> None:
    settings = _load({"API_TOKEN": "mine", "DATA_DIR": "there", "RAW_AUDIO_PATH": "audio"})
    for part in settings.parts:
        assert (part.api_token.reveal(), part.data_dir, part.raw_audio_path) == ("mine", "there", "audio")
        assert part.push_token.reveal() == settings.shared.push_token.reveal()


def test_a_whisper_server_that_is_named_is_used_instead_of_one_s_own() -> None:
    settings = _load({"WHISPER_SERVICE_URL": "http://whisper.example:9000"})
    assert settings.whisper is None
    assert settings.transcribe.whisper_service_url == "http://whisper.example:9000"


def test_transcripts_are_read_here_unless_another_place_is_named() -> None:
    assert _load({"API_PORT": "1234"}).ingest.transcript_api_url == "http://127.0.0.1:1234"
    named = {"TRANSCRIPT_API_URL": "http://transcribe.example"}
    assert _load(named).ingest.transcript_api_url == "http://transcribe.example"


def test_one_process_has_both_roles_of_transcribe() -> None:
    assert _load({"TRANSCRIBE_ROLE": "worker"}).transcribe.transcribe_role == "all"


def test_whisper_gets_its_own_port_and_none_of_our_tokens() -> None:
    whisper = _load({"API_TOKEN": "mine", "PORT": "9999", "WHISPER_MODEL": "tiny.en", "WHISPER_API_TOKEN": "w"}).whisper
    assert whisper is not None
    assert whisper.environ["API_PORT"] == str(whisper.port)
    assert (whisper.environ["WHISPER_MODEL"], whisper.environ["WHISPER_API_TOKEN"]) == ("tiny.en", "w")
    assert not {"PORT", "API_TOKEN", "PUSH_TOKEN"} & whisper.environ.keys()


def test_all_problems_of_all_services_are_told_at_once_and_once() -> None:
    with pytest.raises(SettingsError) as refused:
        _load(
            {
                "SEGMENT_SIZE_SEC": "ten",
                "PROCESSING_THREADS": "0",
                "API_PORT": "x",
                "GCS_BUCKET": "b",
                "WHISPER_MODEL": "./none",
            }
        )
    named = [problem.partition(":")[0] for problem in refused.value.problems]
    assert sorted(named) == ["API_PORT", "GCS_BUCKET", "PROCESSING_THREADS", "SEGMENT_SIZE_SEC", "WHISPER_MODEL"]


def test_a_whisper_model_that_is_not_there_is_told_at_the_start() -> None:
    with pytest.raises(SettingsError, match="WHISPER_MODEL"):
        _load({"WHISPER_MODEL": "package:no_such_package"})


def test_every_address_is_reached_through_this_machine_s_own() -> None:
    assert _load({"API_HOST": "::", "API_PORT": "1234"}).url == "http://[::1]:1234"
    assert _load({"API_HOST": "192.0.2.7", "API_PORT": "1234"}).url == "http://192.0.2.7:1234"


@pytest.mark.parametrize("name", EARLIER_NAMES)
def test_no_name_of_the_earlier_deployment_is_silently_ignored(name: str) -> None:
    read = {field.upper() for part in _load({}).parts for field in part.__struct_fields__}
    assert name in read
