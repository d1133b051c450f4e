"""Live uploaders in a process of their own, with little CPU: one thread, one connection for each stream, no client library.

`python -m bench.load_generator` reads a `Plan` from standard input and plays it in real time: each meeting's chunks and speaker masks at
their times, in order, then its end. A stream waits for each answer. What is not taken is sent again as often as it takes: after
`Retry-After` where the server says so, else after a pause that doubles up to 10 s. A live
reader may listen to each meeting. Prints a `Sent` once everything was taken.
"""

import asyncio
import contextlib
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from bench.cost_load import Played, long_meeting
from turnscribe.demo.recording import Piece
from turnscribe.demo.speakers import MaskWindow

CHUNK_MS: Final = 3_000
WINDOW_MS: Final = 1_000
ANSWER_S: Final = 60.0
FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 10.0
READ_ON_S: Final = 5.0
LONGEST_LINE_BYTES: Final = 1 << 20
NO_ANSWER: Final = 0
"""In place of a status: the connection broke, or nothing came in ANSWER_S."""


class Meeting(msgspec.Struct, frozen=True):
    """One stream of one meeting of that name."""

    name: str
    begin_s: float
    """After the plan's begin."""
    audio_s: float
    """Its length: as many whole chunks as go into that, one at least."""


class Plan(msgspec.Struct, frozen=True):
    """What is played to the ingest at 127.0.0.1:`port`."""

    port: int
    token: str
    meetings: tuple[Meeting, ...]
    read_port: int = 0
    """Where each meeting has a live reader, from its begin to READ_ON_S after its end; 0: none."""


class Sent(msgspec.Struct, frozen=True):
    """What came of it."""

    audio_ms: dict[str, int]
    """Of each meeting."""
    statuses: dict[int, int]
    """How many answers of each status; 0: none came."""
    took_ms: tuple[float, ...]
    """Of each request that was taken, its last try alone."""
    late_ms: tuple[float, ...]
    """Of each request: how long after its time it was taken."""
    events: int
    """Segments that live readers were told of."""
    cpu_s: float


class _Step(msgspec.Struct, frozen=True):
    at_ms: int
    method: str
    what: str
    query: str
    content_type: str
    body: bytes
    ts_ms: int | None = None
    """Masks say when their window ended, in the body."""


