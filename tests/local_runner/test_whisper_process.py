import os
import signal
import sys

import pytest

from common.errors import Retryable
from local_runner.settings import WhisperChild
from local_runner.whisper_process import WhisperProcess
from tests.waiting import until

SLEEPER = (sys.executable, "-c", "import time; time.sleep(600)")


@pytest.fixture
def process() -> WhisperProcess:
    return WhisperProcess(WhisperChild(9, dict(os.environ)), SLEEPER)


def test_a_child_that_dies_is_started_again_and_stop_ends_it(process: WhisperProcess) -> None:
    process.start()
    until(lambda: process.pid is not None)
    first = process.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    until(lambda: process.pid != first)
    second = process.pid
    process.stop()
    assert second is not None
    with pytest.raises(ProcessLookupError):
        os.kill(second, 0)


def test_stopping_before_the_start_starts_nothing(process: WhisperProcess) -> None:
    process.stop()
    process.start()
    process.stop()
    assert process.pid is None


def test_a_server_that_does_not_answer_is_unwell(process: WhisperProcess) -> None:
    with pytest.raises(Retryable, match="does not answer"):
        process.check()
    with pytest.raises(Retryable):
        process.stats()
    process.stop()
