"""Credentials: identity tokens of Google's, for a Whisper server that is a Cloud Run service not everybody may invoke.

They are signed by Google for the service account of this process, and for the audience that is the service's URL.
"""

import threading
from typing import Final
from urllib.parse import urlsplit

import google.auth.credentials
import google.auth.transport.urllib3
import urllib3
from google.auth.exceptions import GoogleAuthError
from google.oauth2 import id_token

from common.errors import Retryable

TOKEN_TIMEOUT_S: Final = 5.0


class GoogleIdToken:
    """Identity tokens for `audience`, from the metadata server or a service account's key file; each used until it expires. Thread-safe."""

    def __init__(self, audience: str) -> None:
        self._audience = audience
        # The library repeats nothing and sets no time limit by itself.
        pool = urllib3.PoolManager(timeout=TOKEN_TIMEOUT_S, retries=False)
        self._request = google.auth.transport.urllib3.Request(pool)  # type: ignore[no-untyped-call]
        self._lock = threading.Lock()
        self._credentials: google.auth.credentials.Credentials | None = None

    def headers(self) -> dict[str, str]:
        """See `Credentials`."""
        with self._lock:
            try:
                if self._credentials is None:
                    self._credentials = id_token.fetch_id_token_credentials(  # type: ignore[no-untyped-call]
                        self._audience, self._request
                    )
                if not self._credentials.valid:
                    self._credentials.refresh(self._request)
            except (GoogleAuthError, ValueError) as error:
                raise Retryable(
                    f"no identity token for Whisper: {type(error).__name__}", reason="whisper_token_unavailable"
                ) from error
            return {"Authorization": f"Bearer {self._credentials.token}"}


def audience_of(url: str) -> str:
    """What Cloud Run wants a token for: scheme and host of the service's URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
