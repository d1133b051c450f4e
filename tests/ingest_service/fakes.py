"""The ports of ingest in memory, with faults on demand, and ingest over them."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from common.errors import Retryable
from common.events import Event
from common.health import Drain
from common.ports.blob_store import BlobInfo, BlobNotFound, Created
from common.settings import Secret
from common.stored_tokens import stored_tokens
from ingest_service.app import IngestDeps, create_app
from ingest_service.pubsub.push_routes import Pushes
from ingest_service.settings import IngestSettings
from ingest_service.transcript_reader import Transcripts
from tests.memory_ports import FakeTokens, Held

TOKEN = "correct-horse"
NOW_MS = 1_700_000_000_000


class Fault(Enum):
    NONE = "none"
    BEFORE = "before"
    """Nothing happens, and the call fails."""
    AFTER = "after"
    """It happens, but the answer is lost: what a time-out or a killed process leaves behind."""


class Faults:
    """What happens to the next calls; none once the plan is used up."""

    def __init__(self) -> None:
        self._plan: deque[Fault] = deque()

    def plan(self, faults: Iterable[Fault]) -> None:
        self._plan = deque(faults)

    def take(self) -> Fault:
        return self._plan.popleft() if self._plan else Fault.NONE


class MemoryBlobs:
    def __init__(self) -> None:
        self.objects: dict[str, Held] = {}
        self.faults = Faults()
        self.reads = 0
        self.creates = 0

    def create(self, name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> Created:
        self.creates += 1
        fault = self.faults.take()
        if fault is Fault.BEFORE:
            raise Retryable("the store is away", reason="store_down")
        is_new = name not in self.objects
        there = self.objects.setdefault(name, Held(data, dict(metadata or {})))
        if fault is Fault.AFTER:
            raise Retryable("the store did not answer", reason="store_timeout")
        if there.data != data:
            return Created.ALREADY_DIFFERENT
        return Created.CREATED if is_new else Created.ALREADY_SAME

    def read(self, name: str) -> bytes:
        self.reads += 1
        if name not in self.objects:
            raise BlobNotFound(name)
        return self.objects[name].data

    def info(self, name: str) -> BlobInfo:
        if name not in self.objects:
            raise BlobNotFound(name)
        held = self.objects[name]
        return BlobInfo(name, len(held.data), held.metadata)

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[BlobInfo]:
        for name in sorted(self.objects):
            if name.startswith(prefix) and name > start_after:
                blob = self.objects[name]
                yield BlobInfo(name, len(blob.data), blob.metadata)

    def delete(self, name: str) -> None:
        self.objects.pop(name, None)

    def check(self) -> None:
        if self.faults.take() is not Fault.NONE:
            raise Retryable("the store is away", reason="store_down")


class MemoryPublisher:
    def __init__(self, blobs: MemoryBlobs) -> None:
        self.events: list[Event] = []
        self.faults = Faults()
        self._blobs = blobs

    def publish(self, event: Event) -> None:
        assert event.object_name in self._blobs.objects, "published before it was stored"  # type: ignore[attr-defined]  # all that ingest publishes have it
        fault = self.faults.take()
        if fault is not Fault.BEFORE:
            self.events.append(event)
        if fault is not Fault.NONE:
            raise Retryable("the queue is away", reason="queue_down")

    def check(self) -> None:
        if self.faults.take() is not Fault.NONE:
            raise Retryable("the queue is away", reason="queue_down")


class FrozenClock:
    def __init__(self) -> None:
        self.ms = NOW_MS

    def now_ms(self) -> int:
        return self.ms

    def monotonic_s(self) -> float:
        return self.ms / 1000


class Ingest:
    """Ingest over fakes, and requests as an uploader with the right token makes them."""

    pushes: Pushes | None = None

    def __init__(self, settings: IngestSettings | None = None, transcripts: Transcripts | None = None) -> None:
        self.settings = settings or IngestSettings(api_token=Secret(TOKEN))
        self.transcripts = transcripts
        self.blobs = MemoryBlobs()
        self.publisher = MemoryPublisher(self.blobs)
        self.token_store = FakeTokens()
        self.clock = FrozenClock()
        self.drain = Drain()
        self.client = self._new_process()

    def restart(self) -> None:
        """A new process over what is durable."""
        self.client = self._new_process()

    def _new_process(self) -> FlaskClient:
        tokens = stored_tokens(self.settings, self.token_store, self.clock)
        deps = IngestDeps(
            self.settings,
            self.blobs,
            self.publisher,
            tokens,
            self.token_store,
            self.clock,
            self.drain,
            transcripts=self.transcripts,
            pushes=self.pushes,
        )
        return create_app(deps).test_client()

    @property
    def events(self) -> list[Event]:
        return self.publisher.events

    def put(
        self, seq: int | str, data: bytes, query: str = "", *, connection: str = "c1", meeting: str = "m1"
    ) -> TestResponse:
        path = f"/v1/streams/{connection}/chunks/{seq}?meeting_id={meeting}{query}"
        return self.client.put(path, data=data, headers=AUTHORIZED, content_type="audio/webm")

    def post(self, what: str, body: object, *, connection: str = "c1", meeting: str = "m1") -> TestResponse:
        path = f"/v1/streams/{connection}/{what}?meeting_id={meeting}"
        if isinstance(body, bytes):
            return self.client.post(path, data=body, headers=AUTHORIZED)
        return self.client.post(path, json=body, headers=AUTHORIZED)

    def status(self, connection: str = "c1") -> TestResponse:
        return self.client.get(f"/v1/streams/{connection}", headers=AUTHORIZED)


AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


def problem(answer: TestResponse) -> tuple[int, str, str]:
    """`(status, kind, detail)` of an answer that must be problem details."""
    assert answer.content_type == "application/problem+json", answer.data
    body = answer.get_json(force=True)
    assert body["status"] == answer.status_code
    assert body["title"]
    return answer.status_code, body["type"].removeprefix("urn:turnscribe:problem:"), body["detail"]
