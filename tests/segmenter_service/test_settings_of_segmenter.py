"""What the segmenter refuses to start with."""

import pytest

from common.settings import SettingsError, load
from segmenter_service.settings import SegmenterSettings

ON_CLOUD_RUN = {
    "K_SERVICE": "segmenter",
    "GCS_BUCKET": "audio",
    "GOOGLE_CLOUD_PROJECT": "a-project",
    "PUSH_AUDIENCE": "https://segmenter.example",
    "PUSH_SERVICE_ACCOUNTS": "pusher@a-project.example",
}


def test_instances_that_come_and_go_need_one_hot_state() -> None:
    with pytest.raises(SettingsError) as failed:
        load(SegmenterSettings, ON_CLOUD_RUN)
    (problem,) = failed.value.problems
    assert problem.startswith("REDIS_HOST: must be set on Cloud Run")
    assert load(SegmenterSettings, ON_CLOUD_RUN | {"REDIS_HOST": "10.0.0.3"}).redis_host == "10.0.0.3"


def test_a_process_that_is_the_only_one_has_it_in_itself() -> None:
    assert load(SegmenterSettings, {"PUSH_TOKEN": "p"}).redis_host == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [("MAX_AUDIO_LENGTH_SEC", "15"), ("IDLE_CLOSE_SEC", "10"), ("REDIS_PORT", "0"), ("SPEAKER_DELAY_SEC", "31")],
)
def test_a_bad_value_is_told_by_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as failed:
        load(SegmenterSettings, {"PUSH_TOKEN": "p", name: value})
    (problem,) = failed.value.problems
    assert problem.startswith(f"{name}: ")
