"""How Cloud Storage's clients speak HTTP."""

from typing import Any, Final

import requests
from google.cloud.storage import Client
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager

from common.whole_heads import whole_heads

CONNECTIONS: Final = 32
"""More than an instance has threads: requests' own pool of 10 would throw connections away."""


def prepare(client: Client) -> None:
    """Let the client keep enough connections, take no answer for whole whose head broke off, and ask nothing by itself."""
    # Else each process asks in the background where the bucket lies, for traces of the client's own that nobody takes, and
    # needs a right that nothing else here needs.
    client._bucket_metadata_cache = None  # noqa: SLF001
    http: requests.Session = client._http  # noqa: SLF001 -- the client offers no other way to its pool
    for scheme in ("https://", "http://"):
        http.mount(scheme, _WholeHeads(pool_maxsize=CONNECTIONS, pool_connections=4))


class _WholeHeads(HTTPAdapter):
    """A stored object would be empty, what it was checked against is among the fields that did not come, and half a number is none that
    Google's client can read.
    """

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        whole_heads(self.poolmanager)

    def proxy_manager_for(self, *arguments: Any, **named: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(*arguments, **named)
        return whole_heads(manager)
