import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transcribe_service.delivery.orders_of_tests import NOW_MS
from transcribe_service.delivery.outcomes import Outcome, of_engine, of_webhook, retry_after_s


@given(st.integers(200, 299))
def test_two_hundreds_are_success(status: int) -> None:
    assert of_webhook(status, 0) == of_engine(status, 0) == Outcome("delivered")


@given(st.integers(300, 599).filter(lambda status: status != 410))
def test_anything_else_is_a_failure_to_a_webhook(status: int) -> None:
    assert of_webhook(status, 0).kind == "failed"
    assert of_webhook(status, 0).reason == f"http_{status}"


def test_gone_is_gone() -> None:
    assert of_webhook(410, 0).kind == "gone"
    assert of_engine(410, 0).kind == "refused"


@pytest.mark.parametrize("status", [400, 405, 409, 413, 415, 422])
def test_what_the_engine_will_never_take_is_refused(status: int) -> None:
    assert of_engine(status, 0).kind == "refused"


@pytest.mark.parametrize("status", [301, 401, 403, 404, 408, 425, 429, 500, 503])
def test_what_somebody_can_mend_is_tried_again(status: int) -> None:
    assert of_engine(status, 0).kind == "failed"


def test_who_is_overloaded_or_asks_for_it_is_left_alone() -> None:
    assert of_webhook(503, 7) == Outcome("failed", "http_503", 7, rests=True)
    assert of_webhook(429, 0).rests
    assert of_webhook(500, 3).rests
    assert not of_webhook(500, 0).rests


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("120", 120),
        (" 7 ", 7),
        ("-5", 0),
        ("soon", 0),
        ("²", 0),
        ("9" * 400, 999_999_999),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60),
        ("Tue, 14 Nov 2000 22:14:20 GMT", 0),
    ],
)
def test_retry_after_is_read_in_both_of_its_forms(value: str | None, seconds: float) -> None:
    assert retry_after_s(value, NOW_MS) == seconds


@given(st.text())
def test_no_header_is_an_error(value: str) -> None:
    assert retry_after_s(value, NOW_MS) >= 0
