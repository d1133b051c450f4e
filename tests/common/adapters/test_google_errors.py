import concurrent.futures

import google.auth.exceptions
import pytest
import requests
import urllib3.exceptions
from google.api_core import exceptions

from common.adapters.google.google_errors import translated
from common.errors import Backpressure, Permanent, Retryable


@pytest.mark.parametrize(
    ("raised", "wanted", "reason"),
    [
        (exceptions.ServiceUnavailable("down"), Retryable, "cloud_storage_unavailable"),
        (exceptions.DeadlineExceeded("late"), Retryable, "cloud_storage_unavailable"),
        (exceptions.Forbidden("no"), Retryable, "cloud_storage_unavailable"),
        (exceptions.NotFound("no bucket"), Retryable, "cloud_storage_unavailable"),
        (google.auth.exceptions.TransportError("dns"), Retryable, "cloud_storage_unavailable"),
        (requests.exceptions.ReadTimeout("late"), Retryable, "cloud_storage_unavailable"),
        (urllib3.exceptions.ProtocolError("cut off"), Retryable, "cloud_storage_unavailable"),
        (concurrent.futures.TimeoutError(), Retryable, "cloud_storage_unavailable"),
        (exceptions.ResourceExhausted("quota"), Backpressure, "cloud_storage_quota"),
        (exceptions.InvalidArgument("too large"), Permanent, "cloud_storage_refused"),
    ],
)
def test_each_error_of_google_is_one_of_three(raised: Exception, wanted: type[Exception], reason: str) -> None:
    with pytest.raises((Retryable, Permanent, Backpressure)) as caught, translated("Cloud Storage"):
        raise raised
    assert type(caught.value) is wanted
    assert caught.value.reason == reason
    assert caught.value.__cause__ is raised


def test_what_google_says_may_quote_the_user_and_stays_out() -> None:
    with pytest.raises(Permanent) as caught, translated("Firestore"):
        raise exceptions.InvalidArgument("the value 'Zoë said yes' is too long")
    assert "Zoë" not in str(caught.value)


def test_a_defect_stays_a_defect() -> None:
    with pytest.raises(ZeroDivisionError), translated("Firestore"):
        raise ZeroDivisionError
