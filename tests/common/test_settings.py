from collections.abc import Iterator
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta
from msgspec.structs import fields

from common.settings import SECONDS, Secret, Settings, SettingsError, as_logged, load
from ingest_service.settings import IngestSettings
from segmenter_service.settings import SegmenterSettings
from tests.earlier_deployment import EARLIER_NAMES
from transcribe_service.settings import TranscribeSettings
from whisper_service.settings import WhisperSettings

SERVICES: list[type[Settings]] = [IngestSettings, SegmenterSettings, TranscribeSettings, WhisperSettings]


class Example(Settings, frozen=True, kw_only=True):
    wait_sec: Annotated[float, SECONDS] = 3.0
    places: Annotated[int, Meta(ge=1)] = 2
    fast: bool = False

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        if self.wait_sec > 10 * self.places:
            yield "WAIT_SEC: is too long for so few PLACES"


def problems_of(**environ: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(Example, {"API_TOKEN": "t", **environ})
    return caught.value.problems


@pytest.mark.parametrize("name", EARLIER_NAMES)
def test_a_name_of_the_earlier_deployment_has_a_meaning(name: str) -> None:
    readers = [cls for cls in SERVICES if name.lower() in {field.name for field in fields(cls)}]
    assert readers


def test_chunk_duration_is_ingests() -> None:
    assert "audio_chunk_duration_sec" in {field.name for field in fields(IngestSettings)}


def test_values_are_typed_and_empty_means_unset() -> None:
    environ = {"API_TOKEN": "t", "WAIT_SEC": "0.5", "PLACES": "7", "FAST": "true", "LOG_LEVEL": "", "HOME": "/x"}
    settings = load(Example, environ)
    assert (settings.wait_sec, settings.places, settings.fast, settings.log_level) == (0.5, 7, True, "INFO")
    assert settings.api_token.reveal() == "t"


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load(Example, {"WAIT_SEC": "soon", "PLACES": "0", "LOG_LEVEL": "LOUD"})
    assert [line.partition(":")[0] for line in caught.value.problems] == [
        "API_TOKEN",
        "LOG_LEVEL",
        "WAIT_SEC",
        "PLACES",
    ]
    assert str(caught.value).count("\n") == 3


def test_port_of_cloud_run_wins_and_is_named_when_wrong() -> None:
    assert load(Example, {"API_TOKEN": "t", "API_PORT": "9000", "PORT": "8081"}).api_port == 8081
    assert load(Example, {"API_TOKEN": "t", "API_PORT": "9000"}).api_port == 9000
    assert problems_of(PORT="0")[0].startswith("PORT: ")
    assert problems_of(API_PORT="70000")[0].startswith("API_PORT: ")


def test_values_that_do_not_go_together_are_named() -> None:
    assert problems_of(WAIT_SEC="11", PLACES="1") == ["WAIT_SEC: is too long for so few PLACES"]


@pytest.mark.parametrize(
    ("raw", "segments"), [("a", "a"), ("a/b", "a"), ("a", "a/0abc"), ("a/", "a"), ("audio", "audio/segments")]
)
def test_neither_kind_of_object_lies_among_the_other(raw: str, segments: str) -> None:
    (problem,) = problems_of(RAW_AUDIO_PATH=raw, SEGMENTS_PATH=segments)
    assert problem == "SEGMENTS_PATH: must differ from RAW_AUDIO_PATH, and neither may lie below the other"


def test_names_that_only_begin_alike_go_together() -> None:
    settings = load(Example, {"API_TOKEN": "t", "RAW_AUDIO_PATH": "audio", "SEGMENTS_PATH": "audio-segments"})
    assert settings.segments_path == "audio-segments"


@pytest.mark.parametrize("path", ["/data/audio", "../audio", "a/../b", "/"])
@pytest.mark.parametrize("name", ["RAW_AUDIO_PATH", "SEGMENTS_PATH"])
def test_object_name_parts_are_no_paths(name: str, path: str) -> None:
    (problem,) = problems_of(**{name: path})
    assert problem.startswith(f"{name}: ")
    assert "DATA_DIR" in problem


@given(st.text(min_size=1).filter(lambda text: text not in "***(not set)"))
def test_a_secret_never_shows(value: str) -> None:
    secret = Secret(value)
    assert secret.reveal() == value
    assert f"{secret} {secret!r}" == "*** ***"
    assert f"{[secret]}" == "[***]"


def test_the_log_shows_every_setting_but_no_secret() -> None:
    shown = as_logged(load(Example, {"API_TOKEN": "hunter2"}))
    assert set(shown) == {field.name.upper() for field in fields(Example)}
    assert (shown["API_TOKEN"], shown["PUSH_TOKEN"], shown["PLACES"]) == ("***", "(not set)", 2)
    assert "hunter2" not in repr(shown)


@pytest.mark.parametrize("cls", SERVICES)
def test_every_setting_of_a_service_says_what_it_means(cls: type[Settings]) -> None:
    for field in fields(cls):
        metas = getattr(field.type, "__metadata__", ())
        assert any(getattr(meta, "description", None) for meta in metas), f"{cls.__name__}.{field.name}"
