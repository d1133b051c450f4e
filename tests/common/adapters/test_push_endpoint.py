import socket
import threading
from contextlib import closing
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.adapters.embedded.push_endpoint import PushEndpoint, retry_after_s, wrapped
from common.adapters.embedded.subscriptions import Delivery, Nack, Subscription
from common.events import Message
from common.push import parse_push
from common.settings import Secret
from tests.push_receiver import Answer, PushReceiver

NOW_MS = 1_700_000_000_000
DELIVERY = Delivery(
    delivery_id=1,
    subscription="s",
    message=Message(b'{"\x00": 1}', {"ce-id": "1", "who": "Zoë"}),
    message_id="0a1b",
    published_at_ms=NOW_MS,
    attempt=3,
)


TOKEN = Secret("push-secret")


def endpoint(url: str, ack_deadline_s: float = 20, token: Secret = TOKEN) -> PushEndpoint:
    subscription = Subscription(name="s", topic="t", endpoint=url, ack_deadline_s=ack_deadline_s)
    return PushEndpoint(subscription, token)


def test_the_envelope_in_full() -> None:
    assert wrapped(DELIVERY).decode() == (
        '{"message":{"data":"eyIAIjogMX0=","attributes":{"ce-id":"1","who":"Zoë"},"messageId":"0a1b",'
        '"publishTime":"2023-11-14T22:13:20.000Z"},"subscription":"s","deliveryAttempt":3}'
    )


@given(st.binary(max_size=200), st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=4))
def test_the_services_read_the_envelope(data: bytes, attributes: dict[str, str]) -> None:
    delivery = Delivery(
        delivery_id=1,
        subscription="s",
        message=Message(data, attributes),
        message_id="m",
        published_at_ms=NOW_MS,
        attempt=2,
    )
    pushed = parse_push({}, wrapped(delivery))
    assert pushed.message == delivery.message
    assert (pushed.message_id, pushed.subscription, pushed.delivery_attempt) == ("m", "s", 2)


@pytest.mark.parametrize("status", [102, 200, 201, 202, 204])
def test_what_acknowledges(receiver: PushReceiver, status: int) -> None:
    receiver.answer(status)
    with closing(endpoint(receiver.url())) as posting:
        assert posting.push(DELIVERY, NOW_MS) is None
        assert posting.push(DELIVERY, NOW_MS) is None, "the connection is usable afterwards"


@pytest.mark.parametrize("status", [203, 205, 206, 301, 302, 304, 400, 401, 404, 409, 410, 429, 500, 502, 503])
def test_everything_else_does_not(receiver: PushReceiver, status: int) -> None:
    receiver.answer(Answer(status, {"Location": receiver.url("/elsewhere")}))
    with closing(endpoint(receiver.url())) as posting:
        assert posting.push(DELIVERY, NOW_MS) == Nack(DELIVERY, f"http_{status}")
    assert receiver.received("/elsewhere") == [], "redirects are not followed"
    assert len(receiver.received()) == 1, "there are no attempts but the queue's"


@pytest.mark.parametrize(
    ("status", "asked_s"), [(429, 7.0), (503, 7.0), (500, 0.0), (404, 0.0)], ids=["429", "503", "500", "404"]
)
def test_retry_after_counts_where_it_means_overload(receiver: PushReceiver, status: int, asked_s: float) -> None:
    receiver.answer(Answer(status, {"Retry-After": "7"}))
    with closing(endpoint(receiver.url())) as posting:
        assert posting.push(DELIVERY, NOW_MS) == Nack(DELIVERY, f"http_{status}", asked_s)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("0", 0),
        ("12", 12),
        (" 12 ", 12),
        ("999999", 600),
        ("-5", 0),
        ("soon", 0),
        ("1e400", 0),
        (formatdate(NOW_MS / 1000 + 30, usegmt=True), 30),
        (formatdate(NOW_MS / 1000 - 30, usegmt=True), 0),
        (formatdate(NOW_MS / 1000 + 9999, usegmt=True), 600),
    ],
)
def test_retry_after_is_read(value: str | None, seconds: float) -> None:
    assert retry_after_s(value, NOW_MS) == seconds


