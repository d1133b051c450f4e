"""What each message of a WebSocket does: messages in, answers out. No sockets here, so tests need none."""

from collections.abc import Callable
from itertools import islice
from typing import Final

import msgspec
from opentelemetry.trace import SpanKind

from common.errors import Permanent, Retryable, TurnscribeError
from common.events import StreamOptions
from common.logs import get_logger
from common.object_names import MAX_SEQ, seq_of
from common.problems import Problem, problem_members, problem_of
from common.trace import record_error, span
from ingest_service.intake.end_stream import end_stream
from ingest_service.intake.intake import Intake
from ingest_service.intake.observations import MAX_BODY_BYTES, observation
from ingest_service.intake.observe_speakers import observe_speakers
from ingest_service.intake.requests import ChunkUpload, EndOfStream, Stream, checked_epoch_ms, invalid
from ingest_service.intake.store_chunk import store_chunk
from ingest_service.intake.stream_status import MAX_MISSING
from ingest_service.intake.watermark import Watermark
from ingest_service.websocket.messages import (
    Ack,
    ChunkAnnounced,
    EndAnnounced,
    Ended,
    Observed,
    Ready,
    Refused,
    ServerMessage,
    SpeakersObserved,
    Unreadable,
    client_message,
)

log = get_logger(__name__)
NORMAL: Final = 1000
REFUSED: Final = 1008
TOO_BIG: Final = 1009
TRY_AGAIN: Final = 1013
"""Close codes: RFC 6455, 7.4.1, and IANA's registry for 1013."""


class Answer(msgspec.Struct, frozen=True):
    """What is sent back, and with which code the connection is closed after that; None: it stays open."""

    message: ServerMessage | None = None
    close_code: int | None = None


class Session:
    """One WebSocket of a connection. Messages are taken one after the other, each to its end: one answer for each, but for announcements."""

    def __init__(
        self,
        intake: Intake,
        stream: Stream,
        options: StreamOptions,
        *,
        max_chunk_bytes: int,
        recommended_chunk_ms: int,
    ) -> None:
        """Lists what is durable. Raises a 409 `Problem` when the connection is another meeting's."""
        intake.check_claim(stream)
        stored = intake.blobs.list(intake.objects(stream.tenant, stream.connection_id).chunks_prefix)
        self._watermark = Watermark(seq_of(info.name) for info in stored)
        self._intake = intake
        self._stream = stream
        self._options = options
        self._max_chunk_bytes = max_chunk_bytes
        self._recommended_chunk_ms = recommended_chunk_ms
        self._announced: ChunkAnnounced | None = None
        self.chunks = 0
        self.bytes = 0
        """Acknowledged over this WebSocket."""

    def ready(self) -> Ready:
        """What the client gets first."""
        return Ready(
            connection_id=self._stream.connection_id,
            meeting_id=self._stream.meeting_id,
            next_seq=self._watermark.next_seq,
            missing=tuple(islice(self._watermark.missing(), MAX_MISSING)),
            free_seq=self._watermark.free_seq,
            recommended_chunk_ms=self._recommended_chunk_ms,
        )

    def text(self, message: bytes) -> Answer:
        """A text message: an announcement, an observation or the end."""
        if len(message) > MAX_BODY_BYTES:
            detail = f"A text message may have {MAX_BODY_BYTES} bytes."
            return _refusal(Problem(413, "message-too-large", detail, limit_bytes=MAX_BODY_BYTES))
        try:
            said = client_message(message)
        except Unreadable as error:
            return Answer(Refused(problem_members(error.problem)), error.close_code)
        if self._announced is not None:
            detail = "After a chunk's announcement comes a binary message: its bytes."
            return _refusal(Problem(400, "invalid-message", detail))
        match said:
            case ChunkAnnounced():
                return self._take(lambda: self._announce(said), seq=said.seq)
            case SpeakersObserved():
                return self._take(lambda: self._observe(said), may_go_on=True)
            case EndAnnounced():
                return self._take(lambda: self._end(said))

    def binary(self, data: bytes) -> Answer:
        """The bytes of a chunk: the one that was announced, else the first that is not durable."""
        announced, self._announced = self._announced, None
        seq = self._watermark.next_seq if announced is None else announced.seq
        captured_at_ms = announced.captured_at_ms if announced else None
        if captured_at_ms is None:
            captured_at_ms = self._intake.clock.now_ms()
        upload = ChunkUpload(self._stream, seq, captured_at_ms, self._options)
        return self._take(lambda: self._store(upload, data), seq=seq)

    def _take(
        self, do: Callable[[], ServerMessage | None], *, seq: int | None = None, may_go_on: bool = False
    ) -> Answer:
        """Do one thing in a trace of its own: a trace that lasts as long as the WebSocket would never be seen whole."""
        ids = {"meeting_id": self._stream.meeting_id, "connection_id": self._stream.connection_id}
        with span("ingest", "WEBSOCKET /v1/stream", SpanKind.SERVER, traceparent=None, attributes=ids):
            try:
                message = do()
            except (Problem, TurnscribeError) as error:
                if isinstance(error, Retryable):
                    record_error(error)
                    log.warning("dependency_unavailable", reason=error.reason)
                return _refusal(problem_of(error), seq, may_go_on=may_go_on and isinstance(error, Problem | Permanent))
        return Answer(message, NORMAL if isinstance(message, Ended) else None)

    def _announce(self, said: ChunkAnnounced) -> None:
        if said.captured_at_ms is not None:
            checked_epoch_ms(said.captured_at_ms, "captured_at_ms")
        self._announced = said

    def _store(self, upload: ChunkUpload, data: bytes) -> Ack:
        if len(data) > self._max_chunk_bytes:
            detail = f"The chunk is larger than the {self._max_chunk_bytes} bytes that are allowed here."
            raise Problem(413, "body-too-large", detail, limit_bytes=self._max_chunk_bytes)
        if upload.seq > MAX_SEQ:
            raise invalid("seq", f"is too large; the last possible one is {MAX_SEQ}")
        store_chunk(self._intake, upload, data)
        self._watermark.add(upload.seq)
        self.chunks += 1
        self.bytes += len(data)
        return Ack(upload.seq, self._watermark.next_seq)

    def _observe(self, said: SpeakersObserved) -> Observed:
        observed = observation(said.body)
        observe_speakers(self._intake, self._stream, observed)
        return Observed(observed.observation_id)

    def _end(self, said: EndAnnounced) -> Ended:
        last_seq = self._watermark.free_seq - 1 if said.last_seq is None else said.last_seq
        ended = end_stream(self._intake, self._stream, EndOfStream(last_seq, said.observations))
        return Ended(self._stream.connection_id, ended.last_seq, ended.observations)


def _refusal(problem: Problem, seq: int | None = None, *, may_go_on: bool = False) -> Answer:
    """What the client is told. It may go on where only the message was wrong, and come again where the fault will pass."""
    members = problem_members(problem)
    if problem.headers.get("Retry-After", "").isdecimal():
        members["retry_after_s"] = int(problem.headers["Retry-After"])
    told = Refused(members) if seq is None else Refused(members, seq)
    if problem.status >= 500 or problem.status == 429:
        return Answer(told, TRY_AGAIN)
    if may_go_on and problem.status in {400, 413, 422}:
        return Answer(told)
    return Answer(told, TOO_BIG if problem.status == 413 else REFUSED)
