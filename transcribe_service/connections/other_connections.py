"""What the connections of a meeting that are primary before another one heard. Asked of registry and bucket once in a while.

A meeting with one connection costs one look-up in the registry every `KEPT_S`, and none in the bucket. Of a connection that is open the
bucket is listed from where the last listing ended; the account of a closed one is part of its record.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import msgspec

from common.clock import Clock
from common.errors import Permanent
from common.object_names import ConnectionObjects, channel_and_start_of
from common.ports.blob_store import BlobInfo, BlobStore
from common.ports.stream_registry import StreamRecord, StreamRegistry
from common.stored_chunks import event_of_chunk
from common.stored_segments import event_of_segment
from transcribe_service.connections.coverage import account_of, heard, sharing
from transcribe_service.connections.spans import NONE, Spans, united
from transcribe_service.connections.standing import Before

KEPT_S: Final = 5.0
KEPT: Final = 2_000
"""Meetings, and as many open connections."""
V = TypeVar("V")
_Key = tuple[str, str]


class _Progress(msgspec.Struct, frozen=True):
    """How far an open connection is known."""

    covered: Spans = NONE
    captured_ms: int = 0
    last_chunk: str = ""
    last_final: str = ""
    """Of the first channel, whose names come first."""


class _Kept(Generic[V]):
    """Values with the time at which they were true. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, tuple[float, V]] = OrderedDict()

    def get(self, key: _Key) -> tuple[float, V] | None:
        with self._lock:
            return self._kept.get(key)

    def put(self, key: _Key, now_s: float, value: V) -> None:
        with self._lock:
            self._kept[key] = now_s, value
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)


@dataclass(frozen=True)
class OtherConnections:
    """Connections of all meetings, as they were at most `kept_s` ago. Thread-safe."""

    streams: StreamRegistry
    blobs: BlobStore
    clock: Clock
    raw_root: str
    segments_root: str
    kept_s: float = KEPT_S
    _meetings: _Kept[list[StreamRecord]] = field(default_factory=_Kept)
    _progress: _Kept[_Progress] = field(default_factory=_Kept)

    def before(self, tenant: str, meeting_id: str, connection_id: str) -> list[Before]:
        """What is known of the connections that are primary before this one; nothing where it is the first, or not shared.

        Raises `Retryable`.
        """
        shared = sharing(self._of_meeting(tenant, meeting_id))
        ids = [each.connection_id for each in shared]
        if connection_id not in ids:
            return []
        return [self._known(each) for each in shared[: ids.index(connection_id)]]

    def _of_meeting(self, tenant: str, meeting_id: str) -> list[StreamRecord]:
        key, now_s = (tenant, meeting_id), self.clock.monotonic_s()
        kept = self._meetings.get(key)
        if kept is not None and now_s - kept[0] < self.kept_s:
            return kept[1]
        found = self.streams.of_meeting(tenant, meeting_id)
        self._meetings.put(key, now_s, found)
        return found

    def _known(self, record: StreamRecord) -> Before:
        if record.summary is not None:
            return Before(account_of(record))
        key, now_s = (record.tenant, record.connection_id), self.clock.monotonic_s()
        kept = self._progress.get(key)
        progress = kept[1] if kept is not None else _Progress()
        if kept is None or now_s - kept[0] >= self.kept_s:
            progress = self._moved_on(record, progress)
            self._progress.put(key, now_s, progress)
        return Before(progress.covered, is_open=True, captured_ms=progress.captured_ms)

    def _moved_on(self, record: StreamRecord, progress: _Progress) -> _Progress:
        objects = ConnectionObjects(
            record.tenant, record.connection_id, self.raw_root, self.segments_root, record.generation
        )
        captured_ms, last_chunk, last_final = progress.captured_ms, progress.last_chunk, progress.last_final
        for info in self.blobs.list(objects.chunks_prefix, start_after=last_chunk):
            last_chunk = info.name
            captured_ms = max(captured_ms, _captured_ms(record, info))
        spans = [progress.covered]
        for info in self.blobs.list(objects.finals_prefix, start_after=last_final):
            spans.append(self._heard(info))
            if channel_and_start_of(info.name)[0] == 0:
                last_final = info.name
        return _Progress(united(*spans), captured_ms, last_chunk, last_final)

    def _heard(self, final: BlobInfo) -> Spans:
        event = event_of_segment(self.blobs, final)
        return NONE if event is None else united([heard(event)])


def _captured_ms(record: StreamRecord, chunk: BlobInfo) -> int:
    """When a chunk was captured; 0 where its metadata is damaged, which is the segmenter's to tell of."""
    try:
        return event_of_chunk(record.tenant, record.connection_id, chunk).captured_at_ms
    except Permanent:
        return 0
