"""The `BlobStore` port over Cloud Storage.

Creating is one request with `if_generation_match=0`. Where something is there already (412), its checksum says whether it is the
same: also the way in which a request whose answer was lost finds out that it had succeeded.
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any, Final

import google_crc32c
from google.api_core import exceptions
from google.cloud.storage import Client
from google.cloud.storage.exceptions import DataCorruption

from common.adapters.google.google_errors import translated
from common.adapters.google.storage_session import prepare
from common.errors import Permanent, Retryable
from common.ports.blob_store import BlobInfo, BlobNotFound, Created

CONNECT_TIMEOUT_S: Final = 3.0
ANSWER_TIMEOUT_S: Final = 15.0
LARGE_BYTES: Final = 8 * 1024**2
"""The client sends more than this in several requests, of which only the last would tell that the object is there."""
SLOW_BYTES: Final = 1024**2
"""Sending more than this may take longer than connecting may, and urllib3 has one time for both."""
PAGE: Final = 1_000
_FIELDS: Final = "items(name,size,metadata),nextPageToken"
_NAME_BYTES: Final = 1_024
_NO_BUCKET: Final = "The specified bucket does not exist"
"""Cloud Storage's message with a 404; for an object it is "No such object". Only the message differs."""
_WHAT: Final = "Cloud Storage"


class GcsBlobStore:
    """Objects of one bucket. Safe to use from many threads; build one in each process. Connects when it is first used."""

    def __init__(
        self,
        project: str,
        bucket: str,
        *,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> None:
        with translated(_WHAT):
            self._client = Client(project=project)
        prepare(self._client)
        self._bucket = self._client.bucket(bucket)
        self._timeout = (connect_timeout_s, answer_timeout_s)
        self._once: dict[str, Any] = {"timeout": self._timeout, "retry": None}  # who called us tries again

    def create(self, name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> Created:
        """Write an object unless one of that name exists. Raises the three errors."""
        blob = self._blob(name)
        if len(data) > LARGE_BYTES:
            there = self._compared(name, data)
            if there is not None:
                return there
        blob.metadata = dict(metadata or {})
        connect_timeout_s, answer_timeout_s = self._timeout
        send_timeout_s = answer_timeout_s if len(data) > SLOW_BYTES else connect_timeout_s
        with translated(_WHAT):
            try:
                blob.upload_from_string(
                    data,
                    content_type="application/octet-stream",
                    if_generation_match=0,
                    checksum="crc32c",
                    timeout=(send_timeout_s, answer_timeout_s),
                    retry=None,
                )
            except DataCorruption as error:
                raise Retryable(f"{name}: damaged on its way", reason="corrupt_transfer") from error
            except (exceptions.PreconditionFailed, exceptions.Forbidden) as error:
                # Who may create and not delete is forbidden to overwrite, and may hear of that before it hears that the name is taken.
                there = self._compared(name, data)
                if there is not None:
                    return there
                if isinstance(error, exceptions.Forbidden):
                    raise
                raise Retryable(f"{name}: deleted while it was created", reason="concurrent_delete") from None
        return Created.CREATED

    def read(self, name: str) -> bytes:
        """An object's content, its checksum compared. Raises `BlobNotFound`, `Retryable`.

        Where the whole bucket is gone Cloud Storage says so, and that is `Retryable`. A server that does not say (fake-gcs-server)
        makes it `BlobNotFound`; `info` likewise.
        """
        blob = self._blob(name)
        with translated(_WHAT):
            try:
                data: bytes = blob.download_as_bytes(checksum="crc32c", raw_download=True, **self._once)
            except DataCorruption as error:
                raise Retryable(f"{name}: damaged on its way", reason="corrupt_transfer") from error
            except exceptions.NotFound as error:
                if _NO_BUCKET in error.message:
                    raise
                raise BlobNotFound(name) from None
        return data

    def info(self, name: str) -> BlobInfo:
        """An object's size and metadata. Raises `BlobNotFound`, `Retryable`."""
        found = self._found(name)
        if found is None:
            raise BlobNotFound(name)
        return _info(found)

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[BlobInfo]:
        """All objects whose names begin with `prefix` and sort after `start_after`, in order of the names' UTF-8 bytes.

        One request for each page, made when the listing gets there. Raises `Retryable`, `Permanent`.
        """
        _utf8(prefix)
        _utf8(start_after)
        pages = self._client.list_blobs(
            self._bucket,
            prefix=prefix,
            start_offset=start_after or None,
            page_size=PAGE,
            fields=_FIELDS,
            **self._once,
        )
        listing = iter(pages)
        while True:
            with translated(_WHAT):
                blob = next(listing, None)
            if blob is None:
                return
            if blob.name != start_after:  # the vendor's offset is inclusive
                yield _info(blob)

    def delete(self, name: str) -> None:
        """Delete an object; deleting what is not there is no error. Raises `Retryable`."""
        blob = self._blob(name)
        with translated(_WHAT):
            try:
                blob.delete(**self._once)
            except exceptions.NotFound as error:
                if _NO_BUCKET in error.message:
                    raise

    def check(self) -> None:
        """Raise `Retryable` when the bucket can't be listed."""
        with translated(_WHAT):
            next(iter(self._client.list_blobs(self._bucket, max_results=1, fields=_FIELDS, **self._once)), None)

    def close(self) -> None:
        """Close idle connections."""
        self._client.close()

    def _blob(self, name: str) -> Any:
        _checked(name)
        return self._bucket.blob(name)

    def _found(self, name: str) -> Any:
        """The object's metadata, or None."""
        blob = self._blob(name)
        with translated(_WHAT):
            try:
                blob.reload(**self._once)
            except exceptions.NotFound as error:
                if _NO_BUCKET in error.message:
                    raise
                return None
        return blob

    def _compared(self, name: str, data: bytes) -> Created | None:
        """How `data` compares with the object of that name; None when there is none."""
        found = self._found(name)
        if found is None:
            return None
        checksum = base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()
        same = found.size == len(data) and found.crc32c == checksum
        return Created.ALREADY_SAME if same else Created.ALREADY_DIFFERENT


def _info(blob: Any) -> BlobInfo:
    return BlobInfo(blob.name, int(blob.size), dict(blob.metadata or {}))


def _checked(name: str) -> None:
    """Raise `Permanent` for a name that no object can have, and for one that programs which take names for paths would misread."""
    if (
        len(_utf8(name)) > _NAME_BYTES
        or any(part in {"", ".", ".."} for part in name.split("/"))
        or not name.isprintable()
    ):
        raise Permanent(
            "object name is too long, or has an empty, relative or unprintable part", reason="invalid_object_name"
        )


def _utf8(name: str) -> bytes:
    try:
        return name.encode()
    except UnicodeEncodeError:
        raise Permanent("object name is no valid Unicode", reason="invalid_object_name") from None
