"""What streams are sent to and looked at in, whatever it stands on: started once, and disturbed many times."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol

import redis

from common.ports.blob_store import BlobStore

StackName = Literal["embedded", "runner", "cloud"]


class Installation(Protocol):
    """A running pipeline. Everything that it does besides is done as it would be without it: over HTTP, by its own processes."""

    @property
    def name(self) -> StackName: ...

    @property
    def ingest_url(self) -> str:
        """Where to upload to; it is refused, cut and slow while ingest or the way to it is disturbed."""
        ...

    @property
    def read_url(self) -> str:
        """Where transcripts, dead letters and everything else of the api are read."""
        ...

    @property
    def api_token(self) -> str: ...

    @property
    def data_dir(self) -> Path | None:
        """Of embedded adapters; None in the cloud."""
        ...

    @property
    def log_folder(self) -> Path:
        """What its processes write, a file each, from their start on."""
        ...

    def blobs(self) -> BlobStore:
        """Opened for looking, by a way that is never disturbed; who asks closes it."""
        ...

    def redis(self) -> redis.Redis | None:
        """The hot state, by a way that is never disturbed; None where it is inside the process. Who asks closes it."""
        ...

    def waiting(self) -> int:
        """Messages in the queue that are not acknowledged; 0 where nobody can tell."""
        ...

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> None:
        """As an upstream system would, again and again until the queue has taken it or its bound has passed.

        Raises:
            Retryable: the queue has not taken it.
        """
        ...

    def sweep(self) -> None:
        """Do now what the scheduler does now and then. What fails is left to the next one."""
        ...
