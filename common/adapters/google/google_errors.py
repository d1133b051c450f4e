"""Google's errors as ours: every call of a Google client happens inside `translated`."""

import concurrent.futures
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import google.auth.exceptions
import requests
import urllib3.exceptions
from google.api_core import exceptions

from common.errors import Backpressure, Permanent, Retryable

QUOTA_PAUSE_S: Final = 5.0
"""How long to stay away after "too many requests": Google names no time."""

_REFUSED: Final = (exceptions.InvalidArgument, exceptions.BadRequest, exceptions.OutOfRange)
"""The request itself is wrong, and would be wrong again. Missing rights or resources are not: somebody can grant or make them."""


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Raise `Retryable`, `Permanent` or `Backpressure` for what Google's libraries raise. `what` begins the message, e.g. `Firestore`.

    The vendor's message stays out: it may quote what was sent.
    """
    slug = what.lower().replace(" ", "_").replace("/", "")
    try:
        yield
    except (exceptions.TooManyRequests, exceptions.ResourceExhausted) as error:
        message = f"{what}: {type(error).__name__}"
        raise Backpressure(message, reason=f"{slug}_quota", retry_after_s=QUOTA_PAUSE_S) from error
    except _REFUSED as error:
        raise Permanent(f"{what}: {type(error).__name__}", reason=f"{slug}_refused") from error
    except (
        exceptions.GoogleAPIError,
        google.auth.exceptions.GoogleAuthError,
        requests.exceptions.RequestException,
        urllib3.exceptions.HTTPError,  # of a body that Cloud Storage's client reads past requests
        concurrent.futures.TimeoutError,
        OSError,
    ) as error:
        raise Retryable(f"{what}: {type(error).__name__}", reason=f"{slug}_unavailable") from error
