"""HTTP to one server: authentication, retries, problem details. Knows no routes.

Every request of the API may be repeated safely, so every request is: on connection errors and on 429, 502, 503 and 504,
with growing pauses, or as long as `Retry-After` says. This is the only place of the client that retries.
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import urlencode

import msgspec
import urllib3

from turnscribe.errors import ProblemDetails, ServerUnreachable, UnexpectedAnswer, answer_error

PASSING_STATUS: Final = frozenset({429, 502, 503, 504})
T = TypeVar("T")


@dataclass(frozen=True)
class RetryPolicy:
    """How long and how often to try."""

    give_up_after_s: float = 60.0
    """No new try begins later than this after the first."""
    first_pause_s: float = 0.2
    longest_pause_s: float = 10.0

    def pause_s(self, tries: int, retry_after: str | None) -> float:
        """The pause after `tries` failed tries: what the server asks for, else doubling, with jitter against herds."""
        if retry_after and retry_after.isdecimal():
            return float(retry_after)
        return min(self.longest_pause_s, self.first_pause_s * 2.0 ** (tries - 1)) * random.uniform(0.5, 1.0)  # noqa: S311 -- jitter, not a secret


@dataclass(frozen=True)
class Answer:
    """A successful answer."""

    status: int
    body: bytes
    content_type: str

    def decoded(self, kind: type[T]) -> T:
        """The JSON body as `kind`. Raises `UnexpectedAnswer` when it is not one."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except msgspec.DecodeError as error:
            raise UnexpectedAnswer(f"the server's answer is no {kind.__name__}: {error}") from error


class Transport:
    """Requests to `base_url` with a bearer token. Safe to share between threads; close it when done."""

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        retry: RetryPolicy,
        timeout_s: float,
        sleep: Callable[[float], None] = time.sleep,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}
        self._retry = retry
        self._sleep = sleep
        self._monotonic_s = monotonic_s
        self._pool = urllib3.PoolManager(
            maxsize=8, retries=False, timeout=urllib3.Timeout(connect=min(10.0, timeout_s), read=timeout_s)
        )

    def close(self) -> None:
        """Close idle connections."""
        self._pool.clear()

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request, repeated while its failure is a passing one.

        Raises `ServerUnreachable` when the time for tries is used up, or the `ProblemAnswer` that fits the status.
        """
        url = self._base_url + path + (f"?{urlencode(query)}" if query else "")
        began_s = self._monotonic_s()
        tries = 0
        while True:
            tries += 1
            retry_after: str | None = None
            try:
                response = self._pool.request(method, url, body=body, headers={**self._headers, **(headers or {})})
            except urllib3.exceptions.HTTPError as error:
                failure = f"{type(error).__name__} at {self._base_url}"
                cause: Exception | None = error
            else:
                if response.status not in PASSING_STATUS:
                    return _checked(response)
                retry_after = response.headers.get("Retry-After")
                failure, cause = f"{self._base_url} answers {response.status}", None
            pause_s = self._retry.pause_s(tries, retry_after)
            if self._monotonic_s() - began_s + pause_s > self._retry.give_up_after_s:
                raise ServerUnreachable(f"{failure} (tried {tries} times)") from cause
            self._sleep(pause_s)


def _checked(response: urllib3.BaseHTTPResponse) -> Answer:
    if 200 <= response.status < 300:
        return Answer(response.status, response.data, response.headers.get("Content-Type", ""))
    try:
        members = msgspec.json.decode(response.data, type=dict[str, object])
    except msgspec.DecodeError:
        members = {}
    standard = {name: str(members.pop(name, "")) for name in ("type", "title", "detail", "status")}
    raise answer_error(
        ProblemDetails(response.status, standard["type"], standard["title"], standard["detail"], extra=members)
    )
