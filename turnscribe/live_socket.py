"""Opening a WebSocket, and what its ways to fail mean: try again, or give up with the error that says why."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlencode

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus, InvalidURI
from websockets.sync.client import ClientConnection, connect

from turnscribe.errors import ProblemDetails, TurnscribeClientError, UnexpectedAnswer, answer_error
from turnscribe.live_messages import Refused
from turnscribe.transport import (
    PASSING_STATUS,
    PassingFailure,
    parsed_retry_after_s,
    problem_details,
    problem_of_members,
)

OPEN_TIMEOUT_S: Final = 10.0
PING_S: Final = 20.0
PONG_TIMEOUT_S: Final = 60.0
"""A server that stores a chunk answers no ping meanwhile."""
CLOSE_TIMEOUT_S: Final = 2.0
ABNORMAL: Final = 1006
_PASSING_CODES: Final = frozenset({1001, ABNORMAL, 1011, 1012, 1013, 1014})
"""RFC 6455 and IANA's registry: going away, broken, the server failed, restarts, is busy, is unreachable behind its front end."""
_STATUS_OF: Final[Mapping[int, int]] = {1009: 413}


@contextmanager
def opened(base_url: str, token: str, query: Mapping[str, str]) -> Iterator[ClientConnection]:
    """An open WebSocket. Raises `PassingFailure` where another try is worth it, or the error that fits."""
    url = f"ws{base_url.rstrip('/').removeprefix('http')}/v1/stream?{urlencode(query)}"
    try:
        socket = connect(
            url,
            additional_headers={"Authorization": f"Bearer {token}"},
            compression=None,  # audio is compressed already
            proxy=None,
            open_timeout=OPEN_TIMEOUT_S,
            ping_interval=PING_S,
            ping_timeout=PONG_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
        )
    except InvalidStatus as refused:
        response = refused.response
        if response.status_code in PASSING_STATUS:
            retry_after_s = parsed_retry_after_s(response.headers.get("Retry-After"), time.time())
            raise PassingFailure(f"{base_url} answers {response.status_code}", retry_after_s) from refused
        raise answer_error(problem_details(response.status_code, bytes(response.body or b""))) from refused
    except (OSError, TimeoutError, EOFError, InvalidMessage, ConnectionClosed) as error:  # the last: reset while we ask
        raise PassingFailure(f"{type(error).__name__} at {base_url}") from error
    except (InvalidHandshake, InvalidURI) as error:
        raise UnexpectedAnswer(f"there is no WebSocket at {base_url}: {error}") from error
    with socket:
        yield socket


def closing_failure(code: int, reason: str, refused: Refused | None) -> Exception:
    """What a close frame of the server means: a `PassingFailure`, or the error of the refusal that came before it. Pure."""
    if code in _PASSING_CODES:
        retry_after_s = refused.problem.get("retry_after_s") if refused else None
        detail = refused.problem.get("detail") if refused else reason
        return PassingFailure(
            f"the server closed the stream ({code}): {detail or 'the connection broke'}",
            float(retry_after_s) if isinstance(retry_after_s, int | float) else None,
        )
    if refused is not None:
        return answer_error(problem_of_members(refused.status, refused.problem))
    return _closed_without_a_word(code, reason)


def _closed_without_a_word(code: int, reason: str) -> TurnscribeClientError:
    if code == 1000:
        return UnexpectedAnswer("the server ended the stream before its end")
    return answer_error(ProblemDetails(_STATUS_OF.get(code, 400), title=f"closed with {code}", detail=reason))
