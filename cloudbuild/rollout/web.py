"""HTTP requests with a bound on their time. Answers of any status are answers; only no answer is an error."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any


class NoAnswer(Exception):
    """Nothing came, or not in time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def ask(
    url: str, *, token: str = "", timeout_s: float, body: bytes | None = None, headers: dict[str, str] | None = None
) -> Answer:
    """GET, or POST where there is a body. Raises `NoAnswer`."""
    request = urllib.request.Request(url, data=body, headers=headers or {})  # noqa: S310 - addresses come from Cloud Run
    if token:
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as response:  # noqa: S310
            return Answer(response.status, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read())
    except (OSError, ValueError) as error:
        raise NoAnswer(f"{type(error).__name__}: {error}") from error
