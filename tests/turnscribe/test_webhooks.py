"""The vector is the one that the Standard Webhooks' own libraries are tested with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnscribe.webhooks import NotGenuine, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
BODY = '{"test": 2432232314}'
SENT_S = 1_614_265_330
HEADERS = {
    "Webhook-Id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": str(SENT_S),
    "webhook-signature": SIGNATURE,
}


@pytest.mark.parametrize("secret", [SECRET, SECRET.removeprefix("whsec_")])
@pytest.mark.parametrize("payload", [BODY, BODY.encode()])
@pytest.mark.parametrize("signature", [SIGNATURE, f"v1,AAAA {SIGNATURE} v1a,BBBB"])
def test_the_specification_s_vector_is_genuine(secret: str, payload: bytes | str, signature: str) -> None:
    assert verify(payload, HEADERS | {"webhook-signature": signature}, secret, now_s=SENT_S + 9) == {"test": 2432232314}


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": SIGNATURE.removeprefix("v1,")},
        {"webhook-signature": SIGNATURE.replace("v1,", "v2,")},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,\udcff"},
        {"webhook-timestamp": str(SENT_S + 1)},
        {"webhook-timestamp": "now"},
        {"webhook-timestamp": "-1"},
        {"Webhook-Id": "msg_other"},
    ],
)
def test_what_was_changed_is_not_genuine(changed: dict[str, str]) -> None:
    with pytest.raises(NotGenuine):
        verify(BODY, HEADERS | changed, SECRET, now_s=SENT_S)


@pytest.mark.parametrize("off_s", [-301, 301])
def test_what_is_too_old_or_not_yet_sent_is_not_genuine(off_s: int) -> None:
    with pytest.raises(NotGenuine, match="time"):
        verify(BODY, HEADERS, SECRET, now_s=SENT_S + off_s)
    assert verify(BODY, HEADERS, SECRET, now_s=SENT_S + off_s, tolerance_s=400)


@given(st.binary(max_size=60).filter(lambda body: body != BODY.encode()))
def test_another_body_is_not_genuine(body: bytes) -> None:
    with pytest.raises(NotGenuine):
        verify(body, HEADERS, SECRET, now_s=SENT_S)


@pytest.mark.parametrize("secret", ["", "whsec_!", "whsec_AAAA"])
def test_another_secret_does_not_fit(secret: str) -> None:
    with pytest.raises(NotGenuine):
        verify(BODY, HEADERS, secret, now_s=SENT_S)


def test_without_headers_nothing_is_genuine() -> None:
    with pytest.raises(NotGenuine, match="headers"):
        verify(BODY, {}, SECRET)
