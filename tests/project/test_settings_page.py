"""docs/settings.md is what the settings classes say, and no variable that users already have is silently ignored."""

import pytest

from common.settings import REFUSED
from docs.generate_settings import PAGE, SECTIONS, page

EARLIER_NAMES = [
    "REDIS_HOST",
    "REDIS_PORT",
    "REDIS_PASSWORD",
    "API_HOST",
    "API_PORT",
    "API_TOKEN",
    "AUDIO_CHUNK_DURATION_SEC",
    "SEGMENT_SIZE_SEC",
    "PROCESSING_THREADS",
    "CHECK_AND_PROCESS_CONNECTIONS_INTERVAL_SEC",
    "SPEAKER_DELAY_SEC",
    "WHISPER_SERVICE_URL",
    "WHISPER_API_TOKEN",
    "RAW_AUDIO_PATH",
    "SEGMENTS_PATH",
    "TRANSCRIBER_STEP_SEC",
    "MAX_AUDIO_LENGTH_SEC",
    "ENGINE_API_URL",
    "ENGINE_API_TOKEN",
    "GCS_BUCKET",
]


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make docs"


@pytest.mark.parametrize("name", EARLIER_NAMES)
def test_a_name_of_the_earlier_deployment_has_a_meaning_or_is_refused(name: str) -> None:
    known = any(name.lower() in cls.__struct_fields__ for _, cls in SECTIONS)
    assert known != (name in REFUSED)