@given(st.text(max_size=40))
def test_no_retry_after_is_too_strange(value: str) -> None:
    assert 0 <= retry_after_s(value, NOW_MS) <= 600


def test_connections_are_kept(receiver: PushReceiver) -> None:
    receiver.answer(204, 503, Answer(200), 204)
    with closing(endpoint(receiver.url())) as posting:
        for _ in range(4):
            posting.push(DELIVERY, NOW_MS)
    assert len({received.connection for received in receiver.received()}) == 1


def test_the_token_and_the_query_are_sent(receiver: PushReceiver) -> None:
    with closing(endpoint(receiver.url("/push/s?a=1&b=%20"))) as posting:
        posting.push(DELIVERY, NOW_MS)
    with closing(endpoint(receiver.url("/open"), token=Secret())) as posting:
        posting.push(DELIVERY, NOW_MS)
    (received,) = receiver.received("/push/s?a=1&b=%20")
    assert received.headers["Authorization"] == "Bearer push-secret"
    assert "Authorization" not in receiver.received("/open")[0].headers


def test_no_answer_within_the_ack_deadline_is_a_nack(receiver: PushReceiver) -> None:
    answered = threading.Event()
    receiver.answer(Answer(204, after=answered))
    with closing(endpoint(receiver.url(), ack_deadline_s=0.05)) as posting:
        assert posting.push(DELIVERY, NOW_MS) == Nack(DELIVERY, "ack_deadline")
    answered.set()


def test_nobody_there_is_a_nack() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with closing(endpoint(f"http://127.0.0.1:{port}/push")) as posting:
        assert posting.push(DELIVERY, NOW_MS) == Nack(DELIVERY, "connection_failed")


@pytest.mark.parametrize("answer", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 two hundred\r\n\r\n"])
def test_nonsense_for_an_answer_is_a_nack(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)

        serving = threading.Thread(target=serve)
        serving.start()
        with closing(endpoint(f"http://127.0.0.1:{server.getsockname()[1]}/push")) as posting:
            assert posting.push(DELIVERY, NOW_MS) == Nack(DELIVERY, "connection_failed")
        serving.join()


def test_a_connection_that_the_receiver_closed_meanwhile_is_replaced() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = threading.Event()

        def serve() -> None:
            for _ in range(2):
                connection, _ = server.accept()
                with connection:
                    connection.recv(65_536)
                    connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
                closed.set()

        serving = threading.Thread(target=serve)
        serving.start()
        with closing(endpoint(f"http://127.0.0.1:{server.getsockname()[1]}/push")) as posting:
            assert posting.push(DELIVERY, NOW_MS) is None
            closed.wait(10)
            assert posting.push(DELIVERY, NOW_MS) is None
        serving.join()


def test_a_connection_that_the_receiver_wants_closed_is_not_kept(receiver: PushReceiver) -> None:
    receiver.answer(Answer(204, {"Connection": "close"}), 204)
    with closing(endpoint(receiver.url())) as posting:
        assert [posting.push(DELIVERY, NOW_MS) for _ in range(2)] == [None, None]
    assert len({received.connection for received in receiver.received()}) == 2


def test_what_is_in_hand_when_it_closes_is_finished_and_its_connection_closed(receiver: PushReceiver) -> None:
    go_on = threading.Event()
    receiver.answer(Answer(204, after=go_on))
    posting = endpoint(receiver.url())
    outcomes: list[Nack | None] = []
    pushing = threading.Thread(target=lambda: outcomes.append(posting.push(DELIVERY, NOW_MS)))
    pushing.start()
    receiver.wait_until(lambda: receiver.most_at_once == 1)
    posting.close()
    go_on.set()
    pushing.join()
    assert outcomes == [None]
    assert not posting._idle
