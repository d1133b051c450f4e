"""Calls to a Whisper server, whatever its dialect. The one owner of retries towards Whisper.

What is sent and how the answer is read is the dialect's; how many calls run at a time is decided by the worker.
"""

import random
import time
from collections.abc import Callable
from typing import Final

import msgspec
import tenacity
import urllib3
from urllib3.exceptions import HTTPError, InvalidHeader

from common.clock import Clock
from common.errors import Backpressure, Permanent, Retryable, TurnscribeError
from common.logs import get_logger
from transcribe_service.whisper.circuit import Circuit
from transcribe_service.whisper.client import WhisperResult
from transcribe_service.whisper.credentials import Credentials

log = get_logger(__name__)

CONNECT_TIMEOUT_S: Final = 5.0
SHORTEST_ATTEMPT_S: Final = 1.0
"""What must be left of the budget for another attempt to make sense."""
LONGEST_RETRY_AFTER_S: Final = 3600.0
_REFUSED_AUDIO: Final = {400, 413, 415, 422}
_UNAUTHORIZED: Final = {401, 403}
_SATURATED: Final = {429, 503}
_READ_BYTES: Final = 64 * 1024
_BACKOFF: Final = tenacity.wait_random_exponential(multiplier=0.5, max=8)


class WhisperLimits(msgspec.Struct, frozen=True, kw_only=True):
    """`timeout_s` bounds one attempt, `budget_s` all attempts and the waits between them."""

    timeout_s: float
    budget_s: float
    connections: int
    """Connections that are kept open: as many as there are concurrent calls."""
    answer_bytes: int = 8 * 1024 * 1024
    """Longest answer that is read; a minute of speech with word times takes some 30 KB."""


class Call(msgspec.Struct, frozen=True):
    """One POST."""

    url: str
    body: bytes
    content_type: str
    read: Callable[[bytes], WhisperResult]
    """Reads the body of a 200. Raises `Retryable` where it is no answer."""


class WhisperCalls:
    """Makes calls, again and again where a fault may pass, within a deadline. Thread-safe."""

    def __init__(
        self,
        credentials: Credentials,
        limits: WhisperLimits,
        circuit: Circuit,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._credentials = credentials
        self._limits = limits
        self._circuit = circuit
        self._clock = clock
        self._sleep = sleep
        self._pool = urllib3.PoolManager(maxsize=limits.connections, retries=False)

    def deadline_s(self) -> float:
        """On the monotonic clock: when everything for one segment that begins now must be over."""
        return self._clock.monotonic_s() + self._limits.budget_s

    def within(self, deadline_s: float, call: Call) -> WhisperResult:
        """The answer. Raises as `WhisperClient.transcribe`, by `deadline_s`, at once where the circuit is open."""

        def attempt() -> WhisperResult:
            left_s = deadline_s - self._clock.monotonic_s()
            return self._attempt(call, min(self._limits.timeout_s, max(left_s, SHORTEST_ATTEMPT_S)))

        def out_of_time(state: tenacity.RetryCallState) -> bool:
            return self._clock.monotonic_s() + state.upcoming_sleep + SHORTEST_ATTEMPT_S > deadline_s

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_MayPass),
            wait=_pause_s,
            stop=out_of_time,
            sleep=self._sleep,
            before_sleep=_log_retry,
            reraise=True,
        )
        try:
            return retrying(attempt)
        except _MayPass as failed:
            _log_failed(failed.error, retrying)
            raise failed.error from failed
        except TurnscribeError as error:
            _log_failed(error, retrying)
            raise

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._pool.clear()

    def _attempt(self, call: Call, timeout_s: float) -> WhisperResult:
        self._circuit.pass_through()
        try:
            result = self._answer(call, timeout_s)
        except Permanent:  # about this audio: the server is well
            self._succeeded()
            raise
        except BaseException:
            self._failed()
            raise
        self._succeeded()
        return result

    def _succeeded(self) -> None:
        before = self._circuit.state
        self._circuit.succeeded()
        if before == "open":
            log.info("whisper_circuit_closed")

    def _failed(self) -> None:
        before = self._circuit.state
        self._circuit.failed()
        if (before, self._circuit.state) == ("closed", "open"):
            log.warning("whisper_circuit_opened")

    def _answer(self, call: Call, timeout_s: float) -> WhisperResult:
        try:
            status, retry_after, answer = self._post(call, self._credentials.headers(), timeout_s)
        except HTTPError as error:
            kind = type(error).__name__
            raise _MayPass(Retryable(f"Whisper did not answer: {kind}", reason="whisper_unreachable")) from error
        _raise_for(status, retry_after)
        try:
            return call.read(answer)
        except Retryable as error:
            raise _MayPass(error) from error

    def _post(self, call: Call, authorization: dict[str, str], timeout_s: float) -> tuple[int, float | None, bytes]:
        """`(status, seconds of Retry-After, body)`; the body is read only where it says something."""
        deadline_s = self._clock.monotonic_s() + timeout_s
        response = self._pool.request(
            "POST",
            call.url,
            body=call.body,
            headers={"Accept": "application/json", "Content-Type": call.content_type, **authorization},
            timeout=urllib3.Timeout(connect=min(CONNECT_TIMEOUT_S, timeout_s), read=timeout_s),
            preload_content=False,
            redirect=False,
        )
        try:
            answer = self._read(response, deadline_s) if response.status == 200 else b""
            return response.status, _retry_after_s(response.headers.get("Retry-After")), answer
        finally:
            response.close()  # keeps a connection whose answer was read to its end

    def _read(self, response: urllib3.BaseHTTPResponse, deadline_s: float) -> bytes:
        answer = bytearray()
        while data := response.read1(_READ_BYTES):
            answer += data
            if len(answer) > self._limits.answer_bytes:
                raise Retryable(
                    "Whisper's answer is longer than anything it could say", reason="whisper_answer_too_long"
                )
            if self._clock.monotonic_s() > deadline_s:  # the read time-out alone starts again with every byte
                raise _MayPass(Retryable("Whisper's answer did not end in time", reason="whisper_unreachable"))
        return bytes(answer)


