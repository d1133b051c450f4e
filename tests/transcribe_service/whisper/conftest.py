from collections.abc import Iterator

import pytest

from tests.transcribe_service.whisper.whisper_server import ScriptedWhisper, scripted_whisper


@pytest.fixture
def server() -> Iterator[ScriptedWhisper]:
    with scripted_whisper() as script:
        yield script
