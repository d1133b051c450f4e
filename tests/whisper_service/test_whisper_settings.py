import sys

import pytest

from common.settings import SettingsError, load
from common.startup import EX_CONFIG, settings_or_exit
from whisper_service.model_location import ModelNotFound, locate
from whisper_service.settings import WhisperSettings


@pytest.fixture
def model_folder(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.bin").write_bytes(b"")
    return tmp_path / "model"


@pytest.fixture
def a_package(tmp_path, monkeypatch, model_folder):
    package = tmp_path / "some_model_package"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('nobody needs to import me')")
    model_folder.rename(package / "model")
    monkeypatch.syspath_prepend(tmp_path)
    yield "some_model_package"
    sys.modules.pop("some_model_package", None)


def test_a_folder_is_taken_as_it_is(model_folder):
    assert locate(str(model_folder)) == str(model_folder)


def test_a_package_s_model_is_found_without_importing_the_package(a_package, tmp_path):
    assert locate(f"package:{a_package}") == str(tmp_path / a_package / "model")


@pytest.mark.parametrize("name", ["tiny", "tiny.en", "large-v3-turbo", "owner/faster-whisper-small.en"])
def test_a_name_is_left_to_be_downloaded(name):
    assert locate(name) == name


@pytest.mark.parametrize(
    "model",
    [
        "package:not_installed_anywhere",
        "package:",
        "package:../x",
        "package:json",
        "/no/such/folder",
        "./x",
        "a/b/c",
        "",
    ],
)
def test_what_is_no_model_is_refused(model):
    with pytest.raises(ModelNotFound):
        locate(model)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ModelNotFound, match=r"model\.bin"):
        locate(str(tmp_path))


def test_nothing_needs_to_be_set_but_the_model(model_folder):
    settings = load(WhisperSettings, {"WHISPER_MODEL": str(model_folder)})
    assert (settings.whisper_workers, settings.whisper_queue, settings.whisper_beam_size) == (2, 8, 5)
    assert not settings.whisper_api_token


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WHISPER_MODEL", "/no/such/folder"),
        ("WHISPER_WORKERS", "0"),
        ("WHISPER_QUEUE", "-1"),
        ("WHISPER_BEAM_SIZE", "many"),
        ("WHISPER_MAX_AUDIO_SEC", "0"),
        ("WHISPER_DEVICE", "gpu"),
        ("WHISPER_COMPUTE_TYPE", "int4"),
    ],
)
def test_a_wrong_value_names_its_variable(name, value, model_folder):
    with pytest.raises(SettingsError) as wrong:
        load(WhisperSettings, {"WHISPER_MODEL": str(model_folder), name: value})
    assert [problem.partition(":")[0] for problem in wrong.value.problems] == [name]


@pytest.fixture
def machine(monkeypatch):
    """A machine with so many CUDA devices."""

    def with_devices(count):
        monkeypatch.setattr("whisper_service.settings.cuda_devices", lambda: count)

    return with_devices


def test_without_a_word_about_it_the_cpu_computes_and_no_gpu_is_looked_for(model_folder, monkeypatch):
    monkeypatch.setattr("whisper_service.settings.cuda_devices", lambda: pytest.fail("looked for a GPU"))
    settings = load(WhisperSettings, {"WHISPER_MODEL": str(model_folder)})
    assert (settings.whisper_device, settings.whisper_compute_type) == ("cpu", "auto")


def test_a_gpu_that_is_wanted_and_there_is_fine(model_folder, machine):
    machine(1)
    settings = load(WhisperSettings, {"WHISPER_MODEL": str(model_folder), "WHISPER_DEVICE": "cuda"})
    assert settings.whisper_device == "cuda"


def test_a_gpu_that_is_wanted_and_missing_is_told_at_the_start(model_folder, machine):
    machine(0)
    with pytest.raises(SettingsError) as wrong:
        load(WhisperSettings, {"WHISPER_MODEL": str(model_folder), "WHISPER_DEVICE": "cuda"})
    assert [problem.partition(":")[0] for problem in wrong.value.problems] == ["WHISPER_DEVICE"]
    assert "no CUDA device is here" in str(wrong.value)


@pytest.mark.parametrize("compute_type", ["float16", "int8_float16"])
def test_a_compute_type_of_gpus_is_refused_on_the_cpu(compute_type, model_folder):
    with pytest.raises(SettingsError, match=r"WHISPER_COMPUTE_TYPE: .* needs a GPU"):
        load(WhisperSettings, {"WHISPER_MODEL": str(model_folder), "WHISPER_COMPUTE_TYPE": compute_type})


def test_the_process_ends_with_the_code_for_a_wrong_configuration(capsys):
    with pytest.raises(SystemExit) as ended:
        settings_or_exit(WhisperSettings, {"WHISPER_MODEL": "/no/such/folder", "WHISPER_WORKERS": "2"})
    assert ended.value.code == EX_CONFIG
    assert capsys.readouterr().err.startswith("WHISPER_MODEL: ")
