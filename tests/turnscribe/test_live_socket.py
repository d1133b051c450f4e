import pytest

from turnscribe.errors import BadRequest, Conflict, UnexpectedAnswer
from turnscribe.live_messages import Refused, server_message
from turnscribe.live_socket import closing_failure
from turnscribe.transport import PassingFailure


@pytest.mark.parametrize("code", [1001, 1006, 1011, 1012, 1013])
def test_what_will_pass_is_tried_again(code: int) -> None:
    failure = closing_failure(code, "why", None)
    assert isinstance(failure, PassingFailure)
    assert failure.retry_after_s is None
    assert "why" in str(failure)


def test_a_busy_server_says_when_to_come_again() -> None:
    failure = closing_failure(1013, "", Refused({"status": 429, "detail": "busy", "retry_after_s": 7}))
    assert isinstance(failure, PassingFailure)
    assert (failure.retry_after_s, "busy" in str(failure)) == (7.0, True)


@pytest.mark.parametrize(
    ("code", "refused", "kind", "status"),
    [
        (1008, Refused({"status": 409, "type": "urn:x", "title": "T", "detail": "D"}), Conflict, 409),
        (1007, Refused({"status": 400}), BadRequest, 400),
        (1009, None, BadRequest, 413),
        (1002, None, BadRequest, 400),
    ],
)
def test_a_refusal_is_final(code: int, refused: Refused | None, kind: type[BadRequest], status: int) -> None:
    failure = closing_failure(code, "R", refused)
    assert type(failure) is kind
    assert failure.problem.status == status


def test_an_end_that_nobody_asked_for_is_noticed() -> None:
    assert isinstance(closing_failure(1000, "", None), UnexpectedAnswer)


@pytest.mark.parametrize("text", ["", "{}", '{"type":"hello"}', '{"type":"ack"}', b'{"type":"\xff"}', "[" * 100_000])
def test_what_is_no_message_is_noticed(text: str | bytes) -> None:
    with pytest.raises(UnexpectedAnswer):
        server_message(text)


def test_members_that_are_new_are_ignored() -> None:
    message = server_message('{"type":"problem","problem":{"status":"?"},"new":1}')
    assert isinstance(message, Refused)
    assert message.status == 500
