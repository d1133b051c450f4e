"""The vector is the one that the Standard Webhooks' own libraries are tested with."""

import random

from tests.transcribe_service.delivery.orders_of_tests import NOW_MS, SECRET, webhook
from transcribe_service.delivery.signatures import OLD_SECRET_MS, PREFIX, new_secret, signature, signed_headers
from turnscribe.webhooks import verify

MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = b'{"test": 2432232314}'


def test_the_specification_s_vector() -> None:
    assert signature(SECRET, MESSAGE, 1_614_265_330, BODY) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_new_secret_is_long_and_another_each_time() -> None:
    chance = random.Random(3)
    first, second = new_secret(chance.randbytes), new_secret(chance.randbytes)
    assert first != second
    assert first.startswith(PREFIX)
    assert len(first) == len(PREFIX) + 44


def test_the_old_secret_signs_too_for_a_day() -> None:
    changed = webhook(
        secret=new_secret(random.Random(4).randbytes), previous_secret=SECRET, previous_until_ms=NOW_MS + OLD_SECRET_MS
    )
    both = signed_headers(changed, MESSAGE, NOW_MS, BODY)
    for secret in (changed.secret, SECRET):
        assert verify(BODY, both, secret, now_s=NOW_MS / 1000) == {"test": 2432232314}
    later = signed_headers(changed, MESSAGE, NOW_MS + OLD_SECRET_MS, BODY)
    assert len(later["webhook-signature"].split()) == 1
    assert signed_headers(webhook(), MESSAGE, NOW_MS, BODY)["webhook-timestamp"] == str(NOW_MS // 1000)
