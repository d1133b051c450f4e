"""A Whisper client on a clock that only its own pauses move."""

from collections.abc import Callable

import pytest

from common.errors import TurnscribeError
from common.settings import Secret
from tests.clocks import FakeClock
from transcribe_service.whisper.calls import WhisperCalls, WhisperLimits
from transcribe_service.whisper.circuit import Circuit
from transcribe_service.whisper.client import WhisperClient, WhisperResult
from transcribe_service.whisper.credentials import BearerToken, Credentials
from transcribe_service.whisper.openai_dialect import OpenAiDialect

LIMITS = WhisperLimits(timeout_s=10, budget_s=50, connections=2)
OPEN_S = 20.0


def openai(url: str, calls: WhisperCalls) -> WhisperClient:
    return OpenAiDialect(url, model="tiny", calls=calls)


class Caller:
    def __init__(
        self,
        url: str,
        *,
        token: str = "",
        limits: WhisperLimits = LIMITS,
        failures: int = 0,
        credentials: Credentials | None = None,
        dialect: Callable[[str, WhisperCalls], WhisperClient] = openai,
    ) -> None:
        self.clock = FakeClock()
        self.pauses_s: list[float] = []
        circuit = Circuit(failures=failures, open_s=OPEN_S, clock=self.clock)
        credentials = credentials or BearerToken(Secret(token))
        self._calls = WhisperCalls(credentials, limits, circuit, self.clock, self._sleep)
        self.client = dialect(url, self._calls)

    def _sleep(self, seconds: float) -> None:
        self.pauses_s.append(seconds)
        self.clock.sleep(seconds)

    def __call__(self, language: str = "", prompt: str = "", model: str = "") -> WhisperResult:
        try:
            return self.client.transcribe(b"fLaC\x00\xff", language=language, prompt=prompt, model=model)
        finally:
            self._calls.close()

    def failure(self) -> TurnscribeError:
        with pytest.raises(TurnscribeError) as failed:
            self()
        return failed.value
