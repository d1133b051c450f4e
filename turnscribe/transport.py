"""HTTP to one server: authentication, retries, problem details. Knows no routes.

Every request of the API may be repeated safely, so every request is: on connection errors and on 423, 429, 502, 503 and 504,
with growing pauses, or as long as `Retry-After` says. How long and how often is decided nowhere else: who must look at the
server between two tries (an upload, for its offset) makes single attempts and asks `Patience` whether to go on.
"""

import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

import msgspec
import urllib3

from turnscribe.errors import ProblemDetails, ServerUnreachable, UnexpectedAnswer, answer_error

PASSING_STATUS: Final = frozenset({423, 429, 502, 503, 504})
T = TypeVar("T")


@dataclass(frozen=True)
class RetryPolicy:
    """How long and how often to try."""

    give_up_after_s: float = 60.0
    """No new try begins later than this after the first."""
    first_pause_s: float = 0.2
    longest_pause_s: float = 10.0

    def pause_s(self, tries: int, retry_after_s: float | None) -> float:
        """The pause after `tries` failed tries: what the server asks for and a little more, else doubling; both with jitter against herds."""
        if retry_after_s is not None:
            return retry_after_s + random.uniform(0.0, min(1.0, 0.1 * retry_after_s))  # noqa: S311 -- jitter, not a secret
        return min(self.longest_pause_s, self.first_pause_s * 2.0 ** (tries - 1)) * random.uniform(0.5, 1.0)  # noqa: S311 -- as above


def parsed_retry_after_s(value: str | None, now_s: float) -> float | None:
    """Seconds to wait by a `Retry-After` header, in either of its forms (seconds, HTTP date); None where it says nothing. Pure."""
    if not value:
        return None
    if value.isascii() and value.isdecimal():
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, at.replace(tzinfo=at.tzinfo or UTC).timestamp() - now_s)


class PassingFailure(Exception):
    """One try failed in a way that may pass. Ends as `ServerUnreachable` when it does not."""

    def __init__(self, failure: str, retry_after_s: float | None = None) -> None:
        super().__init__(failure)
        self.retry_after_s = retry_after_s


class Patience:
    """How long one thing has been tried in vain, and whether to try again. Made by `Transport.patience`."""

    def __init__(self, retry: RetryPolicy, sleep: Callable[[float], None], monotonic_s: Callable[[], float]) -> None:
        self._retry = retry
        self._sleep = sleep
        self._monotonic_s = monotonic_s
        self.renew()

    def renew(self) -> None:
        """Something has moved: as if it was tried for the first time."""
        self._tries = 0
        self._began_s = self._monotonic_s()

    def wait(self, failure: PassingFailure, before: Callable[[float], None] | None = None) -> None:
        """Pause before the next try, after telling `before` for how long. Raises `ServerUnreachable` when the time for tries is used up."""
        self._tries += 1
        pause_s = self._retry.pause_s(self._tries, failure.retry_after_s)
        if self._monotonic_s() - self._began_s + pause_s > self._retry.give_up_after_s:
            tried = "once" if self._tries == 1 else f"{self._tries} times"
            raise ServerUnreachable(f"{failure} (tried {tried})") from failure
        if before is not None:
            before(pause_s)
        self._sleep(pause_s)


@dataclass(frozen=True)
class Answer:
    """A successful answer."""

    status: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in any case."""

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
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}
        self._retry = retry
        self._sleep = sleep
        self._monotonic_s = monotonic_s
        self._now_s = now_s
        self._pool = urllib3.PoolManager(
            maxsize=8, retries=False, timeout=urllib3.Timeout(connect=min(10.0, timeout_s), read=timeout_s)
        )

    def close(self) -> None:
        """Close idle connections."""
        self._pool.clear()

    def patience(self) -> Patience:
        """For something that is tried in single attempts."""
        return Patience(self._retry, self._sleep, self._monotonic_s)

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
        patience = self.patience()
        while True:
            try:
                return self.attempt(method, path, query=query, body=body, headers=headers)
            except PassingFailure as failure:
                patience.wait(failure)

    def attempt(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request, tried once. A body that comes in pieces is sent as they come; `headers` then say its Content-Length.

        Raises `PassingFailure` where another try is worth it, or the `ProblemAnswer` that fits the status. What the pieces
        raise goes through.
        """
        response = self._sent(method, path + (f"?{urlencode(query)}" if query else ""), body, headers or {})
        told = response.headers.get("Content-Length", "")  # it may break off there as well
        if not response.data and response.status != 204 and not told.isdecimal():
            raise PassingFailure(
                f"the answer broke off in its head at {self._base_url}"
            )  # which http.client takes for a whole one
        return Answer(response.status, response.data, response.headers.get("Content-Type", ""), response.headers)

    def opened(
        self, path: str, *, headers: Mapping[str, str] | None = None, silence_s: float
    ) -> urllib3.BaseHTTPResponse:
        """One GET, tried once, whose answer is read while it comes: nothing of it for `silence_s` ends the reading with an error.

        Close it. Raises as `attempt`.
        """
        timeout = urllib3.Timeout(connect=min(10.0, silence_s), read=silence_s)
        return self._sent("GET", path, None, headers or {}, timeout=timeout, preload_content=False)

    def _sent(
        self, method: str, path: str, body: bytes | Iterable[bytes] | None, headers: Mapping[str, str], **how: Any
    ) -> urllib3.BaseHTTPResponse:
        url = self._base_url + path
        try:
            response = self._pool.request(method, url, body=body, headers={**self._headers, **headers}, **how)
            if not 200 <= response.status < 300:
                response.read(cache_content=True)
        except urllib3.exceptions.HTTPError as error:
            raise PassingFailure(f"{type(error).__name__} at {self._base_url}") from error
        if 200 <= response.status < 300:
            return response
        if response.status not in PASSING_STATUS:
            raise answer_error(problem_details(response.status, response.data))
        raise PassingFailure(
            f"{self._base_url} answers {response.status}",
            parsed_retry_after_s(response.headers.get("Retry-After"), self._now_s()),
        )


def problem_details(status: int, body: bytes) -> ProblemDetails:
    """What an answer other than success says; only its status where its body is no problem details. Pure."""
    try:
        members = msgspec.json.decode(body, type=dict[str, object])
    except msgspec.DecodeError:
        members = {}
    return problem_of_members(status, members)


def problem_of_members(status: int, members: Mapping[str, object]) -> ProblemDetails:
    """Problem details from their members. Pure."""
    named = {name: str(members.get(name, "")) for name in ("type", "title", "detail")}
    extra = {name: value for name, value in members.items() if name not in {*named, "status"}}
    return ProblemDetails(status, **named, extra=extra)
