"""How Firestore is called: each call once, with a deadline. Whoever called us owns the retries."""

from typing import Any, Final

from google.api_core import retry
from google.cloud import firestore

from common.adapters.google.google_errors import translated

FIRESTORE: Final = "Firestore"
TIMEOUT_S: Final = 10.0

_NEVER: Final = retry.Retry(predicate=retry.if_exception_type())
"""Not None: a query that breaks off halfway asks its policy whether to go on, and finds no policy to ask (AttributeError)."""


def once(timeout_s: float) -> dict[str, Any]:
    """The arguments of every call: no second attempt, over after `timeout_s` seconds."""
    return {"retry": _NEVER, "timeout": timeout_s}


def check(client: firestore.Client, timeout_s: float) -> None:
    """Raise `Retryable` when Firestore does not answer. Reads a document that nobody writes."""
    with translated(FIRESTORE):
        client.document("health/check").get(**once(timeout_s))
