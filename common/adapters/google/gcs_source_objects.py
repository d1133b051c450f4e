"""The `SourceObjects` port over Cloud Storage: any bucket that this service's account may read."""

from typing import Any, Final

from google.api_core import exceptions
from google.cloud.storage import Client

from common.adapters.google.google_errors import translated
from common.adapters.google.storage_session import prepare
from common.errors import Permanent, Retryable
from common.ports.source_objects import SourceObject

CONNECT_TIMEOUT_S: Final = 3.0
ANSWER_TIMEOUT_S: Final = 15.0
SCHEME: Final = "gs://"
_WHAT: Final = "Cloud Storage"


class GcsSourceObjects:
    """Objects by `gs://bucket/object`. Safe to use from many threads; build one in each process. Connects when it is first used."""

    def __init__(
        self,
        project: str,
        *,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> None:
        with translated(_WHAT):
            self._client = Client(project=project)
        prepare(self._client)
        # Who called us tries again.
        self._once: dict[str, Any] = {"timeout": (connect_timeout_s, answer_timeout_s), "retry": None}

    def stat(self, uri: str, generation: str = "") -> SourceObject:
        """An object's size, type and metadata. Raises `Permanent`, `Retryable`, `Backpressure`."""
        blob = self._blob(uri, generation)
        with translated(_WHAT):
            try:
                blob.reload(**self._once)
            except exceptions.NotFound as error:
                raise _missing() from error
        return SourceObject(
            uri, int(blob.size), str(blob.generation), blob.content_type or "", dict(blob.metadata or {})
        )

    def read(self, source: SourceObject, offset: int, length: int) -> bytes:
        """A part of the object, as it is stored. Raises `Permanent`, `Retryable`, `Backpressure`."""
        expected = min(length, source.size_bytes - offset)
        if expected <= 0:
            return b""
        blob = self._blob(source.uri, source.generation)
        with translated(_WHAT):
            try:
                data: bytes = blob.download_as_bytes(
                    start=offset,
                    end=offset + expected - 1,
                    raw_download=True,
                    checksum=None,  # there is none for a part
                    **self._once,
                )
            except exceptions.NotFound as error:
                raise _missing() from error
        if len(data) != expected:
            raise Retryable(f"{_WHAT}: {len(data)} bytes of {expected} came", reason="short_read")
        return data

    def close(self) -> None:
        """Close idle connections."""
        self._client.close()

    def _blob(self, uri: str, generation: str) -> Any:
        bucket, slash, name = uri.removeprefix(SCHEME).partition("/")
        if not uri.startswith(SCHEME) or not slash or not bucket or not name:
            raise Permanent("uri must be gs://bucket/object", reason="invalid_uri")
        if generation and not (generation.isascii() and generation.isdecimal()):
            raise Permanent("generation must be a number", reason="invalid_generation")
        try:
            return self._client.bucket(bucket).blob(name, generation=int(generation) if generation else None)
        except ValueError as error:
            raise Permanent("uri names a bucket that there can't be", reason="invalid_uri") from error


def _missing() -> Permanent:
    return Permanent("uri: there is no such object, or not this version of it any more", reason="source_not_found")
