"""Ingest with push routes over fakes, and pushes as Pub/Sub makes them."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from common.errors import Permanent
from common.events import Message
from common.object_names import ConnectionObjects
from common.ports.source_objects import SourceObject
from common.push_auth import SharedTokenAuth
from common.settings import Secret
from ingest_service.pubsub.push_routes import Pushes
from ingest_service.settings import IngestSettings
from tests.ingest_service.fakes import TOKEN, Ingest
from tests.memory_ports import Faults, Held

PUSH = {"Authorization": "Bearer push"}
BUCKET = "our-bucket"
OTHERS = "upstream-bucket"
PUBLISHED = "2023-11-14T22:13:20Z"
PUBLISHED_MS = 1_700_000_000_000
OGG = b"OggS" + bytes(range(256)) * 9_000
"""2.2 MiB: three chunks."""


class FakeSources:
    """Objects of others by URI; reads can be told to fail, and are counted."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[SourceObject, bytes]] = {}
        self.faults = Faults()
        self.reads: list[tuple[str, int]] = []

    def put(
        self,
        uri: str,
        data: bytes,
        *,
        generation: str = "1",
        content_type: str = "audio/ogg",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self.objects[uri] = (SourceObject(uri, len(data), generation, content_type, dict(metadata or {})), data)

    def stat(self, uri: str, generation: str = "") -> SourceObject:
        self.faults.strike_before()
        found, _ = self._found(uri, generation)
        return found

    def read(self, source: SourceObject, offset: int, length: int) -> bytes:
        self.faults.strike_after()
        _, data = self._found(source.uri, source.generation)
        self.reads.append((source.uri, offset))
        return data[offset : offset + length]

    def _found(self, uri: str, generation: str) -> tuple[SourceObject, bytes]:
        found = self.objects.get(uri)
        if found is None or (generation and found[0].generation != generation):
            raise Permanent("uri: there is no such object", reason="source_not_found")
        return found


def settings(**values: Any) -> IngestSettings:
    given: dict[str, Any] = {
        "api_token": Secret(TOKEN),
        "gcs_bucket": BUCKET,
        "google_cloud_project": "p",
        "upload_tenants": "acme",
        "upload_source_buckets": OTHERS,
        **values,
    }
    return IngestSettings(**given)


class PushedIngest(Ingest):
    def __init__(self, **values: Any) -> None:
        self.sources = FakeSources()
        self.pushes = Pushes(SharedTokenAuth(Secret("push")), self.sources)
        super().__init__(settings(**values))

    def push(
        self, data: bytes, attributes: Mapping[str, str], to: str = "audio-uploads", headers: Mapping[str, str] = PUSH
    ) -> int:
        """The status of a wrapped push."""
        body = wrapped(Message(data, attributes), subscription=to)
        return self.client.post(f"/push/{to}", data=body, headers=dict(headers)).status_code

    def quarantined(self) -> list[str]:
        """The reasons, in order of the objects' names."""
        return [held.metadata["reason"] for _, held in self.quarantine()]

    def quarantine(self) -> list[tuple[str, Held]]:
        return [each for each in sorted(self.blobs.objects.items()) if each[0].startswith("raw/quarantine/")]

    def stored(self, connection_id: str, tenant: str = "default") -> bytes:
        """The bytes of a connection's chunks, which are there without a hole."""
        names = [info.name for info in self.blobs.list(ConnectionObjects(tenant, connection_id).chunks_prefix)]
        assert [int(name[-8:]) for name in names] == list(range(len(names)))
        return b"".join(self.blobs.objects[name].data for name in names)


def wrapped(message: Message, *, subscription: str) -> bytes:
    inner = {
        "data": base64.b64encode(message.data).decode(),
        "attributes": dict(message.attributes),
        "messageId": "42",
        "publishTime": PUBLISHED,
    }
    return json.dumps({"message": inner, "subscription": f"projects/p/subscriptions/{subscription}"}).encode()
