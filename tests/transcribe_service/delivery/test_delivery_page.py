"""What docs/delivery.md says is so."""

import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.transcribe_service.delivery.orders_of_tests import NOW_MS, SECRET, segment, webhook
from transcribe_service.delivery import post, schedule, webhook_health, webhooks
from transcribe_service.delivery.content import Said
from transcribe_service.delivery.engine_messages import EngineSegment
from transcribe_service.delivery.places import PAUSES_S
from transcribe_service.delivery.signatures import signed_headers
from transcribe_service.delivery.webhook_messages import CompletedData, SegmentData, segment_body

PAGE = Path(__file__).parents[3] / "docs" / "delivery.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text()


def test_its_receiver_takes_what_is_genuine_and_nothing_else(page: str) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    kept: list[Any] = []
    names: dict[str, Any] = {"SECRET": SECRET, "keep": lambda *told: kept.append(told)}
    exec(code, names)  # noqa: S102 -- the page's own
    body = segment_body(Said(segment(), (), NOW_MS, ""), "m1", NOW_MS)
    headers = signed_headers(webhook(), "msg_1", time.time_ns() // 1_000_000, body)
    assert names["received"](body, headers) == 204
    ((message_id, data),) = kept
    assert (message_id, data["segment_id"]) == ("msg_1", "c1:0:500")
    assert names["received"](body + b" ", headers) == 400


def test_its_numbers_are_those_of_the_code(page: str) -> None:
    text = " ".join(page.split())
    assert schedule.SCHEDULE_S[1:] == (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
    assert "after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h" in text
    assert f"After the tenth attempt, or {round(schedule.SPAN_MS / 3_600_000)} h" in text
    assert f"2xx within {post.TOTAL_S:.0f} s is success ({post.CONNECT_S:.0f} s to connect)" in text
    assert (PAUSES_S[0], PAUSES_S[1], PAUSES_S[-1]) == (5, 30, 300)
    assert f"A tenant has {webhooks.MOST} webhooks at most" in text
    assert (webhook_health.FAILING_MS, webhook_health.GIVEN_UP) == (3 * 86_400_000, 3)


def test_it_names_everything_that_is_sent(page: str) -> None:
    for kind in (SegmentData, CompletedData, EngineSegment):
        for name in kind.__struct_fields__:
            assert f"`{name}`" in page, name
