"""The certificates that an issuer signs its tokens with: fetched when they are wanted, kept as long as the issuer says."""

import re
import threading
from collections.abc import Mapping
from typing import Final

import msgspec
import urllib3
from google.auth import crypt

from common.clock import Clock
from common.errors import Retryable
from common.logs import get_logger

log = get_logger(__name__)
TIMEOUT_S: Final = 5.0
KEPT_S: Final = (300.0, 86_400.0)
"""However long or short the issuer says: keys are rotated within days, and a push must not ask each time."""
AFTER_FAILURE_S: Final = 86_400.0
"""So long after they ran out are the old ones used while new ones can't be had."""
NOT_BEFORE_S: Final = 30.0
"""The earliest next fetch: tokens with made-up key ids must not make this service ask and ask."""
AGAIN_S: Final = 1.0
"""The same while there are none at all, and every push waits for them."""
_MAX_AGE: Final = re.compile(r"max-age=(\d{1,9})")
_BY_KEY_ID: Final = msgspec.json.Decoder(dict[str, str])


class Certificates:
    """Key id → certificate (PEM) of the issuer at `url`. Safe to use from many threads; one of them fetches, the others wait."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._pool = urllib3.PoolManager(retries=False, timeout=TIMEOUT_S, maxsize=1)
        self._lock = threading.Lock()
        self._known: Mapping[str, str] = {}
        self._fresh_until_s = self._asked_s = float("-inf")
        self._failing = False
        """Whether the last fetch brought nothing."""

    def having(self, key_id: str) -> Mapping[str, str]:
        """All certificates, fetched anew where they are old or `key_id` is not among them. Where it still is not, there is no such key.

        Raises `Retryable` when there are none to be had, or none that say whether there is such a key.
        """
        known, now_s = self._known, self._clock.monotonic_s()
        if key_id in known and now_s < self._fresh_until_s:
            return known
        with self._lock:
            now_s = self._clock.monotonic_s()
            stale = now_s >= self._fresh_until_s
            pause_s = NOT_BEFORE_S if self._known else AGAIN_S
            if (stale or key_id not in self._known) and now_s - self._asked_s >= pause_s:
                self._asked_s = now_s
                self._failing = not self._fetch(now_s)
            unknown = key_id not in self._known and self._failing
            if unknown or not self._known or now_s >= self._fresh_until_s + AFTER_FAILURE_S:
                raise Retryable(
                    "the certificates of the tokens' issuer can't be had", reason="certificates_unavailable"
                )
            return self._known

    def _fetch(self, now_s: float) -> bool:
        """True when it brought certificates; what is not read as one is left out, and good ones are never replaced by nothing."""
        try:
            response = self._pool.request("GET", self._url)
            answer = _BY_KEY_ID.decode(response.data) if response.status == 200 else {}
        except (urllib3.exceptions.HTTPError, msgspec.DecodeError, ValueError, RecursionError) as error:
            log.warning("certificates_unavailable", error_type=type(error).__name__)
            return False
        known = {key_id: value for key_id, value in answer.items() if _is_certificate(value)}
        if not known:
            log.warning("certificates_unavailable", status=response.status)
            return False
        self._known = known
        found = _MAX_AGE.search(response.headers.get("Cache-Control", ""))
        shortest_s, longest_s = KEPT_S
        self._fresh_until_s = now_s + min(max(float(found[1]) if found else 0.0, shortest_s), longest_s)
        return True

    def close(self) -> None:
        """Close the idle connection."""
        self._pool.clear()


def _is_certificate(pem: str) -> bool:
    """Whether a signature can be compared with it."""
    try:
        crypt.RSAVerifier.from_string(pem)  # type: ignore[no-untyped-call]
    except ValueError:
        return False
    return True
