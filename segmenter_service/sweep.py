"""The sweep: looks after connections that no push looks after, because their events were lost, their holder died, Redis was
flushed, or time itself is what they wait for (a gap's deadline, late speakers, silence).

A call does a bounded amount of work and says where it stopped; the next one goes on there.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from common.clock import Clock
from common.errors import TurnscribeError
from common.logs import get_logger
from common.object_names import ConnectionObjects, unregistered_connection, unregistered_prefix
from common.ports.blob_store import BlobInfo, BlobNotFound, BlobStore
from common.ports.stream_registry import StreamRecord, StreamRegistry
from common.stored_chunks import claimed_at_ms, stream_description
from segmenter_service.drain import Drainer
from segmenter_service.sweep_cursor import SweepCursor

log = get_logger(__name__)
T = TypeVar("T")
STREAMS_A_SWEEP: Final = 200
UNREGISTERED_A_SWEEP: Final = 100
BUDGET_S: Final = 40.0
"""A sweep begins nothing new after this. The scheduler's request may take a minute, as a push may."""
LEFT_BEHIND_MS: Final = 3_600_000
"""A connection that was claimed and not described for so long belongs to a request that died; no request takes an hour."""


class Swept(msgspec.Struct, frozen=True):
    """What one sweep did."""

    streams: int
    """Open streams looked after."""
    unregistered: int
    """Connections looked after that no event had told of (yet)."""
    failed: int
    """Of both: those that failed. The next sweep that comes past them tries again."""
    unfinished: bool
    """True when the time was up before the end of the list: the next sweep goes on there."""


@dataclass(frozen=True)
class Sweep:
    """One stream's failure keeps no other waiting, and one that ends the process comes last the next time."""

    streams: StreamRegistry
    blobs: BlobStore
    drainer: Drainer
    open_cursor: SweepCursor
    unregistered_cursor: SweepCursor
    clock: Clock
    raw_root: str

    def run(self) -> Swept:
        """Look after new connections first, for half the time at most, then after open streams. Raises `Retryable`."""
        began_s = self.clock.monotonic_s()
        new = _Round(self.clock, self.unregistered_cursor, UNREGISTERED_A_SWEEP, began_s + BUDGET_S / 2)
        new.go(self._unregistered, self._register)
        known = _Round(self.clock, self.open_cursor, STREAMS_A_SWEEP, began_s + BUDGET_S)
        known.go(self._open_streams, self._look_after)
        return Swept(known.done, new.done, known.failed + new.failed, known.unfinished or new.unfinished)

    def _unregistered(self, start_after: str) -> Iterator[tuple[str, BlobInfo]]:
        """Marks of connections; of a tenant for whose streams there is no room, no more than one, or many would keep others waiting."""
        after: str | None = start_after
        while after is not None:
            marks, after = self.blobs.list(unregistered_prefix(self.raw_root), start_after=after), None
            for info in marks:
                yield info.name, info
                folder = info.name.rpartition("/")[0]
                if self.drainer.is_full(folder.rpartition("/")[2]):
                    after = f"{folder}0"  # which comes right after a slash
                    break

    def _register(self, info: BlobInfo, until_s: float) -> bool:
        """Make a connection known that may be new, and take in what the bucket has of it. False: no time for all of it."""
        tenant, connection_id = unregistered_connection(info.name)
        finished = True
        known = self.streams.get(tenant, connection_id)
        if known is not None and known.without_audio:
            return self.drainer.look_after(known, until_s=until_s)
        if known is None:
            meeting_id = self._meeting_of(info, ConnectionObjects(tenant, connection_id, self.raw_root))
            if meeting_id is None:
                return True
            opened = StreamRecord(
                tenant=tenant, meeting_id=meeting_id, connection_id=connection_id, opened_at_ms=self.clock.now_ms()
            )
            finished = self.drainer.look_after(opened, until_s=until_s)
            if self.streams.get(tenant, connection_id) is None:  # somebody else has its lease, and registers it
                return finished
        self.blobs.delete(info.name)
        return finished

    def _meeting_of(self, info: BlobInfo, objects: ConnectionObjects) -> str | None:
        """The meeting of an unregistered connection; None while there is no more of it than its mark, which goes in the end."""
        described = self._described(objects)
        if described is None and self.clock.now_ms() - claimed_at_ms(info) > LEFT_BEHIND_MS:
            self.blobs.delete(info.name)
            # An uploader that begins just now has seen the mark and described the connection, or sets the mark again.
            described = self._described(objects)
        return described

    def _described(self, objects: ConnectionObjects) -> str | None:
        try:
            return stream_description(self.blobs.read(objects.stream)).meeting_id
        except BlobNotFound:
            return None

    def _open_streams(self, start_after: str) -> Iterator[tuple[str, StreamRecord]]:
        for record in self.streams.open_streams(limit=STREAMS_A_SWEEP + 1, start_after=start_after):
            yield f"{record.tenant}/{record.connection_id}", record

    def _look_after(self, record: StreamRecord, until_s: float) -> bool:
        return self.drainer.look_after(record, until_s=until_s)


@dataclass
class _Round:
    """One way through a list, from the cursor on: at most `limit` items, and none begun after `until_s`."""

    clock: Clock
    cursor: SweepCursor
    limit: int
    until_s: float
    done: int = 0
    failed: int = 0
    unfinished: bool = False

    def go(self, items: Callable[[str], Iterator[tuple[str, T]]], work: Callable[[T, float], bool]) -> None:
        """Do `work` for the `items` after a key. It returns False when it had no time to finish."""
        for key, item in items(self.cursor.place()):
            if self.done == self.limit or self.clock.monotonic_s() >= self.until_s:
                self.unfinished = True
                return
            self.cursor.move(key)
            self.done += 1
            try:
                self.unfinished = not work(item, self.until_s) or self.unfinished
            except TurnscribeError as error:
                self.failed += 1
                log.warning("sweep_failed", of=key, reason=error.reason)
        self.cursor.move("")
