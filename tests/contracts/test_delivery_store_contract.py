"""What every delivery store promises."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from common.ports.delivery_store import Delivery, DeliveryStore

NOW_MS = 1_700_000_000_000


def delivery(subject: str = "transcript.segment c1:0:500", **said: Any) -> Delivery:
    return Delivery(
        **{
            "tenant": "acme",
            "receiver": "wh_1",
            "subject": subject,
            "type": "transcript.segment",
            "meeting_id": "m1",
            "connection_id": "c1",
            "segment_id": "c1:0:500",
            "rank": (1 << 62) + 1,
            "message_id": "msg_1",
            "happened_at_ms": NOW_MS,
            "since_ms": NOW_MS,
            "due_ms": NOW_MS,
            **said,
        }
    )


def keep(deliveries: DeliveryStore, *wanted: Delivery) -> None:
    for each in wanted:
        deliveries.change(each.tenant, each.receiver, each.subject, lambda _, each=each: each)


def get(deliveries: DeliveryStore, of: Delivery) -> Delivery | None:
    return deliveries.get(of.tenant, of.receiver, of.subject)


def test_a_delivery_is_kept_whole(deliveries: DeliveryStore) -> None:
    kept = delivery(
        take="2", final=False, attempts=3, in_hand=True, outcome="dead", reason="http_500", expires_ms=NOW_MS
    )
    keep(deliveries, kept)
    assert get(deliveries, kept) == kept
    assert deliveries.get("acme", "wh_2", kept.subject) is None
    assert deliveries.get("other", "wh_1", kept.subject) is None


def test_who_changes_nothing_leaves_what_is_there(deliveries: DeliveryStore) -> None:
    wanted = delivery()
    assert deliveries.change("acme", "wh_1", wanted.subject, lambda _: None) is None
    keep(deliveries, wanted)
    assert deliveries.change("acme", "wh_1", wanted.subject, lambda _: None) == wanted
    assert get(deliveries, wanted) == wanted


def test_no_change_is_lost_among_writers(deliveries: DeliveryStore) -> None:
    wanted = delivery()

    def count(_: int) -> None:
        def one_more(found: Delivery | None) -> Delivery:
            return msgspec.structs.replace(found or wanted, attempts=(found.attempts if found else 0) + 1)

        deliveries.change("acme", "wh_1", wanted.subject, one_more)

    with ThreadPoolExecutor(4) as writers:
        list(writers.map(count, range(4)))
    found = get(deliveries, wanted)
    assert found is not None
    assert found.attempts == 4


def test_what_is_due_comes_longest_due_first_and_nobody_else_s_with_it(deliveries: DeliveryStore) -> None:
    keep(
        deliveries,
        delivery("late", due_ms=NOW_MS),
        delivery("early", due_ms=5),
        delivery("tomorrow", due_ms=NOW_MS + 1),
        delivery("done", due_ms=None),
        delivery("other", receiver="wh_10", due_ms=1),
        delivery("another", tenant="acme2", due_ms=1),
    )
    assert [each.subject for each in deliveries.due("acme", "wh_1", NOW_MS, limit=9)] == ["early", "late"]
    assert [each.subject for each in deliveries.due("acme", "wh_1", NOW_MS, limit=1)] == ["early"]
    keep(deliveries, delivery("early", due_ms=None))
    assert [each.subject for each in deliveries.due("acme", "wh_1", NOW_MS, limit=9)] == ["late"]


def test_each_receiver_that_has_something_due_is_found_once(deliveries: DeliveryStore) -> None:
    keep(
        deliveries,
        *(delivery(f"s{number}", receiver="busy", due_ms=number) for number in range(12)),
        delivery("only", receiver="wh_1", due_ms=NOW_MS),
        delivery("tomorrow", receiver="wh_2", due_ms=NOW_MS + 1),
        delivery("done", receiver="wh_3", due_ms=None),
        delivery("theirs", tenant="a", receiver="wh_1", due_ms=7),
    )
    found = deliveries.receivers_due(NOW_MS, limit=9)
    assert sorted((each.tenant, each.receiver, each.subject) for each in found) == [
        ("a", "wh_1", "theirs"),
        ("acme", "busy", "s0"),
        ("acme", "wh_1", "only"),
    ]
    assert len(deliveries.receivers_due(NOW_MS, limit=2)) == 2


def test_what_has_expired_is_forgotten_and_nothing_else(deliveries: DeliveryStore) -> None:
    old = [delivery(f"old{number}", due_ms=None, expires_ms=NOW_MS - number) for number in range(3)]
    kept = [delivery("young", due_ms=None, expires_ms=NOW_MS + 1), delivery("pending")]
    keep(deliveries, *old, *kept)
    assert deliveries.forget_expired(NOW_MS, limit=2) == 2
    assert deliveries.forget_expired(NOW_MS, limit=2) == 1
    assert deliveries.forget_expired(NOW_MS, limit=2) == 0
    assert [get(deliveries, each) for each in (*old, *kept)] == [None, None, None, *kept]


def test_a_receiver_is_forgotten_with_all_that_it_waits_for(deliveries: DeliveryStore) -> None:
    kept = [delivery(receiver="wh_2"), delivery(tenant="other")]
    keep(deliveries, delivery("a"), delivery("b", due_ms=None), *kept)
    deliveries.forget_receiver("acme", "wh_1")
    deliveries.forget_receiver("acme", "wh_1")
    assert deliveries.due("acme", "wh_1", NOW_MS, limit=9) == []
    assert deliveries.get("acme", "wh_1", "b") is None
    assert [get(deliveries, each) for each in kept] == kept


def test_it_can_be_reached(deliveries: DeliveryStore) -> None:
    deliveries.check()
