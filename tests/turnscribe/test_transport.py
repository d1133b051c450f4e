"""What the transport's parts do by themselves; `test_client` sees them at work."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.turnscribe.conftest import Scripted
from turnscribe.errors import ServerUnreachable
from turnscribe.transport import PassingFailure, Patience, RetryPolicy, Transport, parsed_retry_after_s

NOW = datetime(2025, 7, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("Tue, 01 Jul 2025 12:01:30 GMT", 90.0),
        ("Tue, 01 Jul 2025 12:01:30 -0000", 90.0),
        ("Tue, 01 Jul 2025 14:01:30 +0200", 90.0),
        ("Tuesday, 01-Jul-25 12:01:30 GMT", 90.0),
        ("Tue, 01 Jul 2025 11:00:00 GMT", 0.0),
        ("", None),
        (None, None),
        ("soon", None),
        ("-1", None),
        ("١", None),
        ("Tue, 99 Jul 2025 99:00:00 GMT", None),
    ],
)
def test_retry_after_in_both_of_its_forms(value: str | None, seconds: float | None) -> None:
    assert parsed_retry_after_s(value, NOW.timestamp()) == seconds


@given(st.integers(0, 10**8), st.text(max_size=30))
def test_any_date_is_read_and_no_text_is_a_fault(later_s: int, text: str) -> None:
    at = NOW + timedelta(seconds=later_s)
    assert parsed_retry_after_s(format_datetime(at, usegmt=True), NOW.timestamp()) == later_s
    asked = parsed_retry_after_s(text, NOW.timestamp())
    assert asked is None or asked >= 0


@given(st.integers(1, 200), st.floats(0, 1e6))
def test_what_the_server_asks_for_is_never_undercut(tries: int, asked_s: float) -> None:
    assert asked_s <= RetryPolicy().pause_s(tries, asked_s) <= asked_s * 1.1 + 1e-9
    assert 0 < RetryPolicy().pause_s(tries, None) <= RetryPolicy().longest_pause_s


def test_patience_begins_anew_when_something_has_moved() -> None:
    now_s = [0.0]
    told: list[float] = []

    def sleep(seconds: float) -> None:
        now_s[0] += seconds

    patience = Patience(RetryPolicy(give_up_after_s=10.0), sleep, lambda: now_s[0])
    for _ in range(5):
        patience.wait(PassingFailure("busy", 6.0), told.append)
        patience.renew()
    assert len(told) == 5
    assert min(told) >= 6.0
    patience.wait(PassingFailure("busy", 6.0))
    with pytest.raises(ServerUnreachable, match=r"^busy \(tried 2 times\)$"):
        patience.wait(PassingFailure("busy", 6.0))


@pytest.fixture
def transport(scripted: Scripted) -> Iterator[Transport]:
    made = Transport(scripted.url, "t", retry=RetryPolicy(), timeout_s=5, now_s=NOW.timestamp)
    yield made
    made.close()


def test_an_attempt_is_one_and_says_when_to_try_again(scripted: Scripted, transport: Transport) -> None:
    scripted.answer(503, {}, Retry_After="Tue, 01 Jul 2025 12:00:20 GMT")
    with pytest.raises(PassingFailure, match="503") as failed:
        transport.attempt("GET", "/x")
    assert failed.value.retry_after_s == 20.0
    assert len(scripted.requests) == 1


def test_a_body_in_pieces_is_sent_with_its_length_and_headers_come_back(
    scripted: Scripted, transport: Transport
) -> None:
    scripted.answer(200, {}, Upload_Offset="6")
    pieces = iter([b"abc", b"def"])
    answer = transport.attempt("PUT", "/x", body=pieces, headers={"Content-Length": "6"})
    assert answer.headers["upload-offset"] == "6"
    assert scripted.requests[0].body == b"abcdef"
    assert "Transfer-Encoding" not in scripted.requests[0].headers


@pytest.mark.parametrize("last", [b"", b"Conte", b"Content-Length:", b"Content-Length: "])
def test_an_answer_that_breaks_off_in_its_head_is_none(last: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer_by_half() -> None:
            client, _ = listening.accept()
            with client:
                client.recv(65_536)
                client.sendall(b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n" + last)

        answering = threading.Thread(target=answer_by_half)
        answering.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with (
            closing(Transport(url, "token", retry=RetryPolicy(), timeout_s=30)) as transport,
            pytest.raises(PassingFailure),
        ):
            transport.attempt("PUT", "/v1/streams/c/chunks/0", body=b"audio")
        answering.join(30)
