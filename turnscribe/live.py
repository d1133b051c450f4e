"""The SDK's live stream: audio and speaker activity over one WebSocket, which is opened again whenever it breaks.

    with LiveStream("http://127.0.0.1:8080", token, "weekly-42", "alices-browser", content_type="audio/webm") as live:
        for blob in recorder:
            live.send(blob)

What was sent and not acknowledged is kept and sent again after a break, from the server's watermark on. A process that was killed and
opens the same connection anew goes on after the last durable chunk. The protocol stands in docs/websocket.md.
"""

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Literal, Self

from turnscribe.live_messages import Observed
from turnscribe.live_socket import opened
from turnscribe.live_worker import LiveProgress, LiveWorker
from turnscribe.live_worker import StreamOver as StreamOver
from turnscribe.speaker_activity import SpeakerActivity
from turnscribe.transport import RetryPolicy

MAX_WAITING_BYTES: Final = 32 * 1024**2
"""Two hours of speech at 32 kb/s."""


class LiveStream(SpeakerActivity):
    """One connection of a meeting, live. Its methods may be called from several threads; `send` keeps the order of its calls.

    As a context manager it ends the stream where all went well; after an exception it only closes, and the stream can go on later.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        meeting_id: str,
        connection_id: str,
        *,
        content_type: str = "",
        source: str = "",
        language: str = "",
        channels: Literal["mix", "separate"] = "mix",
        channel_speakers: Sequence[str] = (),
        connections: Literal["shared", "per_participant"] = "shared",
        participant: str = "",
        started_at_ms: int | None = None,
        retry: RetryPolicy | None = None,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
        progress: Callable[[LiveProgress], None] = lambda _: None,
    ) -> None:
        """Connects in a thread of its own. `retry` says how long one break may last; `progress` is told from other threads."""
        said = {
            "meeting_id": meeting_id,
            "connection_id": connection_id,
            "content_type": content_type,
            "source": source,
            "language": language,
            "channels": "" if channels == "mix" else channels,
            "channel_speakers": ",".join(channel_speakers),
            "connections": "" if connections == "shared" else connections,
            "participant": participant,
            "started_at_ms": "" if started_at_ms is None else str(started_at_ms),
        }
        query = {name: value for name, value in said.items() if value}
        self._max_waiting_bytes = max_waiting_bytes
        self._worker = LiveWorker(
            f"live {connection_id}", lambda: opened(base_url, token, query), retry or RetryPolicy(), progress
        )
        self._worker.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None and not self._worker.is_over:
                self.end()
        finally:
            self.close()

    def send(self, data: bytes, captured_at_ms: int | None = None) -> None:
        """Take the next chunk. Returns at once, or as soon as what is not durable yet leaves room for it.

        `captured_at_ms` is the epoch time of the chunk's end (default: now). Raises what ended the stream: `ServerUnreachable`, the
        `ProblemAnswer` of a server that refuses, or `StreamOver`.
        """
        captured_at_ms = time.time_ns() // 1_000_000 if captured_at_ms is None else captured_at_ms
        worker = self._worker
        with worker.changed:
            worker.changed.wait_for(lambda: worker.is_over or self._has_room(len(data)))
            worker.refuse_when_over()
            worker.outbox.put_chunk(data, captured_at_ms)
            worker.changed.notify_all()

    def end(self) -> None:
        """Say that the stream is complete; returns once everything, the end too, is durable. Raises what `send` raises."""
        worker = self._worker
        with worker.changed:
            worker.refuse_when_over()
            worker.wait_for_answer(worker.end())
        self.close()

    def close(self) -> None:
        """Stop, ended or not. What is not durable by now is not sent any more."""
        self._worker.stop()

    @property
    def progress(self) -> LiveProgress:
        """How far it is."""
        return self._worker.progress()

    def _observe(self, body: bytes) -> str:
        worker = self._worker
        with worker.changed:
            worker.refuse_when_over()
            pending = worker.outbox.put_speakers(body)
            worker.changed.notify_all()
            worker.wait_for_answer(pending)
            if not isinstance(pending.answer, Observed):
                raise StreamOver("the server did not say what became of the observation")
            return pending.answer.observation_id

    def _has_room(self, size_bytes: int) -> bool:
        waiting_bytes = self._worker.outbox.waiting_bytes
        return not waiting_bytes or waiting_bytes + size_bytes <= self._max_waiting_bytes
