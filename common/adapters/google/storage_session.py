"""How Cloud Storage's clients speak HTTP."""

from typing import Any, Final

import requests
from google.cloud.storage import Client
from requests.adapters import HTTPAdapter

CONNECTIONS: Final = 32
"""More than an instance has threads: requests' own pool of 10 would throw connections away."""
_WITHOUT_BODY: Final = frozenset({204, 304})


def prepare(client: Client) -> None:
    """Let the client keep enough connections, take no answer for whole whose head broke off, and ask nothing by itself."""
    # Else each process asks in the background where the bucket lies, for traces of the client's own that nobody takes, and
    # needs a right that nothing else here needs.
    client._bucket_metadata_cache = None  # noqa: SLF001
    http: requests.Session = client._http  # noqa: SLF001 -- the client offers no other way to its pool
    for scheme in ("https://", "http://"):
        http.mount(scheme, _WholeAnswers(pool_maxsize=CONNECTIONS, pool_connections=4))


class _WholeAnswers(HTTPAdapter):
    """Python's HTTP client takes an answer that ends within its head for a whole one without a body: a stored object would be empty, and
    what it was checked against is among the headers that did not come.
    """

    def send(self, request: requests.PreparedRequest, *arguments: Any, **named: Any) -> requests.Response:
        response = super().send(request, *arguments, **named)
        headers = response.headers
        is_framed = headers.get("Content-Length", "").isdecimal() or headers.get("Transfer-Encoding") == "chunked"
        has_body = response.status_code not in _WITHOUT_BODY and request.method != "HEAD"
        if (has_body and not is_framed) or not _are_checksums(headers.get("X-Goog-Hash")):
            response.close()
            raise requests.exceptions.ConnectionError("the answer broke off in its head", request=request)
        return response


def _are_checksums(told: str | None) -> bool:
    """Whether each has a name and a value: the client reads them before it misses the body, and fails where one has not."""
    return told is None or all("=" in each for each in told.split(","))
