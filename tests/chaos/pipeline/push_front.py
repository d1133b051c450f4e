"""Between a queue and the services that it pushes to: pushes that come late, twice, again long after, cut off, or whose answers are lost.

A subscription's endpoint is `http://127.0.0.1:PORT/SERVICE/…`; what follows the service's name is what the service is asked.
"""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Final

from tests.chaos.pipeline.link_front import abort

MOST_HEAD_BYTES: Final = 256 * 1024
LONGEST_S: Final = 70.0
_AGAIN_S: Final = (0.5, 4.0)
SHARES: Final[dict[str, dict[str, float]]] = {
    "calm": {},
    "late": {"late": 0.7},
    "twice": {"twice": 0.5},
    "again": {"again": 0.5},
    "unanswered": {"unanswered": 0.5},
    "cut": {"cut": 0.4},
    "refused": {"refused": 0.5},
    "mixed": {"late": 0.3, "twice": 0.2, "again": 0.2, "unanswered": 0.15, "cut": 0.1, "refused": 0.1},
}
"""How many of the pushes meet each of these, by weather. One push may meet several."""


@dataclass(frozen=True)
class Request:
    """A push as it came: the head without its first line, and the body, by length."""

    service: str
    path: str
    head: bytes
    body: bytes

    def encoded(self) -> bytes:
        return b"POST %b HTTP/1.1\r\n%b" % (self.path.encode(), self.head) + self.body


@dataclass
class PushFront:
    """Listens on `port`; `targets` are the ports of the services."""

    port: int
    targets: dict[str, int]
    chance: random.Random
    weather: str = "calm"
    _later: set["asyncio.Task[bytes | None]"] = field(default_factory=set)

    async def listen(self) -> None:
        await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=MOST_HEAD_BYTES)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await read_request(reader)) is not None:
                answer = await self._treated(request)
                if answer is None:
                    abort(writer)
                    return
                writer.write(answer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    def _meets(self, what: str) -> bool:
        return self.chance.random() < SHARES[self.weather].get(what, 0.0)

    async def _treated(self, request: Request) -> bytes | None:
        """The service's answer, or None where the queue gets none."""
        if self._meets("refused"):
            return None
        if self._meets("late"):
            await asyncio.sleep(self.chance.expovariate(2.0))
        if self._meets("cut"):
            await self._deliver(request, cut=True)
            return None
        if self._meets("again"):
            self._deliver_later(request, self.chance.uniform(*_AGAIN_S))
        if self._meets("twice"):
            self._deliver_later(request, 0.0)
        answer = await self._deliver(request)
        return None if self._meets("unanswered") else answer

    def _deliver_later(self, request: Request, after_s: float) -> None:
        async def deliver() -> bytes | None:
            await asyncio.sleep(after_s)
            return await self._deliver(request)

        task = asyncio.create_task(deliver())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _deliver(self, request: Request, *, cut: bool = False) -> bytes | None:
        """Ask the service. None where it does not answer, or was not told all."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.targets[request.service])
        except OSError:
            return None
        try:
            encoded = request.encoded()
            if cut:
                writer.write(encoded[: self.chance.randrange(len(encoded))])
                await writer.drain()
                return None
            writer.write(encoded)
            async with asyncio.timeout(LONGEST_S):
                return await read_answer(reader)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return None
        finally:
            writer.close()


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection; None when it ends."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, _, rest = head.partition(b"\r\n")
    _, target, _ = first.decode("ascii").split(" ", 2)
    service, _, path = target[1:].partition("/")
    kept, length, chunked = _headers(rest)
    body = await _chunked(reader) if chunked else await reader.readexactly(length)
    framing = b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
    return Request(service, f"/{path}", b"".join(line + b"\r\n" for line in kept) + framing, body)


async def read_answer(reader: asyncio.StreamReader) -> bytes:
    """A whole answer, framed by its length."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, _, rest = head.partition(b"\r\n")
    kept, length, chunked = _headers(rest)
    body = await _chunked(reader) if chunked else await reader.readexactly(length)
    if first.split(b" ", 2)[1] == b"204":
        return first + b"\r\n" + b"".join(line + b"\r\n" for line in kept) + b"\r\n"
    return first + b"\r\n" + b"".join(line + b"\r\n" for line in kept) + b"Content-Length: %d\r\n\r\n" % length + body


def _headers(head: bytes) -> tuple[list[bytes], int, bool]:
    """Those that are handed on, and how the body is framed: its length, or in chunks."""
    kept, length, chunked = [], 0, False
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        match name.strip().lower():
            case b"content-length":
                length = int(value)
            case b"transfer-encoding":
                chunked = True
            case b"connection" | b"keep-alive" | b"expect" | b"":
                pass
            case _:
                kept.append(line)
    return kept, length, chunked


async def _chunked(reader: asyncio.StreamReader) -> bytes:
    pieces = []
    while size := int((await reader.readline()).split(b";")[0], 16):
        pieces.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(pieces)
