"""What a live stream has taken and the server has not confirmed yet, in order. Pure: no threads, no sockets."""

from collections import deque
from dataclasses import dataclass, field

from turnscribe.errors import TurnscribeClientError, UnexpectedAnswer, answer_error
from turnscribe.live_messages import (
    Ack,
    Ended,
    Observed,
    Ready,
    Refused,
    ServerMessage,
    chunk_message,
    end_message,
    speakers_message,
)
from turnscribe.transport import problem_of_members


@dataclass(eq=False)
class Pending:
    """One thing to be sent and to be answered."""

    answer: ServerMessage | TurnscribeClientError | None = field(default=None, init=False)
    """None while there is none."""


@dataclass(eq=False)
class Chunk(Pending):
    """A piece of the recording; number `index` of those that this process sends."""

    index: int
    data: bytes
    captured_at_ms: int


@dataclass(eq=False)
class Speakers(Pending):
    """An observation, as JSON."""

    observation: bytes


@dataclass(eq=False)
class End(Pending):
    """The end. Nothing comes after it."""


class Outbox:
    """Answers come in the order of sending, one for each thing that was sent, so the first unanswered one is whose an answer is."""

    def __init__(self) -> None:
        self._unanswered: deque[Pending] = deque()
        self._sent = 0
        """So many of them over the connection that is open now."""
        self._first_seq: int | None = None
        self.chunks = 0
        """Taken in all."""
        self.observations = 0
        """Taken in all, but for those that were refused."""
        self.waiting_bytes = 0
        self.durable_chunks = 0
        self.durable_bytes = 0

    def put_chunk(self, data: bytes, captured_at_ms: int) -> None:
        """Take a piece of the recording."""
        self._unanswered.append(Chunk(self.chunks, data, captured_at_ms))
        self.chunks += 1
        self.waiting_bytes += len(data)

    def put_speakers(self, observation: bytes) -> Speakers:
        """Take an observation."""
        self.observations += 1
        pending = Speakers(observation)
        self._unanswered.append(pending)
        return pending

    def put_end(self) -> End:
        """Take the end."""
        pending = End()
        self._unanswered.append(pending)
        return pending

    def connected(self, ready: Ready) -> bool:
        """Over a new connection, everything that is not durable is sent again. The first one says with which seq this process begins.

        True where it moves things: some turn out to be durable, or there was nothing to be moved.
        """
        self._sent = 0
        if self._first_seq is None:
            self._first_seq = ready.free_seq
        kept = deque[Pending]()
        for pending in self._unanswered:
            if isinstance(pending, Chunk) and ready.is_durable(self._seq(pending)):
                self._durable(pending)
            else:
                kept.append(pending)
        has_moved = len(kept) < len(self._unanswered) or not kept
        self._unanswered = kept
        return has_moved

    @property
    def has_unsent(self) -> bool:
        """Whether there is something that was not sent over this connection."""
        return self._sent < len(self._unanswered)

    def next_messages(self) -> list[str | bytes]:
        """What to send for the first thing that was not sent yet. It counts as sent from now on."""
        pending = self._unanswered[self._sent]
        self._sent += 1
        match pending:
            case Chunk():
                return [chunk_message(self._seq(pending), pending.captured_at_ms), pending.data]
            case Speakers():
                return [speakers_message(pending.observation)]
            case _:
                return [end_message(self._seq_at(self.chunks) - 1, self.observations)]

    def answered(self, answer: Ack | Observed | Ended | Refused) -> bool:
        """Note an answer. False where it refuses for good, and the connection will be closed. Raises `UnexpectedAnswer`."""
        if not self._sent:
            raise UnexpectedAnswer("the server answers what was not sent")
        pending = self._unanswered[0]
        if isinstance(answer, Refused):
            if not isinstance(pending, Speakers) or answer.status not in {400, 413, 422}:
                return False
            pending.answer = _refusal(answer)
            self.observations -= 1
        elif isinstance(pending, Chunk) and isinstance(answer, Ack) and answer.seq == self._seq(pending):
            self._durable(pending)
        elif (isinstance(pending, Speakers) and isinstance(answer, Observed)) or (
            isinstance(pending, End) and isinstance(answer, Ended)
        ):
            pending.answer = answer
        else:
            raise UnexpectedAnswer("the server answers something else than what was sent")
        self._unanswered.popleft()
        self._sent -= 1
        return True

    def _durable(self, chunk: Chunk) -> None:
        self.waiting_bytes -= len(chunk.data)
        self.durable_bytes += len(chunk.data)
        self.durable_chunks += 1

    def _seq(self, chunk: Chunk) -> int:
        return self._seq_at(chunk.index)

    def _seq_at(self, index: int) -> int:
        if self._first_seq is None:
            raise UnexpectedAnswer("the server does not begin with what is durable")
        return self._first_seq + index


def _refusal(refused: Refused) -> TurnscribeClientError:
    return answer_error(problem_of_members(refused.status, refused.problem))
