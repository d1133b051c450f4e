"""What is kept until the server has it, with a server that breaks off anywhere."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnscribe.errors import BadRequest, UnexpectedAnswer
from turnscribe.live_messages import MAX_MISSING, Ack, Ended, Observed, Ready, Refused
from turnscribe.live_outbox import Outbox

EMPTY = Ready(0, (), 0)


class Server:
    """Takes messages as `/v1/stream` does. What it has outlives its connections."""

    def __init__(self, chunks: dict[int, bytes] | None = None) -> None:
        self.chunks = dict(chunks or {})
        self.observations: list[object] = []
        self.end: dict[str, object] | None = None
        self._announced = -1

    def ready(self) -> Ready:
        free_seq = max(self.chunks, default=-1) + 1
        missing = tuple(seq for seq in range(free_seq) if seq not in self.chunks)
        return Ready(missing[0] if missing else free_seq, missing, free_seq)

    def take(self, message: str | bytes) -> Ack | Observed | Ended | None:
        if isinstance(message, bytes):
            assert self.chunks.setdefault(self._announced, message) == message
            return Ack(self._announced)
        said = json.loads(message)
        match said.pop("type"):
            case "chunk":
                self._announced = said["seq"]
                return None
            case "speakers":
                self.observations.append(said)
                return Observed(f"id of {said['ts_ms']}")
            case _:
                self.end = said
                return Ended(said["last_seq"])


def exchange(outbox: Outbox, server: Server, sent: int, taken: int, answered: int) -> None:
    """One connection: so many things are sent, so many of these arrive, and of their answers so many."""
    outbox.connected(server.ready())
    batches = [outbox.next_messages() for _ in range(sent) if outbox.has_unsent]
    answers = [server.take(message) for batch in batches[:taken] for message in batch]
    for answer in [answer for answer in answers if answer is not None][:answered]:
        assert outbox.answered(answer)


CUTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)), max_size=8)


@given(
    st.lists(st.binary(max_size=4) | st.integers(0, 99), max_size=8),
    CUTS,
    st.dictionaries(st.integers(0, 5), st.just(b"of an earlier process")),
)
def test_wherever_connections_break_everything_arrives_once_and_in_order(
    things: list[bytes | int], cuts: list[tuple[int, int, int]], earlier: dict[int, bytes]
) -> None:
    outbox, server = Outbox(), Server(earlier)
    first_seq = server.ready().free_seq
    observed = []
    for index, thing in enumerate(things):
        if isinstance(thing, bytes):
            outbox.put_chunk(thing, index)
        else:
            observed.append(outbox.put_speakers(json.dumps({"ts_ms": thing}).encode()))
        if index < len(cuts):
            exchange(outbox, server, *cuts[index])
    end = outbox.put_end()
    for cut in cuts[len(things) :]:
        exchange(outbox, server, *cut)
    exchange(outbox, server, 99, 99, 99)

    chunks = [thing for thing in things if isinstance(thing, bytes)]
    assert server.chunks == {**earlier, **{first_seq + n: chunk for n, chunk in enumerate(chunks)}}
    last_seq = first_seq + len(chunks) - 1
    assert server.end == {"last_seq": last_seq, "observations": len(observed)}
    assert end.answer == Ended(last_seq)
    said = [thing for thing in things if isinstance(thing, int)]
    assert [pending.answer for pending in observed] == [Observed(f"id of {ts_ms}") for ts_ms in said]
    assert not outbox.has_unsent
    assert (outbox.waiting_bytes, outbox.durable_chunks) == (0, len(chunks))
    assert outbox.durable_bytes == sum(map(len, chunks))


def test_a_refused_observation_is_answered_and_the_rest_goes_on() -> None:
    outbox = Outbox()
    wrong = outbox.put_speakers(b'{"ts_ms":1}')
    outbox.put_chunk(b"x", 1)
    outbox.connected(EMPTY)
    outbox.next_messages()
    outbox.next_messages()
    assert outbox.answered(Refused({"status": 400, "type": "urn:x", "detail": "no", "field": "masks"}))
    assert isinstance(wrong.answer, BadRequest)
    assert (wrong.answer.problem.detail, wrong.answer.problem.extra) == ("no", {"field": "masks"})
    assert outbox.answered(Ack(0))
    assert outbox.observations == 0


def test_a_refused_chunk_stays_unanswered() -> None:
    outbox = Outbox()
    outbox.put_chunk(b"x", 1)
    outbox.connected(EMPTY)
    outbox.next_messages()
    assert not outbox.answered(Refused({"status": 409}))
    assert outbox.waiting_bytes == 1


@pytest.mark.parametrize("answer", [Ack(1), Observed("x"), Ended(0)])
def test_an_answer_to_something_else_is_noticed(answer: Ack | Observed | Ended) -> None:
    outbox = Outbox()
    with pytest.raises(UnexpectedAnswer):
        outbox.answered(answer)
    outbox.put_chunk(b"x", 1)
    outbox.connected(EMPTY)
    outbox.next_messages()
    with pytest.raises(UnexpectedAnswer):
        outbox.answered(answer)


def test_where_more_holes_are_than_named_nothing_beyond_is_taken_for_durable() -> None:
    ready = Ready(0, tuple(range(0, 2 * MAX_MISSING, 2)), 10 * MAX_MISSING)
    assert ready.is_durable(1)
    assert not ready.is_durable(2 * MAX_MISSING)