class _MayPass(Exception):
    """A failure that is worth another attempt, and what the worker is told when there is no time for one."""

    def __init__(self, error: Retryable | Backpressure, after_s: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.after_s = after_s


def _raise_for(status: int, retry_after_s: float | None) -> None:
    """Which of the three errors a status is; nothing for 200."""
    if status == 200:
        return
    if status in _REFUSED_AUDIO:
        raise Permanent(f"Whisper refused the segment's audio (status {status})", reason="whisper_refused_audio")
    if status in _UNAUTHORIZED:  # a wrong token is the operator's fault: the audio must wait for a right one
        raise Retryable(f"Whisper refused WHISPER_API_TOKEN (status {status})", reason="whisper_unauthorized")
    if status in _SATURATED:
        later_s = retry_after_s if retry_after_s is not None else 5.0
        saturated = Backpressure(
            f"Whisper is saturated (status {status})", reason="whisper_saturated", retry_after_s=later_s
        )
        raise _MayPass(saturated, retry_after_s)
    failed = Retryable(f"Whisper failed (status {status})", reason=f"whisper_status_{status}")
    if status >= 500 or status == 408:
        raise _MayPass(failed)
    raise failed  # a redirect, a wrong path: the same until somebody changes WHISPER_SERVICE_URL


def _retry_after_s(header: str | None) -> float | None:
    if header is None:
        return None
    try:
        return min(urllib3.Retry(0).parse_retry_after(header), LONGEST_RETRY_AFTER_S)
    except InvalidHeader:
        return None


def _pause_s(state: tenacity.RetryCallState) -> float:
    """Backoff with full jitter, never less than what the server asked for."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _MayPass) and error.after_s is not None:
        return error.after_s + random.uniform(0, 0.5)  # noqa: S311 -- spreads retries, guards nothing
    return _BACKOFF(state)


def _log_failed(error: TurnscribeError, retrying: tenacity.Retrying) -> None:
    log.warning("whisper_failed", reason=error.reason, attempts=retrying.statistics.get("attempt_number", 0))


def _log_retry(state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    reason = error.error.reason if isinstance(error, _MayPass) else ""
    log.info("whisper_retry", reason=reason, attempt=state.attempt_number, pause_s=round(state.upcoming_sleep, 2))