def _steps(played: Played, audio_s: float) -> Iterator[_Step]:
    """The requests of a stream of so long, in order. Pure."""
    chunks = max(1, int(audio_s * 1000) // CHUNK_MS)
    until_ms = chunks * CHUNK_MS
    sent = 0
    for step in played.steps:
        match step.what:
            case Piece() as piece if piece.seq < chunks:
                body = played.recording.bytes_of(piece)
                yield _Step(step.at_ms, "PUT", f"chunks/{piece.seq}", "", played.recording.content_type, body)
            case MaskWindow() as window if window.end_ms <= until_ms:
                sent += 1
                masks = msgspec.json.encode([list(mask) for mask in window.masks])
                yield _Step(step.at_ms, "POST", "speakers", "", "application/json", masks, window.end_ms)
            case _:
                pass
    end = msgspec.json.encode({"last_seq": chunks - 1, "observations": sent})
    yield _Step(until_ms, "POST", "end", "", "application/json", end)


class _Uploader:
    """One stream over one connection."""

    def __init__(self, plan: Plan, meeting: Meeting, steps: Sequence[_Step], account: "_Account") -> None:
        self._plan = plan
        self._meeting = meeting
        self._steps = steps
        self._account = account
        self._link: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def play(self, began_s: float) -> None:
        first_s = began_s + self._meeting.begin_s
        await _until(first_s)
        epoch_ms = int((time.time() + first_s - time.monotonic()) * 1000)
        for step in self._steps:
            due_s = first_s + step.at_ms / 1000
            await _until(due_s)
            await self._send(_request(self._plan, self._meeting, step, epoch_ms), due_s)
        self._account.audio_ms[self._meeting.name] = self._steps[-1].at_ms
        self._hang_up()

    async def _send(self, request: bytes, due_s: float) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            asked_s = time.monotonic()
            status, retry_after_s = await self._try(request)
            self._account.statuses[status] += 1
            if 200 <= status < 300:
                now_s = time.monotonic()
                self._account.took_ms.append(round((now_s - asked_s) * 1000, 1))
                self._account.late_ms.append(round((now_s - due_s) * 1000, 1))
                return
            if 400 <= status < 500 and status not in {423, 429}:
                head = request.partition(b"\r\n")[0].decode()
                raise SystemExit(f"the server refused with {status}: {head}")
            await asyncio.sleep(pause_s if retry_after_s is None else retry_after_s)
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    async def _try(self, request: bytes) -> tuple[int, float | None]:
        """Status and `Retry-After` in seconds."""
        try:
            async with asyncio.timeout(ANSWER_S):
                if self._link is None:
                    self._link = await asyncio.open_connection("127.0.0.1", self._plan.port)
                reader, writer = self._link
                writer.write(request)
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
                await reader.readexactly(int(headers.get("content-length", 0)))
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            self._hang_up()
            return NO_ANSWER, None
        if headers.get("connection", "").lower() == "close":
            self._hang_up()
        retry_after = headers.get("retry-after", "")
        return int(head[0].split()[1]), float(retry_after) if retry_after.isdecimal() else None

    def _hang_up(self) -> None:
        if self._link is not None:
            self._link[1].close()
            self._link = None


async def _read(plan: Plan, meeting: Meeting, began_s: float, account: "_Account") -> None:
    """Be the meeting's live reader, whom a break or a meeting that nobody has heard of yet makes come again."""
    await _until(began_s + meeting.begin_s)
    end_s = began_s + meeting.begin_s + meeting.audio_s + READ_ON_S
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(asyncio.get_running_loop().time() + max(0.0, end_s - time.monotonic())):
            while True:
                with contextlib.suppress(OSError):
                    await _events(plan, meeting, account)
                await asyncio.sleep(1.0)


async def _events(plan: Plan, meeting: Meeting, account: "_Account") -> None:
    """Count one answer's segments, as long as it lasts."""
    reader, writer = await asyncio.open_connection("127.0.0.1", plan.read_port, limit=LONGEST_LINE_BYTES)
    try:
        writer.write(
            f"GET /v1/meetings/{meeting.name}/live HTTP/1.1\r\nHost: 127.0.0.1:{plan.read_port}\r\n"
            f"Authorization: Bearer {plan.token}\r\nConnection: close\r\n\r\n".encode()
        )
        while line := await reader.readline():
            account.events += line.startswith(b"event: segment")
    finally:
        writer.close()


class _Account:
    """What all streams count together."""

    def __init__(self) -> None:
        self.audio_ms: dict[str, int] = {}
        self.statuses: Counter[int] = Counter()
        self.took_ms: list[float] = []
        self.late_ms: list[float] = []
        self.events = 0


def _request(plan: Plan, meeting: Meeting, step: _Step, epoch_ms: int) -> bytes:
    body = step.body
    if step.ts_ms is not None:
        body = b'{"ts_ms":%d,"bit_ms":100,"masks":%s}' % (epoch_ms + step.ts_ms, body)
    captured = f"&captured_at_ms={epoch_ms + step.at_ms}" if step.method == "PUT" else ""
    head = (
        f"{step.method} /v1/streams/{meeting.name}-1/{step.what}?meeting_id={meeting.name}{captured} HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{plan.port}\r\nUser-Agent: bench\r\nAuthorization: Bearer {plan.token}\r\n"
        f"Content-Type: {step.content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _until(moment_s: float) -> None:
    await asyncio.sleep(max(0.0, moment_s - time.monotonic()))


async def play(plan: Plan, played: Played) -> Sent:
    """Play all of it."""
    account = _Account()
    steps = {audio_s: tuple(_steps(played, audio_s)) for audio_s in {meeting.audio_s for meeting in plan.meetings}}
    began_s = time.monotonic()
    async with asyncio.TaskGroup() as streams:
        for meeting in plan.meetings:
            streams.create_task(_Uploader(plan, meeting, steps[meeting.audio_s], account).play(began_s))
            if plan.read_port:
                streams.create_task(_read(plan, meeting, began_s, account))
    return Sent(
        audio_ms=account.audio_ms,
        statuses=dict(account.statuses),
        took_ms=tuple(account.took_ms),
        late_ms=tuple(account.late_ms),
        events=account.events,
        cpu_s=round(time.process_time(), 2),
    )


def main() -> None:
    """From standard input to standard output."""
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    longest_s = max(meeting.audio_s for meeting in plan.meetings)
    with tempfile.TemporaryDirectory() as folder:
        played = long_meeting(Path(folder), int(longest_s // 60) + 1, chunk_ms=CHUNK_MS, window_ms=WINDOW_MS)
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(play(plan, played))))


if __name__ == "__main__":
    main()
