"""Uploads of chunks over connections that stay open, with as little Python around them as there can be, in a process of its own.

Each connection uploads its own stream, one chunk after another, as a recorder does that has fallen behind.
"""

import multiprocessing
import socket
import time
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from typing import Final, Self

import msgspec

from turnscribe.demo.command import CONVERSATION

CHUNK_BYTES: Final = 24 * 1024
"""Three seconds of Opus at 64 kb/s."""
START_MS: Final = 1_750_000_000_000
CHUNK_MS: Final = 3_000
GIVE_UP_S: Final = 60.0
_CONTENT_TYPE: Final = "audio/webm;codecs=opus"
_READ_BYTES: Final = 65_536


class Batch(msgspec.Struct, frozen=True):
    """So many chunks to the server at 127.0.0.1:`port`, `chunks` of each of the streams, from seq `first_seq` on."""

    port: int
    token: str
    streams: tuple[str, ...]
    first_seq: int
    chunks: int
    accepted: int
    """Status of a chunk that was taken. Any other ends the bench."""


class Load(AbstractContextManager["Load"]):
    """The process that uploads. Use as a context manager, in a program that can be imported."""

    def __init__(self) -> None:
        self._process = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))

    def __enter__(self) -> Self:
        self._process.submit(int).result(GIVE_UP_S)  # it has imported what it needs
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.shutdown(cancel_futures=True)

    def seconds(self, batch: Batch) -> float:
        """Upload `batch`; from its first byte to its last answer. Raises `SystemExit` where a chunk is not taken."""
        running: Future[float] = self._process.submit(upload, batch)
        return running.result(GIVE_UP_S + len(batch.streams) * batch.chunks)


def upload(batch: Batch) -> float:
    """What `Load.seconds` answers, in this process."""
    body = CONVERSATION.read_bytes()[:CHUNK_BYTES]
    with ExitStack() as opened, ThreadPoolExecutor(len(batch.streams)) as lanes:
        links = [
            opened.enter_context(socket.create_connection(("127.0.0.1", batch.port), GIVE_UP_S)) for _ in batch.streams
        ]
        began_s = time.monotonic()
        waiting = [
            lanes.submit(_upload_stream, link, batch, stream, body)
            for link, stream in zip(links, batch.streams, strict=True)
        ]
        for each in waiting:
            each.result()
        return time.monotonic() - began_s


def _upload_stream(link: socket.socket, batch: Batch, stream: str, body: bytes) -> None:
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for seq in range(batch.first_seq, batch.first_seq + batch.chunks):
        link.sendall(_request(batch, stream, seq, body))
        status, answer = _answer(link)
        if status != batch.accepted:
            raise SystemExit(f"chunk {seq} of {stream}: {status} {answer.decode(errors='replace')}")


def _request(batch: Batch, stream: str, seq: int, body: bytes) -> bytes:
    """The headers that an uploader in Python sends. The body stands for every chunk: nothing here looks into it after chunk 0."""
    captured_at_ms = START_MS + (seq + 1) * CHUNK_MS
    head = (
        f"PUT /v1/streams/{stream}/chunks/{seq}?meeting_id=m-{stream}&captured_at_ms={captured_at_ms} HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{batch.port}\r\n"
        "Accept-Encoding: identity\r\n"
        "User-Agent: bench\r\n"
        f"Authorization: Bearer {batch.token}\r\n"
        f"Content-Type: {_CONTENT_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _answer(link: socket.socket) -> tuple[int, bytes]:
    """Status and body of the next answer, which has a Content-Length."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _some(link)
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    headers = {name.strip().lower(): value for name, _, value in (line.partition(b":") for line in lines[1:])}
    while len(body) < int(headers[b"content-length"]):
        body += _some(link)
    return int(lines[0].split()[1]), body


def _some(link: socket.socket) -> bytes:
    received = link.recv(_READ_BYTES)
    if not received:
        raise SystemExit("the server closed a connection before its answer")
    return received
