"""Readers of a live meeting with as little Python around them as there can be, in a process of its own.

One thread looks at all connections, notes when a segment's event came, and throws it away.
"""

import multiprocessing
import re
import selectors
import socket
import time
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Final, Self

import msgspec

GIVE_UP_S: Final = 60.0
_READ_BYTES: Final = 262_144
_SEGMENT: Final = re.compile(rb'event: segment\ndata: \{"segment_id":"([^"]+)"')
Arrivals = dict[str, list[float]]
"""By segment, when its event came to each reader: seconds on the machine's monotonic clock, which all processes share."""


class Audience(msgspec.Struct, frozen=True):
    """So many readers of a meeting at 127.0.0.1:`port`."""

    port: int
    token: str
    meeting_id: str
    readers: int


class Readers:
    """The process that reads. Use as a context manager, in a program that can be imported: inside, all have had what there was before."""

    def __init__(self, audience: Audience, last_segment_id: str) -> None:
        spawning = multiprocessing.get_context("spawn")
        self._ours, theirs = spawning.Pipe()
        self._process = spawning.Process(target=_read, args=(theirs, audience, last_segment_id), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        self._received()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.join()

    def arrivals(self, segment_ids: list[str]) -> Arrivals:
        """When each reader had these, once all have. Raises `SystemExit` where they do not come."""
        self._ours.send(segment_ids)
        found: Arrivals = self._received()
        return found

    def _received(self) -> Arrivals:
        if not self._ours.poll(GIVE_UP_S):
            raise SystemExit("readers did not get what was stored")
        found: Arrivals = self._ours.recv()
        return found


def _read(asked: Connection, audience: Audience, last_segment_id: str) -> None:
    links = [_opened(audience) for _ in range(audience.readers)]
    selector = selectors.DefaultSelector()
    for link in links:
        selector.register(link, selectors.EVENT_READ)
    selector.register(asked, selectors.EVENT_READ)
    rest = dict.fromkeys(links, b"")
    came: Arrivals = {last_segment_id: []}
    wanted, told = [last_segment_id], False
    while True:
        for key, _ in selector.select():
            if key.fileobj is asked:
                wanted, told = asked.recv(), False
                continue
            link = key.fileobj
            assert isinstance(link, socket.socket)
            received = link.recv(_READ_BYTES)
            now_s = time.monotonic()
            if not received:
                raise SystemExit("the server closed a reader's connection")
            seen = rest[link] + received
            if seen.startswith(b"HTTP/1.1 ") and not seen.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"the server answered a reader {seen[:500]!r}")
            end = 0
            for found in _SEGMENT.finditer(seen):
                came.setdefault(found[1].decode(), []).append(now_s)
                end = found.end()
            rest[link] = seen[max(end, len(seen) - 256) :]
        if not told and all(len(came.get(each, ())) >= audience.readers for each in wanted):
            asked.send({each: came[each] for each in wanted})
            came, told = {}, True


def _opened(audience: Audience) -> socket.socket:
    link = socket.create_connection(("127.0.0.1", audience.port), GIVE_UP_S)
    link.sendall(
        f"GET /v1/meetings/{audience.meeting_id}/live HTTP/1.1\r\nHost: 127.0.0.1:{audience.port}\r\n"
        f"Authorization: Bearer {audience.token}\r\nAccept: text/event-stream\r\n\r\n".encode()
    )
    link.setblocking(False)
    return link
